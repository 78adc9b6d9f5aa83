// SPDX-License-Identifier: Apache-2.0

// Package e2e uses the rules as a user does: from an external workspace, with its own Bazel
// server, on real modules of a distribution. The tests need a ./bazelw world and reach the network
// (Go modules), so they run outside the sandbox and are never cached.
package e2e

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"rules_modhash/tests/e2e/workspace"
	"rules_modhash/tools/kernel/treearchive"
)

// external is the workspace of a user who wants a tree of some modules.
const external = workspace.External + `
-- MODULE.bazel --
debian = use_extension("@rules_modhash//toolchains/debian:extensions.bzl", "debian")
debian.modules(
    name = "some_modules",
    include = [
        "kernel/fs/ext4/*.ko*",
        "kernel/fs/jbd2/*.ko*",
        "kernel/net/ipv4/**/*.ko*",
    ],
)
use_repo(debian, "some_modules")
-- BUILD.bazel --
load("@rules_modhash//rules:defs.bzl", "module_tree", "module_verify_test")

module_tree(
    name = "tree",
    modules = ["@some_modules//:kernel_modules"],
)

module_verify_test(
    name = "verify",
    tree = ":tree",
)
-- bad/BUILD.bazel --
load("@rules_modhash//rules:defs.bzl", "kernel_module_import", "module_tree")

kernel_module_import(
    name = "text",
    module = "text.ko",
)

module_tree(
    name = "no_elf",
    modules = [":text"],
)
-- bad/text.ko --
no module at all
`

// gazelle is added to the workspace that the README of the extension of Gazelle sets up.
const gazelle = `
-- MODULE.bazel --

local_path_override(
    module_name = "rules_modhash",
    path = "CHECKOUT",
)
-- kernel/x86_64.config --
CONFIG_X86=y
CONFIG_MODULES=y
-- drivers/base/Kbuild --
obj-m := base.o
-- drivers/base/base.c --
#include "base.h"
EXPORT_SYMBOL_GPL(base_answer);
-- drivers/base/base.h --
int base_answer(void);
-- drivers/user/Kbuild --
obj-m := user.o
user-y := main.o
-- drivers/user/main.c --
#include "../base/base.h"
int answer(void) { return base_answer(); }
`

// wantUser is what becomes of drivers/user.
const wantUser = `load("@rules_modhash//rules:defs.bzl", "kernel_module")

kernel_module(
    name = "user",
    srcs = ["main.c"],
    kernel = "//kernel:linux",
    visibility = ["//visibility:public"],
    deps = ["//drivers/base"],
)
`

func TestExternal(t *testing.T) {
	w := workspace.New(t, external)
	w.MustBazel("test", "//:verify")

	t.Run("a file that is no module is named with its target", func(t *testing.T) {
		output, err := w.Bazel("build", "//bad:no_elf")
		if err == nil {
			t.Fatalf("the build passes:\n%s", output)
		}
		for _, want := range []string{"//bad:text", "bad/text.ko", "ELF"} {
			if !strings.Contains(output, want) {
				t.Errorf("got no %q in:\n%s", want, output)
			}
		}
	})
}

// TestGazelle follows the README of the Gazelle extension.
func TestGazelle(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(workspace.Checkout(t), "tools/gazelle/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(readme), "```starlark\n")
	if len(blocks) < 3 {
		t.Fatalf("got %d blocks of Starlark in the README, want those of MODULE.bazel and BUILD.bazel", len(blocks)-1)
	}
	w := workspace.New(t)
	w.UseCompiledGazelle()
	for i, name := range []string{"MODULE.bazel", "BUILD.bazel"} {
		text, _, _ := strings.Cut(blocks[i+1], "```")
		w.Add(name, []byte(text), 0o644)
	}
	for _, file := range txtar.Parse([]byte(strings.ReplaceAll(gazelle, "CHECKOUT", workspace.Checkout(t)))).Files {
		w.Add(file.Name, file.Data, 0o644)
	}
	w.MustBazel("run", "//:gazelle")
	got, err := os.ReadFile(filepath.Join(w.Dir, "drivers/user/BUILD.bazel"))
	if err != nil || string(got) != wantUser {
		t.Errorf("got %v and\n%s\nwant\n%s", err, got, wantUser)
	}
}

// goModules is added to a workspace that asks which Go modules it has.
const goModules = `
-- MODULE.bazel --
bazel_dep(name = "gazelle", version = "0.47.0")

go_deps = use_extension("@gazelle//:extensions.bzl", "go_deps")
use_repo(go_deps, "bazel_gazelle_go_repository_config")
`

// unneeded matches the repositories that nothing which only hashes modules needs.
var unneeded = regexp.MustCompile(`(?m)^.*(kernel_tools|boot_tools|go_deps).*$|^(gazelle|protobuf|rules_pkg|stardoc)[~+].*$`)

// newPrebuilt makes an external workspace in which nothing is compiled, and nothing comes from a cache.
func newPrebuilt(t *testing.T) *workspace.Workspace {
	t.Helper()
	w := workspace.New(t, external, workspace.Prebuilt, goModules)
	w.AddModhash()
	w.Flags = []string{"--disk_cache="}
	return w
}

// TestPrebuiltModhash shares one Bazel between the tests of a workspace with a modhash that was built before: starting it
// takes longer than what they do.
func TestPrebuiltModhash(t *testing.T) {
	w := newPrebuilt(t)
	w.Env = []string{"TZ=UTC", "LC_ALL=C", "USER=here"}
	t.Run("reproducible", func(t *testing.T) { testReproducible(t, w.In(t)) })
	t.Run("fetches only what it needs", func(t *testing.T) { testFetchesOnlyWhatItNeeds(t, w.In(t)) })
}

// testReproducible checks that what is built depends on the inputs alone: not on directory, user, time
// zone, umask, locale or cache.
func testReproducible(t *testing.T, here *workspace.Workspace) {
	t.Helper()
	const groups = "tree,root_object,proofs,sealed"
	there := newPrebuilt(t)
	there.ChangeEnvironment()
	got, want := there.Digests(groups), here.Digests(groups)
	if len(want) < 20 {
		t.Fatalf("only %d outputs to compare: %v", len(want), want)
	}
	for name, digest := range want {
		if got[name] != digest {
			t.Errorf("%s: got SHA-256 %s there, want %s as here", name, got[name], digest)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d outputs there, want %d as here", len(got), len(want))
	}
}

// testFetchesOnlyWhatItNeeds checks that a workspace that only hashes modules, with a modhash that was built before,
// fetches nothing that is for kernels, virtual machines or Go; and that Go modules of tests are not among those that it
// could fetch.
func testFetchesOnlyWhatItNeeds(t *testing.T, w *workspace.Workspace) {
	t.Helper()
	w.MustBazel("test", "//:verify")
	fetched := strings.Join(w.Repositories(), "\n")
	if !strings.Contains(fetched, "some_modules") {
		t.Fatalf("got these repositories, want the one of the modules among them:\n%s", fetched)
	}
	for _, name := range unneeded.FindAllString(fetched, -1) {
		t.Errorf("hashing modules fetches the repository %s, want none for kernels, virtual machines or Go", name)
	}

	w.MustBazel("build", "@bazel_gazelle_go_repository_config//:all")
	modules := w.ReadRepository("bazel_gazelle_go_repository_config", "WORKSPACE")
	if !strings.Contains(modules, "github.com/spf13/cobra") {
		t.Fatalf("got these Go modules, want those of modhash among them:\n%s", modules)
	}
	for _, path := range []string{"chromedp", "jsonschema", "go-internal"} {
		if strings.Contains(modules, path) {
			t.Errorf("a workspace that uses the rules has the Go module of tests %s", path)
		}
	}
}

// linux is added to the external workspace of a user with kernel source.
const linux = `
-- MODULE.bazel --
linux = use_extension("@rules_modhash//toolchains/kernel:extensions.bzl", "linux")
linux.source(
    name = "both",
    archive = "//:linux.tar.gz",
    urls = ["file:///linux.tar.gz"],
)
linux.source(
    name = "no_digest",
    urls = ["file:///linux.tar.gz"],
)
linux.source(
    name = "other_digest",
    sha256 = "0000000000000000000000000000000000000000000000000000000000000000",
)
linux.source(
    name = "other_series",
    series = "1.0",
)
linux.source(
    name = "own",
    archive = "//:linux.tar.gz",
    version = "1.2.3",
)
linux.source(
    name = "own_series",
    archive = "//:linux.tar.gz",
    series = "1.2",
)
use_repo(linux, "both", "no_digest", "other_digest", "other_series", "own", "own_series")
-- BUILD.bazel --
load("@own//:version.bzl", "VERSION")

exports_files(["linux.tar.gz"])

filegroup(name = "version_" + VERSION)
-- linux.tar.gz --
no archive at all
`

// TestExtensions shares one Bazel between the tests of what extensions refuse.
func TestExtensions(t *testing.T) {
	w := workspace.New(t, external, linux)
	w.UseCompiledGazelle()
	t.Run("linux", func(t *testing.T) { testLinux(t, w.In(t)) })
	t.Run("modhash", func(t *testing.T) { testPrebuilt(t, w.In(t)) })
}

// testLinux checks the errors of the extension linux for tags that contradict themselves, and of an archive
// that is none.
func testLinux(t *testing.T, w *workspace.Workspace) {
	t.Helper()
	for target, want := range map[string]string{
		"@both//:source":         `linux.source(name = "both"): got both urls and archive, want one of them`,
		"@no_digest//:source":    `linux.source(name = "no_digest"): got urls without sha256. Next: add the archive's SHA-256 digest`,
		"@other_digest//:source": `linux.source(name = "other_digest"): got linux-source-`,
		"@other_series//:source": `linux.source(name = "other_series"): got no source of Linux 1.0 in the world, want one of linux-source-`,
		"@own//:source":          "unpacking",
		"@own_series//:source":   `linux.source(name = "own_series"): got series with urls, archive or path, want series only for Debian's source`,
	} {
		output, err := w.Bazel("build", target)
		if err == nil || !strings.Contains(output, want) {
			t.Errorf("%s: got %v and\n%s\nwant an error with %q", target, err, output, want)
		}
	}
	w.MustBazel("build", "//:version_1.2.3")
}

// edited is added to the external workspace of a user who edits a kernel.
const edited = `
-- MODULE.bazel --
linux = use_extension("@rules_modhash//toolchains/kernel:extensions.bzl", "linux")
linux.source(
    name = "edited",
    path = "linux",
)
linux.source(
    name = "path_and_urls",
    path = "linux",
    urls = ["file:///linux.tar.gz"],
)
linux.source(
    name = "path_and_digest",
    path = "linux",
    sha256 = "0000000000000000000000000000000000000000000000000000000000000000",
)
linux.source(
    name = "no_kernel",
    path = "other",
)
linux.source(
    name = "workspace",
    path = "linux/..",
)
use_repo(linux, "edited", "no_kernel", "path_and_digest", "path_and_urls", "workspace")
-- BUILD.bazel --
load("@edited//:version.bzl", "VERSION")

filegroup(name = "version_" + VERSION)
-- Kbuild --
-- Makefile --
VERSION = 7
PATCHLEVEL = 3
-- other/Makefile --
all:
-- linux/Makefile --
VERSION = 7
PATCHLEVEL = 3
SUBLEVEL =
EXTRAVERSION = -rc3
-- linux/Kbuild --
obj-y += fs/
-- linux/fs/BUILD --
not a BUILD file of Bazel
-- linux/fs/a b.c --
int a;
-- linux/.git/config --
-- linux/fs/.a.c.swp --
`

// TestEditedLinux edits a tree, and checks that the next build has the change and nothing else.
func TestEditedLinux(t *testing.T) {
	w := workspace.New(t, external, edited)
	w.UseCompiledGazelle()
	link := filepath.Join(w.Dir, "linux/include")
	if err := os.Symlink("fs", link); err != nil {
		t.Fatal(err)
	}
	w.Add("linux/run.sh", []byte("#!/bin/sh\n"), 0o755)
	want := map[string]string{
		"Kbuild": "-obj-y += fs/\n", "Makefile": "-VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL =\nEXTRAVERSION = -rc3\n",
		"fs/BUILD": "-not a BUILD file of Bazel\n", "fs/a b.c": "-int a;\n", "include": ">fs", "run.sh": "x#!/bin/sh\n",
	}
	check := func(step string) {
		t.Helper()
		w.MustBazel("build", "@edited//:source")
		if got := readTree(t, w); !maps.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", step, got, want)
		}
	}
	check("first build")
	w.MustBazel("build", "//:version_7.3.0-rc3")

	w.Add("linux/fs/a b.c", []byte("int b;\n"), 0o644)
	want["fs/a b.c"] += "int b;\n"
	check("a changed file")

	w.Add("linux/fs/new.c", []byte("int c;\n"), 0o644)
	want["fs/new.c"] = "-int c;\n"
	check("a new file")

	if err := os.Remove(filepath.Join(w.Dir, "linux/run.sh")); err != nil {
		t.Fatal(err)
	}
	delete(want, "run.sh")
	check("a removed file")

	w.Add("linux/fs/new.o", nil, 0o644)
	for target, want := range map[string]string{
		"@edited//:source":          "got a tree in which make has run: 1 files, such as fs/new.o",
		"@no_kernel//:source":       `linux.source(name = "no_kernel"): got the path`,
		"@path_and_digest//:source": `linux.source(name = "path_and_digest"): got sha256 with path, want sha256 only for an archive`,
		"@path_and_urls//:source":   `linux.source(name = "path_and_urls"): got both urls and path, want one of them`,
		"@workspace//:source":       `linux.source(name = "workspace"): got the directory of the workspace as path`,
	} {
		output, err := w.Bazel("build", target)
		if err == nil || !strings.Contains(output, want) {
			t.Errorf("%s: got %v and\n%s\nwant an error with %q", target, err, output, want)
		}
	}
	w.Add("linux/fs/a:b", nil, 0o644)
	output, err := w.Bazel("build", "@edited//:source")
	if err == nil || !strings.Contains(output, `got the file name or link "fs/a:b", want ASCII without ':'`) {
		t.Errorf("got %v and\n%s\nwant an error about the name", err, output)
	}
}

// readTree maps each path of the source to its contents, after x for an executable file, > for a link, and - for others.
func readTree(t *testing.T, w *workspace.Workspace) map[string]string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(w.Dir, "bazel-bin/external/*edited/source.tar.zst"))
	if err != nil || len(found) != 1 {
		t.Fatalf("got the archives %q, %v, want one", found, err)
	}
	file, err := os.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tree := map[string]string{}
	err = treearchive.Read(file, treearchive.All, func(entry treearchive.Entry, contents io.Reader) error {
		if entry.IsLink() {
			tree[entry.Path] = ">" + entry.Target
			return nil
		}
		data, err := io.ReadAll(contents)
		tree[entry.Path] = map[bool]string{true: "x", false: "-"}[entry.Executable] + string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// prebuilt is added to an external workspace that uses a modhash by a wrong digest.
const prebuilt = `
-- MODULE.bazel --
modhash = use_extension("@rules_modhash//toolchains/modhash:extensions.bzl", "modhash")
use_repo(modhash, "programs")
modhash.prebuilt(
    name = "programs",
    sha256 = {"ARCHITECTURE": "DIGEST"},
    urls = ["file:///modhash"],
)
`

// testPrebuilt checks what the extension modhash reports of tags that it refuses.
func testPrebuilt(t *testing.T, w *workspace.Workspace) {
	t.Helper()
	digest := strings.Repeat("0", 64)
	for _, tc := range []struct{ architecture, digest, want string }{
		{"x86_64", digest, `modhash.prebuilt(name = "programs"): attribute sha256: got the architecture "x86_64", want one of amd64, `},
		{"amd64", digest[1:], `got the digest "` + digest[1:] + `" of amd64, want 64 hex digits. Next: copy it from SHA256SUMS of the release`},
		{"amd64", "G" + digest[1:], `of amd64, want 64 hex digits`},
	} {
		module := workspace.External + strings.NewReplacer("ARCHITECTURE", tc.architecture, "DIGEST", tc.digest).Replace(prebuilt)
		w.Replace("MODULE.bazel", module)
		output, err := w.Bazel("query", "@programs//:all")
		if err == nil || !strings.Contains(output, tc.want) {
			t.Errorf("%s, %s: got error %v and\n%s\nwant one with %s", tc.architecture, tc.digest, err, output, tc.want)
		}
	}
}
