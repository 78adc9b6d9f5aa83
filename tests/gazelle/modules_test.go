// SPDX-License-Identifier: Apache-2.0

// Package gazelle checks that the extension of Gazelle lists the modules of a kernel as Kbuild builds them: of the
// example's kernel, by its source and configuration, in the order of its modules.order.
package gazelle

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bazelbuild/bazel-gazelle/rule"

	"rules_modhash/tools/kernel/treearchive"
	"rules_modhash/tools/merkle/modules/order"
)

// workspace declares a module that there is not, and none of those that there are.
const workspace = `load("@rules_modhash//rules:defs.bzl", "kernel_build")

# gazelle:modhash_config kernel.config
# gazelle:modhash_kernel_source linux

kernel_build(
    name = "kernel",
    config = ":config",
    modules = ["drivers/gone.ko"],
)
`

func TestModulesOfExample(t *testing.T) {
	dir := t.TempDir()
	unpack(t, os.Getenv("SOURCE"), filepath.Join(dir, "linux"))
	write(t, filepath.Join(dir, "kernel.config"), read(t, os.Getenv("CONFIG")))
	write(t, filepath.Join(dir, "MODULE.bazel"), nil)
	build := filepath.Join(dir, "BUILD.bazel")
	write(t, build, []byte(workspace))
	runGazelle(t, dir)
	got, want := declared(t, build), order.Parse(string(read(t, modulesOrder(t))))
	if len(want) < 40 {
		t.Fatalf("got %d modules in modules.order, want those of the example's kernel", len(want))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got modules\n%s\nwant those of modules.order\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// runGazelle runs Gazelle with the extension. It must print nothing: everything is decided.
func runGazelle(t *testing.T, dir string) {
	t.Helper()
	program, err := filepath.Abs(os.Getenv("GAZELLE"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-repo_root", dir)
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil || len(output) > 0 {
		t.Fatalf("running gazelle: got %v and\n%s", err, output)
	}
}

// declared returns the modules of the one kernel_build of a BUILD file.
func declared(t *testing.T, name string) []string {
	t.Helper()
	f, err := rule.LoadFile(name, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Rules) != 1 {
		t.Fatalf("got %d rules in\n%s\nwant one kernel_build", len(f.Rules), f.Content)
	}
	return f.Rules[0].AttrStrings("modules")
}

// modulesOrder returns the path of modules.order among the lists of the kernel build.
func modulesOrder(t *testing.T) string {
	t.Helper()
	lists := strings.Fields(os.Getenv("LISTS"))
	i := slices.IndexFunc(lists, func(name string) bool { return filepath.Base(name) == "modules.order" })
	if i < 0 {
		t.Fatalf("got the lists %q, want modules.order among them", lists)
	}
	return lists[i]
}

func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := treearchive.Unpack(f, dir, time.Now(), func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
