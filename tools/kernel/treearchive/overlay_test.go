// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCompareIsTheOrderOfArchives(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{"a/b", "a/b.c", "a-b", "a.c", "aa", "a/b-c/d", "a/b0", "B", "a\x01b", "z/a/b/c", "z/a.b"} {
		write(t, root, path, "", 0o644)
	}
	var walked []string
	err := Walk(root, all, func(path string, _ fs.FileInfo) error {
		walked = append(walked, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sorted := slices.Clone(walked)
	slices.Reverse(sorted)
	slices.SortFunc(sorted, Compare)
	if !slices.Equal(walked, sorted) {
		t.Errorf("got %q, want %q as files are walked", sorted, walked)
	}
}

// treeOf is the tree of an archive in memory.
func treeOf(data []byte) Tree {
	return func(wanted func(Entry) bool, visit func(Entry, io.Reader) error) error {
		return Read(bytes.NewReader(data), wanted, visit)
	}
}

func TestWriteWhatWasRead(t *testing.T) {
	data := pack(t, sampleTree(t), all)
	var b bytes.Buffer
	if err := Write(&b, treeOf(data)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), data) {
		t.Error("an archive that is read and written has other bytes")
	}
}

func TestOverlay(t *testing.T) {
	root, changes := t.TempDir(), t.TempDir()
	for _, path := range []string{"a", "b/c", "d", "e"} {
		write(t, root, path, "old", 0o644)
	}
	write(t, changes, "b/c", "new", 0o755)
	write(t, changes, "b.c", "added", 0o644)
	write(t, changes, "z", "last", 0o644)
	if err := os.Symlink("a", filepath.Join(changes, "A")); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	tree := Overlay(treeOf(pack(t, root, all)), changes, func(path string) bool { return path == "b/c" || path == "d" })
	if err := Write(&got, tree); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(root, "d")), os.Remove(filepath.Join(root, "b/c"))); err != nil {
		t.Fatal(err)
	}
	write(t, root, "b/c", "new", 0o755)
	write(t, root, "b.c", "added", 0o644)
	write(t, root, "z", "last", 0o644)
	if err := os.Symlink("a", filepath.Join(root, "A")); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), pack(t, root, all)) {
		t.Error("the tree with changes is not what the changed tree is packed as")
	}
}

func TestOverlayReportsErrors(t *testing.T) {
	wrong := errors.New("wrong")
	tree := Overlay(treeOf(pack(t, sampleTree(t), all)), t.TempDir(), func(string) bool { return false })
	err := tree(All, func(Entry, io.Reader) error { return wrong })
	if !errors.Is(err, wrong) {
		t.Errorf("got %v, want the error of the visit", err)
	}
	err = Write(io.Discard, Overlay(treeOf([]byte("garbage")), t.TempDir(), func(string) bool { return false }))
	if err == nil || !strings.Contains(err.Error(), "reading the tree archive") {
		t.Errorf("got %v, want that the archive cannot be read", err)
	}
}
