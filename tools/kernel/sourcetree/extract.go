// SPDX-License-Identifier: Apache-2.0

package sourcetree

import (
	"errors"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"

	"rules_modhash/tools/kernel/patchfile"
	"rules_modhash/tools/kernel/treearchive"
)

// Extract writes the files of a tree that patches may read or change below dir, and returns their paths. Patches do to
// these files what they would do to the whole tree: all symbolic links are among them, and where a patch names a
// directory or something below a file, so are these.
//
// near returns a part of the tree with at least all symbolic links, the entries of the given paths, and those below them.
func Extract(near func(paths map[string]bool) treearchive.Tree, dir string, patches []string) (map[string]bool, error) {
	e := &extraction{
		dir: dir, named: map[string]bool{}, leaves: map[string]bool{}, directories: map[string]bool{},
		done: map[string]bool{}, links: map[string]string{},
	}
	for _, patch := range patches {
		data, err := os.ReadFile(patch)
		if err != nil {
			return nil, err
		}
		maps.Copy(e.leaves, patchfile.Names(data))
	}
	maps.Copy(e.named, e.leaves)
	for e.nameMore() {
		if err := near(e.named)(e.wanted, e.extract); err != nil {
			return nil, err
		}
	}
	for directory := range e.directories {
		if err := os.MkdirAll(filepath.Join(dir, directory), 0o755); err != nil {
			return nil, err
		}
	}
	return e.done, nil
}

type extraction struct {
	dir string
	// leaves are the paths that patches name, and directories those of them that are directories of the tree.
	leaves, directories map[string]bool
	// named are the paths to extract, done those that were.
	named, done map[string]bool
	// links are the tree's symbolic links, once it was read.
	links map[string]string
	// read is the number of named paths when the tree was read.
	read int
}

// nameMore adds the parents of named paths, and what paths through symbolic links lead to. It reports whether the tree
// is to be read for more names.
func (e *extraction) nameMore() bool {
	for before := -1; before != len(e.named); {
		before = len(e.named)
		for name := range maps.Clone(e.named) {
			for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
				e.named[parent] = true
			}
			if target, ok := e.resolve(name); ok {
				e.named[target] = true
			}
		}
	}
	more := len(e.named) > e.read
	e.read = len(e.named)
	return more
}

// resolve follows the first symbolic link of a path, if it stays in the tree.
func (e *extraction) resolve(name string) (string, bool) {
	for i := range len(name) + 1 {
		if i < len(name) && name[i] != '/' {
			continue
		}
		if target, ok := e.links[name[:i]]; ok && !path.IsAbs(target) {
			resolved := path.Join(path.Dir(name[:i]), target, name[i:])
			return resolved, filepath.IsLocal(resolved)
		}
	}
	return "", false
}

func (e *extraction) wanted(entry treearchive.Entry) bool {
	for parent := path.Dir(entry.Path); parent != "."; parent = path.Dir(parent) {
		if e.leaves[parent] {
			e.directories[parent] = true
		}
	}
	return !e.done[entry.Path] && (entry.IsLink() || e.named[entry.Path])
}

func (e *extraction) extract(entry treearchive.Entry, contents io.Reader) error {
	e.done[entry.Path] = true
	file := filepath.Join(e.dir, entry.Path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if entry.IsLink() {
		e.links[entry.Path] = entry.Target
		return os.Symlink(entry.Target, file)
	}
	mode := os.FileMode(0o644)
	if entry.Executable {
		mode = 0o755
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, contents)
	return errors.Join(err, f.Close())
}
