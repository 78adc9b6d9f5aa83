// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tests/e2e/workspace"
	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/root/object"
)

// trees is a workspace with two trees over the same modules: declared one by one, and in a directory
// whose contents are unknown until it has been built.
const trees = workspace.External + `
-- BUILD.bazel --
load("@rules_modhash//rules:defs.bzl", "kernel_modules_import", "module_tree", "module_verify_test")
load(":folder.bzl", "folder")

kernel_modules_import(
    name = "declared_modules",
    srcs = glob(["lib/**/*.ko"]),
    strip_prefix = "lib",
)

folder(
    name = "folder",
    srcs = glob(["lib/**/*.ko"]),
)

kernel_modules_import(
    name = "directory_modules",
    srcs = [":folder"],
    strip_prefix = "lib",
)

[
    module_tree(
        name = name,
        machine = "x86_64",
        modules = [":%s_modules" % name],
    )
    for name in ["declared", "directory"]
]

[
    module_verify_test(
        name = name + "_verify",
        tree = name,
    )
    for name in ["declared", "directory"]
]
-- folder.bzl --
def _folder_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        mnemonic = "Folder",
        command = 'out=$1 && shift && mkdir -p "$out" && cp --parents "$@" "$out"',
        arguments = [folder.path] + [file.path for file in ctx.files.srcs],
        inputs = ctx.files.srcs,
        outputs = [folder],
    )
    return [DefaultInfo(files = depset([folder]))]

folder = rule(implementation = _folder_impl, attrs = {"srcs": attr.label_list(allow_files = True)})
`

// modules is how many there are in the trees, and leaves how many actions hash the declared ones: 2 each.
const (
	modules = 66
	leaves  = 33
)

// allGroups are the output groups of a tree.
const allGroups = "--output_groups=tree,root_object,proofs,sealed"

// machine is a workspace as one machine has it, without any cache that it does not ask for.
type machine struct {
	*workspace.Workspace
	t *testing.T
}

// newMachine makes a workspace with the trees, in a separate directory.
func newMachine(t *testing.T, flags ...string) machine {
	t.Helper()
	m := newMachineWith(t, trees, flags...)
	for i := range modules {
		m.Add(fmt.Sprintf("lib/kernel/m%03d.ko", i), module(t, i), 0o644)
	}
	return m
}

// newMachineWith makes a workspace of an archive's files.
func newMachineWith(t *testing.T, archive string, flags ...string) machine {
	t.Helper()
	w := workspace.New(t, archive, workspace.Prebuilt)
	w.AddModhash()
	w.Add(".bazelrc", documentedFlags(t), 0o644)
	w.Flags = append([]string{"--disk_cache="}, flags...)
	return machine{w, t}
}

// in returns the machine for a subtest.
func (m machine) in(t *testing.T) machine {
	t.Helper()
	return machine{m.In(t), t}
}

// module is the i-th one: no two have the same bytes, all the same length.
func module(t *testing.T, i int) []byte {
	t.Helper()
	m, err := arch.Named("x86_64")
	if err != nil {
		t.Fatal(err)
	}
	object, err := object.Write(m, merkle.Root{Levels: 1, Hash: merkle.Hash{byte(i)}})
	if err != nil {
		t.Fatal(err)
	}
	return append(object, fmt.Sprintf("module %03d", i)...)
}

// documentedFlags are those that docs/howto/remote.md has users put into their .bazelrc.
func documentedFlags(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(workspace.Checkout(t), "docs/howto/remote.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```bazelrc\n")
	flags, _, ended := strings.Cut(rest, "```")
	if !ok || !ended {
		t.Fatal("docs/howto/remote.md has no block of bazelrc")
	}
	return []byte(flags)
}

// counts are numbers of actions by "MNEMONIC RUNNER".
type counts map[string]int

// clean removes what was built, and what Bazel remembers of it.
func (m machine) clean() {
	m.t.Helper()
	m.MustBazel("clean")
}

func count(spawns []workspace.Spawn) counts {
	c := counts{}
	for _, s := range spawns {
		c[s.Mnemonic+" "+s.Runner]++
	}
	return c
}

// expect compares what ran with what should have: by mnemonic, all by one runner.
func expect(t *testing.T, what string, got []workspace.Spawn, runner string, want map[string]int) {
	t.Helper()
	all := counts{}
	for mnemonic, n := range want {
		all[mnemonic+" "+runner] = n
	}
	if fmt.Sprint(count(got)) != fmt.Sprint(all) {
		t.Errorf("%s: got %v, want %v", what, count(got), all)
	}
}

// outputs maps each output file of actions to its digest.
func outputs(spawns []workspace.Spawn) map[string]string {
	digests := map[string]string{}
	for _, s := range spawns {
		for _, o := range s.ActualOutputs {
			digests[o.Path] = o.Digest.Hash
		}
	}
	return digests
}

// expectSame compares the outputs of two builds.
func expectSame(t *testing.T, what string, got, want []workspace.Spawn) {
	t.Helper()
	there, here := outputs(got), outputs(want)
	if len(there) != len(here) || len(here) == 0 {
		t.Errorf("%s: got %d outputs, want %d", what, len(there), len(here))
	}
	for path, digest := range here {
		if there[path] != digest {
			t.Errorf("%s: got digest %s of %s, want %s", what, there[path], path, digest)
		}
	}
}
