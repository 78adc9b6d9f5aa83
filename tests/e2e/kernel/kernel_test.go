// SPDX-License-Identifier: Apache-2.0

// Package kernel builds the kernels that were built here again: in another checkout, after a change, and as another
// user.
package kernel

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_modhash/tests/e2e/workspace"
	"rules_modhash/tests/remote/nginx"
)

// ran lists the actions that no cache had, sorted.
func ran(spawns []workspace.Spawn) []string {
	var names []string
	for _, s := range spawns {
		if !s.CacheHit {
			names = append(names, s.Mnemonic+" of "+s.TargetLabel)
		}
	}
	slices.Sort(names)
	return names
}

// TestOneLine changes a line of the example's own module: the kernel is not built again. It comes
// from the cache in the first place, as it was built for this test in another folder.
func TestOneLine(t *testing.T) {
	w := workspace.NewCheckout(t)
	targets := []string{"//examples/kernel:vmlinux", "//examples/kernel:modules_install"}
	if got := ran(w.MustBuild(targets...)); len(got) != 0 {
		t.Errorf("got these actions run in another folder, want all of them from the cache:\n%s", strings.Join(got, "\n"))
	}
	replace(t, filepath.Join(w.Dir, "examples/kernel/hello/hello.c"), `MODULE_DESCRIPTION("`, fmt.Sprintf(`MODULE_DESCRIPTION("%d `, os.Getpid()))
	want := []string{
		"ModhashKernelLink of //examples/kernel:vmlinux",
		"ModhashKernelModule of //examples/kernel:hello",
		"ModhashLeaf of //examples/kernel:vmlinux_tree",
		"ModhashModulesInstall of //examples/kernel:vmlinux_modules_install",
		"ModhashSeal of //examples/kernel:vmlinux_tree",
		"ModhashTree of //examples/kernel:vmlinux_tree",
	}
	if got := ran(w.MustBuild(targets...)); !slices.Equal(got, want) {
		t.Errorf("after a change of one line, got these actions run:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// replace replaces a text of a file, which has it once.
func replace(t *testing.T, path, old, new string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), old); n != 1 {
		t.Fatalf("%s: got %q %d times, want it once", path, old, n)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// buildAgain gives the actions that make the arm64 kernel keys of their own: no cache has them.
func buildAgain(t *testing.T, w *workspace.Workspace) {
	t.Helper()
	file := filepath.Join(w.Dir, "tests/boot/arm64/BUILD.bazel")
	for _, name := range []string{"config", "kernel", "vmlinux"} {
		line := fmt.Sprintf("    name = %q,\n", name)
		replace(t, file, line, line+fmt.Sprintf("    exec_properties = {\"built-again-by\": \"%d\"},\n", os.Getpid()))
	}
}

// compareKernel compares the kernel that was built in a workspace with the one that was built for this test.
func compareKernel(t *testing.T, w *workspace.Workspace) {
	t.Helper()
	for _, name := range strings.Fields(os.Getenv("KERNEL_FILES")) {
		want, err := os.ReadFile(workspace.Runfile(name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(w.Dir, "bazel-bin", name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s: another file was built there", name)
		}
	}
}

// TestKernelReproducible builds a kernel again, in another folder, as another user, in another time zone, with another
// umask, and compares it with the one that was built for this test, file by file. What it needs besides comes from an
// HTTP cache, the kernel goes there, and comes back from there when all that was built is gone.
func TestKernelReproducible(t *testing.T) {
	w := workspace.NewCheckout(t)
	dir := t.TempDir()
	if err := nginx.Fill(dir, w.DiskCache()); err != nil {
		t.Fatal(err)
	}
	server, err := nginx.Start(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	build := []string{"//tests/boot/arm64:kernel_files", "--disk_cache=", "--remote_cache=" + server.URL}

	buildAgain(t, w)
	w.BeElsewhere()
	want := []string{
		"ModhashKernelBuild of //tests/boot/arm64:kernel",
		"ModhashKernelConfig of //tests/boot/arm64:config",
		"ModhashKernelLink of //tests/boot/arm64:vmlinux",
	}
	if got := ran(w.MustBuild(build...)); !slices.Equal(got, want) {
		t.Fatalf("got these actions run:\n%s\nwant the kernel's:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	compareKernel(t, w)

	w.MustBazel("clean")
	if got := ran(w.MustBuild(build...)); len(got) != 0 {
		t.Errorf("got these actions run, want all of them from the HTTP cache:\n%s", strings.Join(got, "\n"))
	}
	compareKernel(t, w)
}
