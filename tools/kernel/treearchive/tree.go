// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Directory is the tree in a directory.
func Directory(root string) Tree {
	return func(wanted func(Entry) bool, visit func(entry Entry, contents io.Reader) error) error {
		return Walk(root, func(string, fs.FileInfo) bool { return true }, func(path string, info fs.FileInfo) error {
			entry, err := entryAt(root, path, info)
			if err != nil || !wanted(entry) {
				return err
			}
			if entry.IsLink() {
				return visit(entry, nil)
			}
			return visitFile(filepath.Join(root, path), entry, visit)
		})
	}
}

func visitFile(name string, entry Entry, visit func(entry Entry, contents io.Reader) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	return visit(entry, file)
}

// Copied is the same tree. When it is visited, the entries for whose paths holds is true are written to an archive, too.
func (t Tree) Copied(holds func(path string) bool, to *Writer) Tree {
	return func(wanted func(Entry) bool, visit func(entry Entry, contents io.Reader) error) error {
		return t(wanted, func(entry Entry, contents io.Reader) error {
			if !holds(entry.Path) {
				return visit(entry, contents)
			}
			if entry.IsLink() {
				return firstError(to.Put(entry, nil), func() error { return visit(entry, nil) })
			}
			data, err := io.ReadAll(contents)
			if err != nil {
				return fmt.Errorf("reading %s: %w", entry.Path, err)
			}
			return firstError(to.Put(entry, bytes.NewReader(data)), func() error { return visit(entry, bytes.NewReader(data)) })
		})
	}
}

// firstError returns err or, without one, that of do.
func firstError(err error, do func() error) error {
	if err != nil {
		return err
	}
	return do()
}
