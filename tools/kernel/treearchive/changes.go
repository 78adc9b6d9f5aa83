// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Changes are changes of a tree: entries that are added, and others that are left out.
type Changes struct {
	root string
	// added are the entries below root, in order.
	added    []Entry
	replaced map[string]bool
}

// ReadChanges returns changes that add the files below root, and leave the replaced paths out.
func ReadChanges(root string, replaced map[string]bool) (*Changes, error) {
	c := &Changes{root: root, replaced: replaced}
	err := Walk(root, func(string, fs.FileInfo) bool { return true }, func(path string, info fs.FileInfo) error {
		entry, err := entryAt(root, path, info)
		c.added = append(c.added, entry)
		return err
	})
	return c, err
}

// Within returns the changes of paths for which keep holds.
func (c *Changes) Within(keep func(path string) bool) *Changes {
	within := &Changes{root: c.root, replaced: maps.Clone(c.replaced)}
	maps.DeleteFunc(within.replaced, func(path string, _ bool) bool { return !keep(path) })
	for _, entry := range c.added {
		if keep(entry.Path) {
			within.added = append(within.added, entry)
		}
	}
	return within
}

// paths returns the paths of entries that may be others.
func (c *Changes) paths() []string {
	paths := slices.Collect(maps.Keys(c.replaced))
	for _, entry := range c.added {
		paths = append(paths, entry.Path)
	}
	return paths
}

// Apply is the tree with the changes.
func (c *Changes) Apply(tree Tree) Tree {
	return func(wanted func(Entry) bool, visit func(Entry, io.Reader) error) error {
		o := overlay{root: c.root, visit: visit, entries: slices.Clone(c.added)}
		o.entries = slices.DeleteFunc(o.entries, func(entry Entry) bool { return !wanted(entry) })
		left := func(entry Entry) bool { return wanted(entry) && !c.replaced[entry.Path] }
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
