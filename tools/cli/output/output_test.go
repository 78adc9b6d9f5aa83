// SPDX-License-Identifier: Apache-2.0

package output

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Bazel makes the directories that an action declares as outputs ahead of it.
func TestDirTakesThePlaceOfAnEmptyOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proofs")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	var outputs Set
	dir, err := outputs.Dir(path)
	if err != nil {
		t.Fatal(err)
	}
	err = dir.Create("kernel/a", func(w io.Writer) error {
		_, err := io.WriteString(w, "content")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := outputs.Commit(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(path, "kernel/a"))
	if err != nil || string(got) != "content" {
		t.Errorf("got %q, %v, want %q", got, err, "content")
	}
}
