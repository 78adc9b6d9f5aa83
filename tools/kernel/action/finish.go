// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"rules_modhash/tools/kernel/kmake"
)

// Finish is the action that links the modules of a shard.
type Finish struct {
	Common
	// Prepared is what Prepare wrote, Source what Split wrote for it, Objects what Compile wrote of the shard's modules,
	// Modpost what Modpost wrote for the shard, Name the shard's name for messages.
	Prepared, Source, Objects, Modpost, Name string
	// Types is what Blank wrote, or empty.
	Types string
	// Strip is as in Build.
	Strip string
	// Modules are PATH=FILE, as in Build.
	Modules []string
	// Log is a file to write: the output of Kbuild.
	Log string
}

// Run links, and writes all outputs or none.
func (o *Finish) Run(ctx context.Context) error {
	modules, err := pairs("module", o.Modules)
	if err != nil {
		return err
	}
	return inWorkspace(o.Log, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.Prepared, o.Source, o.Objects, o.Modpost)
		if err != nil {
			return err
		}
		if err := o.link(ctx, tree, modules); err != nil {
			return fmt.Errorf("%s: shard %s: %w", o.Label, o.Name, err)
		}
		r := &results{dir: tree.Dir}
		if err := r.copyStripped(ctx, o.Target, tree.Dir, modules, o.Strip); err != nil {
			return r.finish(ctx, fmt.Errorf("%s: shard %s: %w", o.Label, o.Name, err))
		}
		return r.finish(ctx, r.set.CreateFile(o.Log, tree.WriteLog))
	})
}

// link links the modules, unless the link of the kernel did.
func (o *Finish) link(ctx context.Context, tree *kmake.Tree, modules [][2]string) error {
	if _, err := os.Stat(filepath.Join(tree.Dir, modules[0][0])); err == nil {
		return nil
	}
	if err := o.addTypes(tree.Dir); err != nil {
		return err
	}
	return tree.Submake(ctx, "scripts/Makefile.modfinal", "KBUILD_MODULES=y")
}

// addTypes puts the kernel's types where Kbuild has them.
func (o *Finish) addTypes(dir string) error {
	if o.Types == "" {
		return nil
	}
	info, err := os.Stat(o.Types)
	if err != nil || info.Size() == 0 {
		return err
	}
	linked, err := linkedVmlinux(dir)
	if err != nil {
		return err
	}
	return copyInto(dir, map[string]string{o.Types: linked})
}
