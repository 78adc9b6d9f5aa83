// SPDX-License-Identifier: Apache-2.0

package action

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

// objects is what Kbuild made of a shard.
type objects struct {
	tree *kmake.Tree
	// builtin and modular are objects and the commands that made them; common is all else, which either may be made of.
	builtin, modular, common map[string]bool
}

// build compiles what is built in, and then modules, and notes what is made for which.
func (o *objects) build(ctx context.Context, shard kmake.Shard) error {
	if err := o.tree.BuildShard(ctx, shard, "KBUILD_BUILTIN=y"); err != nil {
		return err
	}
	if err := o.note(o.builtin); err != nil {
		return err
	}
	if err := o.tree.BuildShard(ctx, shard, "KBUILD_MODULES=y"); err != nil {
		return err
	}
	return o.note(o.modular)
}

// note adds what was made and is not noted yet.
func (o *objects) note(to map[string]bool) error {
	changed := treearchive.ChangedSince(o.tree.Stamp)
	return treearchive.Walk(o.tree.Dir, changed, func(name string, _ fs.FileInfo) error {
		switch {
		case o.builtin[name] || o.modular[name] || o.common[name] || name == directoriesFile || isSupplied(name):
		case isObject(name):
			to[name] = true
		default:
			o.common[name] = true
		}
		return nil
	})
}

// isObject reports whether a file is an object, the parts of a module's object, or a command that made one.
func isObject(name string) bool {
	base := path.Base(name)
	if command, ok := strings.CutSuffix(base, ".cmd"); ok {
		base = command
	}
	ext := path.Ext(base)
	return ext == ".o" || ext == ".mod"
}

// A module is what Kbuild made of it before it is linked.
type module struct {
	object string
	// parts are the objects that it is linked of, or itself.
	parts []string
}

// modules returns the modules, going by the lists of their parts.
func (o *objects) modules() ([]module, error) {
	var modules []module
	for name := range o.modular {
		stem, ok := strings.CutSuffix(name, ".mod")
		if !ok {
			continue
		}
		data, err := os.ReadFile(filepath.Join(o.tree.Dir, name))
		if err != nil {
			return nil, err
		}
		modules = append(modules, module{object: stem + ".o", parts: strings.Fields(string(data))})
	}
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.object, b.object) })
	return modules, nil
}

// packer returns a function for CreateFile that writes an archive.
func packer(ctx context.Context, fill func(*treearchive.Writer) error) func(io.Writer) error {
	return func(w io.Writer) error { return treearchive.Create(writer{ctx, w}, fill) }
}

// add packs files as they are, but for commands, of which the dependencies are left out that keep does not want.
func (o *objects) add(w *treearchive.Writer, names map[string]bool, keep func(dependency string) bool) error {
	for _, name := range sorted(names) {
		info, err := os.Lstat(filepath.Join(o.tree.Dir, name))
		if err != nil {
			return err
		}
		if err := putMade(w, o.tree.Dir, name, info, keep); err != nil {
			return err
		}
	}
	return nil
}

// putMade packs a file that Kbuild made. Of a command, the dependencies are left out that keep does not want.
func putMade(w *treearchive.Writer, dir, name string, info fs.FileInfo, keep func(dependency string) bool) error {
	if !strings.HasSuffix(name, ".cmd") {
		return w.PutFile(dir, name, info)
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	return w.PutData(dir, treearchive.Entry{Path: name}, withoutDependencies(withoutBasicDependencies(data), keep))
}

// none wants no dependency, every all of them.
func none(string) bool  { return false }
func every(string) bool { return true }

func (o *objects) packBuiltin(w *treearchive.Writer) error {
	return errors.Join(o.add(w, o.builtin, none), o.add(w, o.common, none))
}

func (o *objects) packModules(w *treearchive.Writer, modules []module) error {
	wanted := map[string]bool{}
	for _, m := range modules {
		wanted[m.object] = true
	}
	return o.add(w, wanted, nil)
}

// packSymbols packs what make and modpost read of modules. Of objects that a module is linked of, make asks for the
// timestamp only.
func (o *objects) packSymbols(w *treearchive.Writer, modules []module) error {
	whole, empty := map[string]bool{}, map[string]bool{}
	for name := range o.modular {
		if path.Ext(name) == ".o" {
			empty[name] = true
		} else {
			whole[name] = true
		}
	}
	sources := map[string]bool{}
	for _, m := range modules {
		delete(empty, m.object)
		whole[m.object] = true
		if err := o.summed(m, sources); err != nil {
			return err
		}
	}
	if err := o.add(w, whole, func(name string) bool { return sources[name] }); err != nil {
		return err
	}
	for _, name := range sorted(empty) {
		if err := w.PutData(o.tree.Dir, treearchive.Entry{Path: name}, nil); err != nil {
			return err
		}
	}
	return errors.Join(o.add(w, sources, none), o.add(w, o.common, none))
}

// summed adds to sources what modpost makes the module's srcversion of: scripts/mod/sumversion.c. It does so for modules
// that have a version; a string in the object that looks like one is enough here.
func (o *objects) summed(m module, sources map[string]bool) error {
	object, err := os.ReadFile(filepath.Join(o.tree.Dir, m.object))
	if err != nil || !bytes.Contains(object, []byte("version=")) {
		return err
	}
	for _, part := range m.parts {
		command := path.Join(path.Dir(part), "."+path.Base(part)+".cmd")
		data, err := os.ReadFile(filepath.Join(o.tree.Dir, command))
		if err != nil {
			return err
		}
		for _, name := range summedOf(part, string(data)) {
			if _, err := os.Stat(filepath.Join(o.tree.Dir, name)); err == nil {
				sources[name] = true
			}
		}
	}
	return nil
}
