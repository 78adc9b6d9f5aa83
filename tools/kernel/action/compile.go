// SPDX-License-Identifier: Apache-2.0

package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

// Compile is the action that compiles one shard.
type Compile struct {
	Common
	// Prepared is what Prepare wrote, Shard what Split wrote for the shard, Name its name for messages.
	Prepared, Shard, Name string
	// Trusted is a file with PEM certificates for TrustedKeys, or empty.
	Trusted string
	// Builtin, Modules and Symbols are archives to write: what vmlinux is linked of; the object of each module; and what
	// modpost reads, the same without debug information, and names of the objects that it is linked of.
	Builtin, Modules, Symbols string
	// Log is a file to write: the output of Kbuild.
	Log string
	// Summary gets a line, as in Build.
	Summary io.Writer
}

// Run compiles, and writes all outputs or none.
func (o *Compile) Run(ctx context.Context) error {
	start := time.Now()
	return inWorkspace(o.Builtin, func(dir string) error {
		shard, tree, err := o.unpack(ctx, dir)
		if err != nil {
			return err
		}
		r := &results{}
		if err := r.finish(ctx, o.compile(ctx, r, shard, tree)); err != nil {
			return fmt.Errorf("%s: shard %s: %w", o.Label, o.Name, err)
		}
		if compiled := tree.Compiled(); compiled > 0 {
			fmt.Fprintf(o.Summary, "%s: shard %s: %d files compiled in %s\n", o.Label, o.Name, compiled, time.Since(start).Round(time.Second))
		}
		return nil
	})
}

// unpack unpacks what was prepared only if there is something to compile.
func (o *Compile) unpack(ctx context.Context, dir string) (kmake.Shard, *kmake.Tree, error) {
	tree, err := o.unpackTree(ctx, dir, o.Shard)
	if err != nil {
		return kmake.Shard{}, nil, err
	}
	data, err := os.ReadFile(filepath.Join(tree.Dir, directoriesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return kmake.Shard{}, tree, os.MkdirAll(tree.Dir, 0o755)
	}
	if err != nil {
		return kmake.Shard{}, nil, err
	}
	if err := unpack(ctx, o.Prepared, tree, o.Target.Uses); err != nil {
		return kmake.Shard{}, nil, fmt.Errorf("unpacking %s: %w", o.Prepared, err)
	}
	if _, missing := os.Stat(filepath.Join(tree.Dir, "certs")); missing == nil {
		err = copyInto(tree.Dir, map[string]string{o.Trusted: TrustedKeys})
	}
	return kmake.ReadDirectories(data), tree, err
}

func (o *Compile) compile(ctx context.Context, r *results, shard kmake.Shard, tree *kmake.Tree) error {
	objects := &objects{tree: tree, builtin: map[string]bool{}, modular: map[string]bool{}, common: map[string]bool{}}
	if len(shard.Directories) > 0 {
		if err := tree.BuildShard(ctx, shard, "KBUILD_BUILTIN=y"); err != nil {
			return err
		}
		if err := objects.note(objects.builtin); err != nil {
			return err
		}
		if err := tree.BuildShard(ctx, shard, "KBUILD_MODULES=y"); err != nil {
			return err
		}
		if err := objects.note(objects.modular); err != nil {
			return err
		}
	}
	modules, err := objects.modules()
	if err != nil {
		return err
	}
	if err := r.set.CreateFile(o.Builtin, objects.packer(ctx, objects.packBuiltin)); err != nil {
		return err
	}
	pack := func(w *treearchive.Writer) error { return objects.packModules(w, modules) }
	if err := r.set.CreateFile(o.Modules, objects.packer(ctx, pack)); err != nil {
		return err
	}
	if err := o.strip(ctx, tree, modules); err != nil {
		return err
	}
	pack = func(w *treearchive.Writer) error { return objects.packSymbols(w, modules) }
	if err := r.set.CreateFile(o.Symbols, objects.packer(ctx, pack)); err != nil {
		return err
	}
	return r.set.CreateFile(o.Log, tree.WriteLog)
}

// strip drops debug information, which modpost does not read.
func (o *Compile) strip(ctx context.Context, tree *kmake.Tree, modules []module) error {
	for batch := range slices.Chunk(modules, 200) {
		args := []string{"--strip-debug"}
		for _, m := range batch {
			args = append(args, m.object)
		}
		if err := tree.Run(ctx, o.Target.Tool("strip"), args...); err != nil {
			return err
		}
	}
	return nil
}

// objects is what Kbuild made of a shard.
type objects struct {
	tree *kmake.Tree
	// builtin and modular are objects and the commands that made them; common is all else, which either may be made of.
	builtin, modular, common map[string]bool
}

// note adds what was made and is not noted yet.
func (o *objects) note(to map[string]bool) error {
	changed := treearchive.ChangedSince(o.tree.Stamp)
	return treearchive.Walk(o.tree.Dir, changed, func(name string, _ fs.FileInfo) error {
		switch {
		case o.builtin[name] || o.modular[name] || o.common[name] || name == directoriesFile || name == TrustedKeys:
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
func (o *objects) packer(ctx context.Context, pack func(*treearchive.Writer) error) func(io.Writer) error {
	return func(w io.Writer) error {
		archive, err := treearchive.NewWriter(writer{ctx, w})
		if err != nil {
			return err
		}
		return errors.Join(pack(archive), archive.Close())
	}
}

// add packs files as they are, but for commands, of which the dependencies are left out that keep does not want.
func (o *objects) add(w *treearchive.Writer, names map[string]bool, keep func(dependency string) bool) error {
	for _, name := range sorted(names) {
		info, err := os.Lstat(filepath.Join(o.tree.Dir, name))
		if err != nil {
			return err
		}
		if !strings.HasSuffix(name, ".cmd") {
			err = w.PutFile(o.tree.Dir, name, info)
		} else {
			var data []byte
			if data, err = os.ReadFile(filepath.Join(o.tree.Dir, name)); err == nil {
				err = w.PutData(o.tree.Dir, treearchive.Entry{Path: name}, withoutDependencies(data, keep))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *objects) packBuiltin(w *treearchive.Writer) error {
	none := func(string) bool { return false }
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
		(map[bool]map[string]bool{true: empty, false: whole})[path.Ext(name) == ".o"][name] = true
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
	none := func(string) bool { return false }
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
