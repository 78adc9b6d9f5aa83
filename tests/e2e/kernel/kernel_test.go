// SPDX-License-Identifier: Apache-2.0

// Package kernel takes a kernel that was built here from the cache, in another checkout, and changes one line there.
package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_modhash/tests/e2e/workspace"
)

// TestOneLine changes a line of the example's own module: the kernel is not built again. It comes
// from the cache in the first place, as it was built for this test in another directory.
func TestOneLine(t *testing.T) {
	w := workspace.NewCheckout(t)
	targets := []string{"//examples/kernel:vmlinux", "//examples/kernel:modules_install"}
	if got := workspace.Ran(w.MustBuild(targets...)); len(got) != 0 {
		t.Errorf("got these actions run in another directory, want all of them from the cache:\n%s", strings.Join(got, "\n"))
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
	if got := workspace.Ran(w.MustBuild(targets...)); !slices.Equal(got, want) {
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
