// SPDX-License-Identifier: Apache-2.0

// Package release uses the rules as they are released: the source archive, from a registry of files that is laid out as
// the public one, and a modhash by its digest. The checkout is out of reach.
package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"rules_modhash/tests/e2e/workspace"
)

// files is the workspace. VERSION is that of the rules, DIR the directory of what was released.
const files = `
-- .bazelrc --
common --registry=file://DIR
-- MODULE.bazel --
module(name = "user")

bazel_dep(name = "rules_modhash", version = "VERSION")

debian = use_extension("@rules_modhash//toolchains/debian:extensions.bzl", "debian")
debian.modules(
    name = "some_modules",
    include = [
        "kernel/fs/ext4/*.ko*",
        "kernel/fs/jbd2/*.ko*",
    ],
)
use_repo(debian, "some_modules")

modhash = use_extension("@rules_modhash//toolchains/modhash:extensions.bzl", "modhash")
modhash.prebuilt(
    name = "modhash_prebuilt",
    sha256 = {"ARCHITECTURE": "DIGEST"},
    urls = ["file://DIR/modhash-linux-{architecture}"],
)
modhash.prebuilt(
    name = "modhash_other",
    sha256 = {"ARCHITECTURE": "` + otherDigest + `"},
    urls = ["file://DIR/modhash-linux-{architecture}"],
)
use_repo(modhash, "modhash_other", "modhash_prebuilt")

register_toolchains("@modhash_prebuilt//:all")
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
`

// otherDigest is not the digest of the program.
const otherDigest = "0000000000000000000000000000000000000000000000000000000000000001"

// public is what users load and run.
var public = []string{
	"@rules_modhash//rules:deb", "@rules_modhash//rules:defs", "@rules_modhash//rules:providers",
	"@rules_modhash//toolchains/boot:extensions", "@rules_modhash//toolchains/debian:extensions",
	"@rules_modhash//toolchains/kernel:extensions", "@rules_modhash//toolchains/kernel/patches/...",
	"@rules_modhash//toolchains/modhash/...", "@rules_modhash//tools/...", "@rules_modhash//proto/...",
}

// unpack returns the version in the name of the archive's directory, and the archive's MODULE.bazel.
func unpack(t *testing.T, archive []byte) (version string, module []byte) {
	t.Helper()
	uncompressed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for members := tar.NewReader(uncompressed); ; {
		header, err := members.Next()
		if err != nil {
			t.Fatalf("reading the archive until its MODULE.bazel: %v", err)
		}
		directory, name, _ := strings.Cut(header.Name, "/")
		if name != "MODULE.bazel" {
			continue
		}
		if module, err = io.ReadAll(members); err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(directory, "rules_modhash-"), module
	}
}

// put writes a file and the directories above it.
func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// get reads a file that the test has among its data, which an environment variable names.
func get(t *testing.T, variable string) []byte {
	t.Helper()
	data, err := os.ReadFile(workspace.Runfile(os.Getenv(variable)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// publish makes a registry with the archive in a directory, and returns the version of the rules.
func publish(t *testing.T, dir string) string {
	t.Helper()
	archive := get(t, "ARCHIVE")
	version, module := unpack(t, archive)
	digest := sha256.Sum256(archive)
	source, err := json.Marshal(map[string]string{
		"integrity":    "sha256-" + base64.StdEncoding.EncodeToString(digest[:]),
		"strip_prefix": "rules_modhash-" + version,
		"url":          "file://" + dir + "/archive.tar.gz",
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir+"/archive.tar.gz", archive)
	put(t, dir+"/bazel_registry.json", []byte("{}"))
	put(t, dir+"/modules/rules_modhash/"+version+"/MODULE.bazel", module)
	put(t, dir+"/modules/rules_modhash/"+version+"/source.json", source)
	return version
}

// newUser makes the workspace of somebody who has the release alone.
func newUser(t *testing.T) *workspace.Workspace {
	t.Helper()
	workspace.RequireWorld(t)
	dir, modhash := t.TempDir(), get(t, "MODHASH")
	version := publish(t, dir)
	put(t, dir+"/modhash-linux-"+runtime.GOARCH, modhash)
	w := workspace.New(t, strings.NewReplacer(
		"VERSION", version, "DIR", dir, "ARCHITECTURE", runtime.GOARCH, "DIGEST", fmt.Sprintf("%x", sha256.Sum256(modhash)),
	).Replace(files))
	w.HideCheckout()
	w.UseCompiledGazelle()
	return w
}

func TestRelease(t *testing.T) {
	w := newUser(t)
	w.MustBazel("test", "//:verify")
	const groups = "tree,root_object,proofs,sealed"
	prebuilt := w.Digests(groups)

	output, err := w.Bazel("build", "//:tree", "--extra_toolchains=@modhash_other//:all")
	if err == nil || !strings.Contains(output, "Checksum was") || !strings.Contains(output, otherDigest) {
		t.Errorf("a program with another digest: got error %v and\n%s\nwant one with both digests", err, output)
	}
	checkComplete(t, w)

	w.Flags = []string{"--extra_toolchains=@rules_modhash//toolchains/modhash:source_toolchain"}
	source := w.Digests(groups)
	if len(prebuilt) < 5 || len(source) != len(prebuilt) {
		t.Fatalf("got %d outputs by the prebuilt program and %d by the one from source, want as many, and some", len(prebuilt), len(source))
	}
	for name, digest := range prebuilt {
		if source[name] != digest {
			t.Errorf("%s: got SHA-256 %s by the program from source, want %s as by the prebuilt one", name, source[name], digest)
		}
	}
}

// inRules matches the label of a source file of the rules.
var inRules = regexp.MustCompile(`(?m)^@+rules_modhash[~+]*//([^:\n]*):(\S+)$`)

// checkComplete checks that the archive has each file that what users load and run is made of.
func checkComplete(t *testing.T, w *workspace.Workspace) {
	t.Helper()
	output := w.MustBazel("query", `kind("source file", deps(`+strings.Join(public, " + ")+`))`)
	found := inRules.FindAllStringSubmatch(output, -1)
	if len(found) < 200 {
		t.Errorf("got %d source files of the rules, want 200 or more:\n%s", len(found), output)
	}
	for _, label := range found {
		if path := filepath.Join(label[1], label[2]); !w.HasFile("rules_modhash", path) {
			t.Errorf("the archive has no %s, which what users run is made of", path)
		}
	}
}

// TestSmoke runs the workspace by which registries of Bazel modules test a release, in the unpacked archive.
func TestSmoke(t *testing.T) {
	w := workspace.New(t)
	archive := filepath.Join(t.TempDir(), "archive.tar.gz")
	put(t, archive, get(t, "ARCHIVE"))
	if output, err := exec.Command("tar", "--extract", "--file="+archive, "--strip-components=1", "--directory="+w.Dir).CombinedOutput(); err != nil {
		t.Fatalf("unpacking the archive: %v\n%s", err, output)
	}
	w.Dir = filepath.Join(w.Dir, "examples/smoke")
	w.HideCheckout()
	w.UseCompiledGazelle()
	w.MustBazel("test", "//...")
}
