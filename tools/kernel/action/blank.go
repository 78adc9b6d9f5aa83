// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

// Blank is the action that links vmlinux of shards, with the root of the empty tree.
type Blank struct {
	Common
	// Supplied is read if the kernel is not compiled in shards.
	Supplied
	// Prepared is what Prepare wrote, Configuration what Config wrote, Source what Split wrote for the link.
	Prepared, Configuration, Source string
	// Shards are what Compile wrote of what is built in.
	Shards []string
	// Outputs are the files to write, but for those about modules.
	Outputs Outputs
	// Symbols is an archive to write, with what modpost reads of vmlinux.
	Symbols string
	// Types is a file to write, with the types that those of modules are based on. It is empty without
	// CONFIG_DEBUG_INFO_BTF_MODULES.
	Types string
	// Summary gets a line, as in Build.
	Summary io.Writer
}

// Run links, and writes all outputs or none.
func (o *Blank) Run(ctx context.Context) error {
	start := time.Now()
	return inWorkspace(o.Outputs.Objects, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, append([]string{o.Prepared, o.Configuration, o.Source}, o.Shards...)...)
		if err != nil {
			return err
		}
		if err := o.make(ctx, tree); err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
		r := &results{dir: tree.Dir}
		if err := r.finish(ctx, o.collect(ctx, r, tree)); err != nil {
			return err
		}
		fmt.Fprintf(o.Summary, "%s: linked vmlinux of %d shards in %s: %d files compiled\n", o.Label, len(o.Shards),
			time.Since(start).Round(time.Second), tree.Compiled())
		return nil
	})
}

func (o *Blank) make(ctx context.Context, tree *kmake.Tree) error {
	if isWhole(tree) {
		return o.makeWhole(ctx, tree)
	}
	if err := addNames(tree); err != nil {
		return err
	}
	return o.link(ctx, tree)
}

// makeWhole compiles and links all, modules included.
func (o *Blank) makeWhole(ctx context.Context, tree *kmake.Tree) error {
	if err := o.Supplied.copyInto(tree.Dir); err != nil {
		return err
	}
	image, _ := o.Target.Image()
	return tree.Make(ctx, kmake.BlankRoot, "vmlinux", image, "modules")
}

// absent is the text of sources that a tree has for their names only. None of them is read: what is made of them is
// there. A compiler that reads one all the same stops here.
const absent = "#error \"rules_modhash: no shard has made an object of this file\"\n"

// addNames adds the sources of shards, which make asks for. They have the timestamp of what is made of them.
func addNames(tree *kmake.Tree) error {
	data, err := os.ReadFile(filepath.Join(tree.Dir, namesFile))
	if err != nil {
		return err
	}
	for _, name := range append(strings.Fields(string(data)), TrustedKeys, BootPolicy) {
		if _, err := os.Lstat(filepath.Join(tree.Dir, name)); err == nil {
			continue
		}
		if err := addStamped(tree, name, absent); err != nil {
			return err
		}
	}
	return nil
}

// addStamped adds a file with the timestamp of what was unpacked.
func addStamped(tree *kmake.Tree, name, text string) error {
	name = filepath.Join(tree.Dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Chtimes(name, tree.Stamp, tree.Stamp)
}

// link does what the root Makefile does for vmlinux and the boot image, after the directories.
func (o *Blank) link(ctx context.Context, tree *kmake.Tree) error {
	builtin := []string{"obj=.", "need-builtin=1", "need-modorder=1", "KBUILD_BUILTIN=y", "./built-in.a"}
	if err := tree.Submake(ctx, "scripts/Makefile.build", builtin...); err != nil {
		return err
	}
	for _, makefile := range []string{"scripts/Makefile.vmlinux_a", "scripts/Makefile.vmlinux_o", "scripts/Makefile.modpost"} {
		if err := tree.Submake(ctx, makefile, "KBUILD_BUILTIN=y"); err != nil {
			return err
		}
	}
	return tree.LinkBlank(ctx)
}

func (o *Blank) collect(ctx context.Context, r *results, tree *kmake.Tree) error {
	out := o.Outputs
	if err := r.copyVmlinux(out.Vmlinux, out.VmlinuxUnstripped); err != nil {
		return err
	}
	err := r.copyAll(map[string]string{
		"System.map": out.SystemMap, "modules.builtin": out.Builtin, "modules.builtin.modinfo": out.BuiltinInfo,
	})
	if err != nil {
		return err
	}
	changed := treearchive.ChangedSince(tree.Stamp)
	err = r.set.CreateFile(out.Objects, func(w io.Writer) error {
		return treearchive.Pack(writer{ctx, w}, tree.Dir, func(name string, info fs.FileInfo) bool {
			return changed(name, info) && !linked[name] && path.Base(name) != "built-in.a" && path.Ext(name) != ".ko"
		})
	})
	return errors.Join(err, o.writeTypes(ctx, r, tree), o.packSymbols(ctx, r, tree), r.set.CreateFile(out.Log, tree.WriteLog))
}

// writeTypes takes the types alone out of vmlinux, so that modules are linked again only if types have changed.
func (o *Blank) writeTypes(ctx context.Context, r *results, tree *kmake.Tree) error {
	if o.Types == "" {
		return nil
	}
	enabled, err := optionEnabled(tree.Dir, "CONFIG_DEBUG_INFO_BTF_MODULES")
	if err != nil {
		return err
	}
	if !enabled {
		return r.set.WriteFile(o.Types, nil)
	}
	linked, err := linkedVmlinux(tree.Dir)
	if err != nil {
		return err
	}
	const types = ".modhash.types"
	if err := tree.Run(ctx, o.Target.Tool("objcopy"), "--only-section=.BTF", linked, types); err != nil {
		return err
	}
	return r.copy(filepath.Join(tree.Dir, types), o.Types)
}

// packSymbols packs vmlinux.o without debug information, and with CONFIG_MODVERSIONS the commands that hold the versions
// of its symbols.
func (o *Blank) packSymbols(ctx context.Context, r *results, tree *kmake.Tree) error {
	if isWhole(tree) {
		return o.packWhole(ctx, r, tree)
	}
	if err := tree.Run(ctx, o.Target.Tool("strip"), "--strip-debug", "vmlinux.o"); err != nil {
		return err
	}
	kept := map[string]bool{"vmlinux.o": true, ".vmlinux.objs": true, "..vmlinux.objs.cmd": true}
	return r.set.CreateFile(o.Symbols, func(w io.Writer) error {
		return treearchive.Pack(writer{ctx, w}, tree.Dir, func(name string, _ fs.FileInfo) bool {
			return kept[name] || strings.HasSuffix(name, ".o.cmd") && hasVersions(filepath.Join(tree.Dir, name))
		})
	})
}

// packWhole packs what Modpost and Finish would make.
func (o *Blank) packWhole(ctx context.Context, r *results, tree *kmake.Tree) error {
	return r.set.CreateFile(o.Symbols, func(w io.Writer) error {
		return treearchive.Pack(writer{ctx, w}, tree.Dir, func(name string, _ fs.FileInfo) bool {
			return path.Ext(name) == ".ko" || name == "Module.symvers" || name == "modules.order"
		})
	})
}

// hasVersions reports whether a .cmd file has versions of symbols.
func hasVersions(name string) bool {
	data, err := os.ReadFile(name)
	return err == nil && strings.Contains(string(data), "\n#SYMVER ")
}
