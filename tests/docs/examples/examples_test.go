// SPDX-License-Identifier: Apache-2.0

// Package examples loads each Starlark example of the pages and of the docstrings with Bazel, in an external workspace:
// a package for each BUILD file, with the example on the lines that it has in its page.
package examples

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_modhash/tests/e2e/workspace"
)

// wantFragments is how many blocks are marked "starlark fragment". Such a block is not checked by anything: complete the
// example if possible.
const wantFragments = 0

// leastOf is how many examples of each kind the pages have at least, so that the test does not pass on an empty tree.
var leastOf = map[string]int{buildFile: 50, moduleFile: 10}

// broken is a page of examples that must be reported, each with what the report contains.
const broken = `
~~~starlark
load("@rules_modhash//rules:defs.bzl", "kernel_module")

visibility("//...")
~~~
name 'visibility' is not defined
~~~starlark
load("@rules_modhash//rules:defs.bzl", "module_tree")

module_tree(
    name = "tree",
    module = [":hello"],
)
~~~
no such attribute 'module'
~~~starlark
load("@rules_modhash//rules:defs.bzl", "module_forest")
~~~
does not contain symbol 'module_forest'
~~~starlark
module_tree(
~~~
syntax error
~~~starlark
filegroup(
    name = "patches",
    srcs = ["@rules_modhash//toolchains/kernel/patches:no_such_target"],
)
~~~
patches:no_such_target does not exist
~~~starlark
def example():
    return no_such_name
~~~
name 'no_such_name' is not defined
~~~starlark fragment
filegroup(name = "complete")
~~~
marked as a fragment, but it loads
~~~starlark
linux = use_extension("@rules_modhash//toolchains/kernel:extensions.bzl", "linux")
linux.source(
    name = "linux",
    no_such_attribute = "",
)
use_repo(linux, "linux")
~~~
no_such_attribute
~~~starlark
debian = use_extension("@rules_modhash//toolchains/debian:extensions.bzl", "debian")
debian.modules(
    name = "debian_modules",
    urls = ["https://mirror.example.org/linux-modules.deb"],
)
use_repo(debian, "another_name")
~~~
another_name
~~~starlark
register_toolchains("//:no_such_toolchain")
~~~
//:no_such_toolchain is not in an example of this page
~~~starlark
bazel_dep(nam = "rules_modhash")
~~~
'nam'
`

// pages returns the examples of all pages and docstrings.
func pages(t *testing.T) []block {
	t.Helper()
	var blocks []block
	for _, extension := range []string{".md", ".bzl"} {
		sources(t, extension, func(name, text string) {
			found, err := findBlocks(name, text)
			if err != nil {
				t.Error(err)
			}
			blocks = append(blocks, found...)
		})
	}
	return blocks
}

// privateLoads is a page of examples in the form of broken: each loads a .bzl file that is not public.
func privateLoads(t *testing.T) string {
	t.Helper()
	var page strings.Builder
	sources(t, ".bzl", func(name, _ string) {
		directory, file := filepath.Split(name)
		if slices.Contains(public, name) || !strings.HasPrefix(name, "rules/") && !strings.HasPrefix(name, "toolchains/") {
			return // the others load what only this repository can
		}
		label := "@rules_modhash//" + strings.TrimSuffix(directory, "/") + ":" + file
		page.WriteString("~~~starlark\nload(\"" + label + "\", \"any\")\n~~~\nis not visible for loading\n")
	})
	return page.String()
}

// rejected returns the examples of a page in the form of broken, and for each position what its report contains.
func refused(t *testing.T, page, text string) ([]block, map[string]string) {
	t.Helper()
	text = strings.ReplaceAll(text, "~~~", "```")
	blocks, err := findBlocks(page, text)
	if err != nil {
		t.Fatal(err)
	}
	lines, wants := strings.Split(text, "\n"), map[string]string{}
	for _, b := range blocks {
		wants[b.position()] = lines[b.line+strings.Count(b.text, "\n")]
	}
	return blocks, wants
}

// newWorkspace makes an external workspace, next to the rules as the tutorial has it.
func newWorkspace(t *testing.T) *workspace.Workspace {
	t.Helper()
	w := workspace.New(t)
	if err := os.Symlink(workspace.Checkout(t), filepath.Join(w.Dir, "rules_modhash")); err != nil {
		t.Fatal(err)
	}
	w.Dir = filepath.Join(w.Dir, "examples")
	w.Add("BUILD.bazel", nil, 0o644)
	return w
}

// TestExamples checks that the examples load, that those marked as fragments do not, and that broken ones are reported.
func TestExamples(t *testing.T) {
	blocks, wants := pages(t), map[string]string{}
	checkCounts(t, blocks)
	for page, text := range map[string]string{"broken.md": broken, "private.md": privateLoads(t)} {
		more, moreWants := refused(t, page, text)
		blocks = append(blocks, more...)
		for position, want := range moreWants {
			wants[position] = want
		}
	}
	got := load(t, newWorkspace(t), blocks)
	for _, b := range blocks {
		report, want := got[b.position()], wants[b.position()]
		switch {
		case want == "" && report != "":
			t.Errorf("%s: this example of a %s does not load:\n%s", b.position(), b.kind, report)
		case !strings.Contains(report, want):
			t.Errorf("%s: got the report %q, want one with %q", b.position(), report, want)
		}
	}
}

// checkCounts checks how many examples of each kind there are, and prints it.
func checkCounts(t *testing.T, blocks []block) {
	t.Helper()
	counts, fragments := map[string]int{}, 0
	for _, b := range blocks {
		counts[b.kind]++
		if b.fragment {
			fragments++
			t.Logf("%s: a fragment", b.position())
		}
	}
	t.Logf("examples: %v, of these %d fragments", counts, fragments)
	if fragments != wantFragments {
		t.Errorf("got %d blocks marked as fragments, want %d. Next: complete them, or change wantFragments", fragments, wantFragments)
	}
	for kind, least := range leastOf {
		if counts[kind] < least {
			t.Errorf("got %d examples of a %s, want %d or more", counts[kind], kind, least)
		}
	}
}
