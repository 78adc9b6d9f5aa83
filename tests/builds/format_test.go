// SPDX-License-Identifier: Apache-2.0

// Package builds checks what the rules make of small modules, byte by byte, with nothing but the formulas
// of the on-disk format: none of the code under test takes part.
package builds

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// environment states where Bazel has put what is to be checked.
type environment struct {
	// bare holds the modules without proofs, sealed the same with proofs; rootObject is a file.
	bare, sealed, rootObject string
}

func fromEnvironment(t *testing.T) environment {
	t.Helper()
	e := environment{os.Getenv("BARE"), os.Getenv("SEALED"), os.Getenv("ROOT_OBJECT")}
	if e.bare == "" {
		t.Skip("checks files that Bazel builds: bazel test //tests/builds:builds_test")
	}
	return e
}

// Bazel runs tests in the directory of their package; rootpaths are relative to the workspace.
func workspacePath(path string) string {
	return filepath.Join("..", "..", path)
}

// readModules returns all files below dir by their paths there.
func readModules(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	modules := map[string][]byte{}
	root := workspacePath(dir) + "/"
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		modules[relative], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return modules
}

// tree is a hash tree, the slow way: all its levels, the leaves first.
type tree [][][]byte

// newTree hashes modules in the order of their paths.
func newTree(modules map[string][]byte, paths []string) tree {
	var leaves [][]byte
	for i, path := range paths {
		leaves = append(leaves, hash([]byte{1}, binary.BigEndian.AppendUint32(nil, uint32(i)), modules[path]))
	}
	t := tree{leaves}
	for level := leaves; len(level) > 1 || len(t) == 1; level = t[len(t)-1] {
		t = append(t, parents(level))
	}
	return t
}

// parents hashes pairs; the last node of an odd level is paired with itself.
func parents(level [][]byte) (above [][]byte) {
	for i := 0; i < len(level); i += 2 {
		above = append(above, hash([]byte{2}, level[i], level[min(i+1, len(level)-1)]))
	}
	return above
}

func hash(parts ...[]byte) []byte {
	sum := sha256.Sum256(bytes.Join(parts, nil))
	return sum[:]
}

func (t tree) root() []byte { return t[len(t)-1][0] }

func (t tree) levels() int { return len(t) - 1 }

// trailer returns what is appended to the module at a position.
func (t tree) trailer(position int) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(position))
	for level, nodes := range t[:t.levels()] {
		sibling := min(position>>level^1, len(nodes)-1)
		out = append(out, nodes[sibling]...)
	}
	size := uint32(len(out))
	out = append(out, 0, 0, 3, 0, 0, 0, 0, 0) // struct module_signature, id_type 3
	out = binary.BigEndian.AppendUint32(out, size)
	return append(out, "~Module signature appended~\n"...)
}

func sortedKeys(m map[string][]byte) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func TestSealedModules(t *testing.T) {
	e := fromEnvironment(t)
	bare, sealed := readModules(t, e.bare), readModules(t, e.sealed)
	paths := sortedKeys(bare)
	if len(paths) == 0 || !slices.Equal(paths, sortedKeys(sealed)) {
		t.Fatalf("sealed modules are %q, want %q", sortedKeys(sealed), paths)
	}
	want := newTree(bare, paths)
	for i, path := range paths {
		if !bytes.Equal(sealed[path], slices.Concat(bare[path], want.trailer(i))) {
			t.Errorf("%s: sealed module is not module and trailer of position %d", path, i)
		}
	}
}

func TestRootObject(t *testing.T) {
	e := fromEnvironment(t)
	bare := readModules(t, e.bare)
	want := newTree(bare, sortedKeys(bare))
	object, err := elf.Open(workspacePath(e.rootObject))
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	section := object.Section(".module_hashes")
	if section == nil {
		t.Fatal("no section .module_hashes")
	}
	got, err := section.Data()
	if err != nil {
		t.Fatal(err)
	}
	content := append(binary.LittleEndian.AppendUint32(nil, uint32(want.levels())), want.root()...)
	if !bytes.Equal(got, content) {
		t.Errorf("section .module_hashes holds %x, want %x", got, content)
	}
}
