// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// stranger is the workspace of somebody who found the rules and wants a tree of some modules.
const stranger = `
-- MODULE.bazel --
module(name = "stranger")

bazel_dep(name = "rules_modhash", version = "0.1.0")
local_path_override(
    module_name = "rules_modhash",
    path = "CHECKOUT",
)

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

// prebuilt is added to the workspace of a stranger who has the modhash program already.
const prebuilt = `
-- MODULE.bazel --
register_toolchains("//:prebuilt_toolchain")
-- BUILD.bazel --
load("@rules_modhash//toolchains/modhash:toolchain.bzl", "modhash_toolchain")

modhash_toolchain(
    name = "prebuilt",
    modhash = "modhash",
)

toolchain(
    name = "prebuilt_toolchain",
    toolchain = ":prebuilt",
    toolchain_type = "@rules_modhash//toolchains/modhash:toolchain_type",
)
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

// newPrebuiltWorkspace makes a stranger's workspace around the modhash that this test was built
// with: nothing is compiled in it.
func newPrebuiltWorkspace(t *testing.T) *workspace {
	t.Helper()
	w := newWorkspace(t, stranger, prebuilt)
	program, err := os.ReadFile(filepath.Join("../..", os.Getenv("MODHASH")))
	if err != nil {
		t.Fatal(err)
	}
	w.add("modhash", program, 0o755)
	return w
}

// digests maps each output file of the tree's output groups to its mode and digest.
func (w *workspace) digests(groups string) map[string]string {
	w.t.Helper()
	w.mustBazel("build", "//:tree", "--output_groups="+groups)
	root := filepath.Join(w.dir, "bazel-bin")
	digests := map[string]string{}
	resolved, err := filepath.EvalSymlinks(root)
	if err != nil {
		w.t.Fatal(err)
	}
	err = filepath.WalkDir(resolved, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, resolved+"/")
		if strings.HasPrefix(name, "tree") && !strings.HasSuffix(name, ".params") {
			digests[name] = fmt.Sprintf("%x", sha256.Sum256(data))
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return digests
}

func TestStranger(t *testing.T) {
	w := newWorkspace(t, stranger)
	w.mustBazel("test", "//:verify")

	t.Run("a file that is no module is named with its target", func(t *testing.T) {
		output, err := w.bazel("build", "//bad:no_elf")
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

// TestGazelle does what the README of the extension of Gazelle says.
func TestGazelle(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(checkout(t), "tools/gazelle/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(readme), "```starlark\n")
	if len(blocks) < 3 {
		t.Fatalf("got %d blocks of Starlark in the README, want those of MODULE.bazel and BUILD.bazel", len(blocks)-1)
	}
	w := newWorkspace(t)
	for i, name := range []string{"MODULE.bazel", "BUILD.bazel"} {
		text, _, _ := strings.Cut(blocks[i+1], "```")
		w.add(name, []byte(text), 0o644)
	}
	for _, file := range txtar.Parse([]byte(strings.ReplaceAll(gazelle, "CHECKOUT", checkout(t)))).Files {
		w.add(file.Name, file.Data, 0o644)
	}
	w.mustBazel("run", "//:gazelle")
	got, err := os.ReadFile(filepath.Join(w.dir, "drivers/user/BUILD.bazel"))
	if err != nil || string(got) != wantUser {
		t.Errorf("got %v and\n%s\nwant\n%s", err, got, wantUser)
	}
}

// TestReproducible holds that what is built depends on the inputs alone: not on folder, user, time
// zone, umask, locale or cache.
func TestReproducible(t *testing.T) {
	const groups = "tree,root_object,proofs,sealed"
	here, there := newPrebuiltWorkspace(t), newPrebuiltWorkspace(t)
	here.cold, there.cold = true, true
	here.env = []string{"TZ=UTC", "LC_ALL=C", "USER=here"}
	there.env = []string{"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "USER=there", "HOSTNAME=elsewhere"}
	there.command = []string{"unshare", "--user", "--map-user=4321", "--map-group=4321",
		"sh", "-c", `umask 0077 && exec "$@"`, "sh"}
	got, want := there.digests(groups), here.digests(groups)
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

// linux is added to the workspace of a stranger who brings in kernel source.
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
    name = "own",
    archive = "//:linux.tar.gz",
    version = "1.2.3",
)
use_repo(linux, "both", "no_digest", "other_digest", "own")
-- BUILD.bazel --
load("@own//:version.bzl", "VERSION")

exports_files(["linux.tar.gz"])

filegroup(name = "version_" + VERSION)
-- linux.tar.gz --
no archive at all
`

// TestLinux holds what the extension linux says of tags that contradict themselves, and of an archive
// that is none.
func TestLinux(t *testing.T) {
	w := newWorkspace(t, stranger, linux)
	for target, want := range map[string]string{
		"@both//:source":         `linux.source(name = "both"): got both urls and archive, want one of them`,
		"@no_digest//:source":    `linux.source(name = "no_digest"): got urls without sha256. Next: add the archive's SHA-256 digest`,
		"@other_digest//:source": `linux.source(name = "other_digest"): the world keeps linux-source-`,
		"@own//:source":          "unpacking",
	} {
		output, err := w.bazel("build", target)
		if err == nil || !strings.Contains(output, want) {
			t.Errorf("%s: got %v and\n%s\nwant an error with %q", target, err, output, want)
		}
	}
	w.mustBazel("build", "//:version_1.2.3")
}
