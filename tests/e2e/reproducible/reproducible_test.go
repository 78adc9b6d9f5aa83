// SPDX-License-Identifier: Apache-2.0

// Package reproducible builds a kernel that was built here once more, in another checkout and without its cached outputs.
package reproducible

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_modhash/tests/e2e/workspace"
	"rules_modhash/tests/remote/nginx"
)

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

// kernelActions returns the kinds of kernel actions that ran, in bytewise order.
func kernelActions(t *testing.T, ran []string) []string {
	t.Helper()
	var kinds []string
	for _, name := range ran {
		kind, isKernel := strings.CutPrefix(name, "ModhashKernel")
		if !isKernel {
			t.Errorf("got the action %s run, want it from the HTTP cache", name)
			continue
		}
		kind, _, _ = strings.Cut(kind, " ")
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// TestKernelReproducible builds a kernel again, in another directory, as another user, in another time zone, with
// another umask, and compares it with the one that was built for this test, file by file. All other files come from an
// HTTP cache, which the kernel goes to, and comes back from when all outputs are gone.
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
	build := []string{os.Getenv("KERNEL_TARGET"), "--disk_cache=", "--remote_cache=" + server.URL}
	// No cache has what another number of jobs built, and no byte may depend on it.
	build = append(build, "--//rules:kernel_jobs=3")

	w.ChangeEnvironment()
	want := strings.Fields(os.Getenv("KERNEL_ACTIONS"))
	if got := kernelActions(t, workspace.Ran(w.MustBuild(build...))); !slices.Equal(got, want) {
		t.Fatalf("got these actions run: %q, want all of the kernel's, and no others: %q", got, want)
	}
	compareKernel(t, w)

	w.MustBazel("clean")
	if got := workspace.Ran(w.MustBuild(build...)); len(got) != 0 {
		t.Errorf("got these actions run, want all of them from the HTTP cache:\n%s", strings.Join(got, "\n"))
	}
	compareKernel(t, w)
}
