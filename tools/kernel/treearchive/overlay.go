// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Overlay is a tree with changes: the files below root are added, and entries for which replaced holds are left out.
func Overlay(tree Tree, root string, replaced func(path string) bool) Tree {
	return func(wanted func(Entry) bool, visit func(Entry, io.Reader) error) error {
		o := overlay{root: root, visit: visit}
		if err := Walk(root, func(string, fs.FileInfo) bool { return true }, o.add); err != nil {
			return err
		}
		o.entries = slices.DeleteFunc(o.entries, func(entry Entry) bool { return !wanted(entry) })
		left := func(entry Entry) bool { return wanted(entry) && !replaced(entry.Path) }
		err := tree(left, func(entry Entry, contents io.Reader) error {
			if err := o.visitBefore(entry.Path); err != nil {
				return err
			}
			return visit(entry, contents)
		})
		if err != nil {
			return err
		}
		return o.visitRest()
	}
}

// overlay is what is to be added below root, in the order of archives.
type overlay struct {
	root    string
	visit   func(Entry, io.Reader) error
	entries []Entry
}

func (o *overlay) add(path string, info fs.FileInfo) error {
	entry, err := entryAt(o.root, path, info)
	o.entries = append(o.entries, entry)
	return err
}

func (o *overlay) visitBefore(path string) error {
	for len(o.entries) > 0 && Compare(o.entries[0].Path, path) < 0 {
		if err := o.visitFirst(); err != nil {
			return err
		}
	}
	return nil
}

func (o *overlay) visitRest() error {
	for len(o.entries) > 0 {
		if err := o.visitFirst(); err != nil {
			return err
		}
	}
	return nil
}

func (o *overlay) visitFirst() error {
	entry := o.entries[0]
	o.entries = o.entries[1:]
	if entry.IsLink() {
		return o.visit(entry, nil)
	}
	file, err := os.Open(filepath.Join(o.root, entry.Path))
	if err != nil {
		return err
	}
	return errors.Join(o.visit(entry, file), file.Close())
}
