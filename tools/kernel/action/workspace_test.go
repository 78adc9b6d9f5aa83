// SPDX-License-Identifier: Apache-2.0

package action

import (
	"os"
	"path/filepath"
	"testing"
)

// writeTree writes files below a new directory, and returns it.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCopyVmlinux(t *testing.T) {
	for _, test := range []struct {
		name           string
		files          map[string]string
		wantUnstripped string
	}{
		{"vmlinux is made from what is linked", map[string]string{
			"scripts/Makefile.vmlinux": "vmlinux: vmlinux.unstripped FORCE\n",
			"vmlinux":                  "stripped", "vmlinux.unstripped": "linked",
		}, "linked"},
		{"vmlinux is linked", map[string]string{
			"scripts/Makefile.vmlinux": "vmlinux: scripts/link-vmlinux.sh FORCE\n", "vmlinux": "stripped",
		}, "stripped"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &results{dir: writeTree(t, test.files)}
			vmlinux, unstripped := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
			if err := r.finish(t.Context(), r.copyVmlinux(vmlinux, unstripped)); err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{vmlinux: "stripped", unstripped: test.wantUnstripped} {
				if got, err := os.ReadFile(name); err != nil || string(got) != want {
					t.Errorf("%s: got %q, %v, want %q", filepath.Base(name), got, err, want)
				}
			}
		})
	}
}

func TestLinkedVmlinuxNeedsMakefile(t *testing.T) {
	if got, err := linkedVmlinux(t.TempDir()); err == nil {
		t.Errorf("got %q, want an error", got)
	}
}
