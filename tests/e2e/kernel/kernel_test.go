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
		"ModhashLeaf of //examples/kernel:tree",
		"ModhashModulesInstall of //examples/kernel:modules_install",
		"ModhashSeal of //examples/kernel:tree",
		"ModhashTree of //examples/kernel:tree",
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

// noCache has kernels built, and not taken from the cache. It stands in place of what .bazelrc says, and repeats that.
const noCache = "--modify_execution_info=^Modhash.*=-supports-path-mapping,ModhashKernel.*=+no-cache"

// TestKernelReproducible builds a kernel again, in another folder, as another user, in another time zone, with another
// umask, and compares it with the one that was built for this test, file by file.
func TestKernelReproducible(t *testing.T) {
	w := workspace.NewCheckout(t)
	w.Env = []string{"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "USER=there", "HOSTNAME=elsewhere"}
	w.Command = []string{"unshare", "--user", "--map-user=4321", "--map-group=4321",
		"sh", "-c", `umask 0077 && exec "$@"`, "sh"}
	got := ran(w.MustBuild("//tests/boot/arm64:kernel_files", noCache))
	if !slices.Contains(got, "ModhashKernelBuild of //tests/boot/arm64:kernel") {
		t.Fatalf("got only these actions run, want the kernel's: there is nothing to compare\n%s", strings.Join(got, "\n"))
	}
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
