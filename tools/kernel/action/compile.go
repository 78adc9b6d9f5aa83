// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

// Compile is the action that compiles one shard.
type Compile struct {
	Common
	// Supplied are the files for directories of the shard.
	Supplied
	// Prepared is what Prepare wrote, Shard what Split wrote for the shard, Name its name for messages.
	Prepared, Shard, Name string
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
	return kmake.ReadDirectories(data), tree, o.copyIntoShard(tree.Dir)
}

func (o *Compile) compile(ctx context.Context, r *results, shard kmake.Shard, tree *kmake.Tree) error {
	objects := &objects{tree: tree, builtin: map[string]bool{}, modular: map[string]bool{}, common: map[string]bool{}}
	if len(shard.Directories) > 0 {
		if err := objects.build(ctx, shard); err != nil {
			return err
		}
	}
	modules, err := objects.modules()
	if err != nil {
		return err
	}
	if err := r.set.CreateFile(o.Builtin, packer(ctx, objects.packBuiltin)); err != nil {
		return err
	}
	pack := func(w *treearchive.Writer) error { return objects.packModules(w, modules) }
	if err := r.set.CreateFile(o.Modules, packer(ctx, pack)); err != nil {
		return err
	}
	if err := o.strip(ctx, tree, modules); err != nil {
		return err
	}
	pack = func(w *treearchive.Writer) error { return objects.packSymbols(w, modules) }
	if err := r.set.CreateFile(o.Symbols, packer(ctx, pack)); err != nil {
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
