// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/shard"
	"rules_modhash/tools/kernel/treearchive"
	"rules_modhash/tools/merkle/modules/order"
)

// Modpost is the action that lists all modules, checks their symbols, and writes the source of what is linked to each.
type Modpost struct {
	Common
	// Prepared, Configuration and Source are as in Blank, Kernel what Blank wrote of vmlinux.
	Prepared, Configuration, Source, Kernel string
	// Shards are what Compile wrote for modpost.
	Shards []string
	// Modules are the modules that must be built, and no others, as paths in the tree.
	Modules []string
	// Finish are SHARD=FILE: archives to write, with what Finish reads of the shard's modules.
	Finish []string
	// Symvers and Order are files to write: Module.symvers and modules.order; Log gets the output of Kbuild.
	Symvers, Order, Log string
}

// Run writes all outputs or none.
func (o *Modpost) Run(ctx context.Context) error {
	shards, err := pairs("finish", o.Finish)
	if err != nil {
		return err
	}
	return inWorkspace(o.Symvers, func(dir string) error {
		archives := append([]string{o.Prepared, o.Configuration, o.Source, o.Kernel}, o.Shards...)
		tree, err := o.unpackTree(ctx, dir, archives...)
		if err != nil {
			return err
		}
		modules, err := o.make(ctx, tree)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
		r := &results{dir: tree.Dir}
		return r.finish(ctx, o.collect(ctx, r, tree, modules, shards))
	})
}

// make returns the modules in Kbuild's order.
func (o *Modpost) make(ctx context.Context, tree *kmake.Tree) ([]string, error) {
	if isWhole(tree) {
		return o.modules(tree)
	}
	if err := addNames(tree); err != nil {
		return nil, err
	}
	// Kbuild reads it for the symbols of vmlinux only, which are in .vmlinux.objs.
	if err := addStamped(tree, "vmlinux.a", ""); err != nil {
		return nil, err
	}
	words := []string{"obj=.", "need-builtin=1", "need-modorder=1", "KBUILD_MODULES=y", "./modules.order"}
	if err := tree.Submake(ctx, "scripts/Makefile.build", words...); err != nil {
		return nil, err
	}
	modules, err := o.modules(tree)
	if err != nil {
		return nil, err
	}
	if err := tree.Run(ctx, "sh", "scripts/modules-check.sh", "modules.order"); err != nil {
		return nil, err
	}
	return modules, tree.Submake(ctx, "scripts/Makefile.modpost", "KBUILD_BUILTIN=y", "KBUILD_MODULES=y")
}

// modules returns the modules that Kbuild lists, which are the declared ones.
func (o *Modpost) modules(tree *kmake.Tree) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(tree.Dir, "modules.order"))
	if err != nil {
		return nil, err
	}
	modules := order.Parse(string(text))
	return modules, difference(o.Modules, modules)
}

func (o *Modpost) collect(ctx context.Context, r *results, tree *kmake.Tree, modules []string, shards [][2]string) error {
	err := r.copyAll(map[string]string{"Module.symvers": o.Symvers, "modules.order": o.Order})
	if err != nil {
		return err
	}
	names := []string{}
	for _, s := range shards {
		names = append(names, s[0])
	}
	partition, err := shard.NewPartition(append(slices.DeleteFunc(names, func(n string) bool { return n == shard.Rest }), shard.Rest))
	if err != nil {
		return err
	}
	for _, s := range shards {
		if err := o.packFinish(ctx, r, tree, partition, s, modules); err != nil {
			return err
		}
	}
	return r.set.CreateFile(o.Log, tree.WriteLog)
}

// packFinish packs the sources for a shard's modules, and their list.
func (o *Modpost) packFinish(ctx context.Context, r *results, tree *kmake.Tree, partition shard.Partition, to [2]string, modules []string) error {
	own := map[string]bool{}
	var list []string
	for _, module := range modules {
		stem := strings.TrimSuffix(module, ".ko")
		if partition.Of(path.Dir(module)) == to[0] {
			own[stem+".mod.c"] = !isWhole(tree)
			own[module] = isWhole(tree)
			list = append(list, stem+".o")
		}
	}
	return r.set.CreateFile(to[1], packer(ctx, func(archive *treearchive.Writer) error {
		if err := archive.PutData(tree.Dir, treearchive.Entry{Path: "modules.order"}, lines(list)); err != nil {
			return err
		}
		return treearchive.Walk(tree.Dir, func(name string, _ fs.FileInfo) bool { return own[name] },
			func(name string, info fs.FileInfo) error { return archive.PutFile(tree.Dir, name, info) })
	}))
}
