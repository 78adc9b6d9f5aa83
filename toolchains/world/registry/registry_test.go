// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// unpack writes a txtar archive to a new directory and returns the directory.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, file.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const bazelAlone = `
-- share/embedded_tools/MODULE.bazel --
module(name = "bazel_tools")
-- src/platforms/MODULE.bazel --
module(name = "platforms", version = "1")
-- src/go_sdk_world/MODULE.bazel --
module(name = "go_sdk_world")
`

func TestPublish(t *testing.T) {
	dir := unpack(t, bazelAlone+`
-- MODULE.bazel --
module(name = "root")
bazel_dep(name = "rules_go", version = "0.60.0")
bazel_dep(name = "skylib", version = "1.8.2", dev_dependency = True)
bazel_dep(name = "elsewhere", version = "3")
local_path_override(module_name = "elsewhere", path = "../elsewhere")
-- src/rules_go/MODULE.bazel --
module(name = "rules_go", compatibility_level = 0)
bazel_dep(name = "skylib", version = "1.2.0")
bazel_dep(name = "only_for_developers", version = "1", dev_dependency = True)
go_sdk = use_extension("//go:extensions.bzl", "go_sdk")
go_sdk.from_file(go_mod = "//:go.mod")
-- src/skylib/MODULE.bazel --
module(name = "skylib", version = "9.9")
`)
	if err := publish(dir, dir+"/share", []string{dir + "/MODULE.bazel"}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ file, want string }{
		{"modules/skylib/1.8.2/MODULE.bazel", `version = "1.8.2"`},
		{"modules/skylib/1.2.0/MODULE.bazel", `version = "1.2.0"`},
		{"modules/rules_go/0.60.0/MODULE.bazel", `go_sdk.wrap(root_file = "@go_sdk_world//:ROOT")`},
		{"modules/rules_go/0.60.0/source.json", `{"path":"rules_go","type":"local_path"}`},
		{"modules/platforms/0.0.7/MODULE.bazel", `version = "0.0.7"`},
		{"bazel_registry.json", `{"module_base_path":"` + dir + `/src"}`},
	} {
		got, err := os.ReadFile(filepath.Join(dir, "registry.d", tc.file))
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(got), tc.want) {
			t.Errorf("%s: got %q, want %q in it", tc.file, got, tc.want)
		}
	}
	rulesGo, _ := os.ReadFile(dir + "/registry.d/modules/rules_go/0.60.0/MODULE.bazel")
	if strings.Contains(string(rulesGo), "from_file") {
		t.Errorf("rules_go still downloads an SDK: %s", rulesGo)
	}
	for _, unasked := range []string{"modules/skylib/9.9", "modules/elsewhere", "modules/only_for_developers"} {
		if _, err := os.Stat(filepath.Join(dir, "registry.d", unasked)); err == nil {
			t.Errorf("%s is offered, but nobody asks for it", unasked)
		}
	}
}

func TestPublishNamesWhoAsksForAnUnknownModule(t *testing.T) {
	dir := unpack(t, bazelAlone+`
-- MODULE.bazel --
module(name = "root")

bazel_dep(name = "rules_rust", version = "0.50.0")
`)
	err := publish(dir, dir+"/share", []string{dir + "/MODULE.bazel"})
	want := dir + "/MODULE.bazel:3 asks for module rules_rust 0.50.0, which the offline registry cannot offer. " +
		"Next: take the dependency out, or build with a Bazel that reaches its registry (BAZELW=system)"
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestStandInsParse(t *testing.T) {
	dir := t.TempDir()
	if err := writeStandIns(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"protobuf", "package_metadata", "go_sdk_world", "apple_support", "buildozer", "zlib"} {
		if got, err := moduleName(filepath.Join(dir, name, "MODULE.bazel")); err != nil || got != name {
			t.Errorf("stand-in %s: module name %q, error %v", name, got, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "protobuf/protoc.sh"))
	if err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("protoc.sh cannot be run: %v, %v", info, err)
	}
}

func TestRestoreExecBits(t *testing.T) {
	dir := unpack(t, "-- script --\n#!/bin/sh\n-- data --\ntext\n-- empty --\n")
	if err := restoreExecBits(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"script": 0o755, "data": 0o644, "empty": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, error %v, want %v", name, info.Mode(), err, want)
		}
	}
}

func TestGatherOnceLeavesNothingHalfMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "src")
	err := sources{share: t.TempDir(), goroot: t.TempDir()}.gatherOnce(dir)
	if err == nil || !strings.Contains(err.Error(), "finding Debian's Bazel modules") {
		t.Errorf("got error %v, want one about Debian's Bazel modules", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is there after a failure", dir)
	}
}
