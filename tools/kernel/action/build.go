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
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"rules_modhash/tools/kernel/kconfig"
	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
	"rules_modhash/tools/merkle/modules/order"
)

// Build is the action that builds a kernel and its modules.
type Build struct {
	Common
	Supplied
	// Source is the source tree as Source writes it, Config the configuration.
	Source, Config string
	// Strip is StripDebug or StripNone, and is about modules.
	Strip string
	// Modules are the modules that must be built, and no others, as PATH=FILE: the path in the tree, and the file to
	// write.
	Modules []string
	// Outputs are the other files to write.
	Outputs Outputs
	// Summary gets one line about the build: how many files were compiled, and how long it took. It is no output of the
	// action.
	Summary io.Writer
}

// Outputs are files that Build writes. It does not write those whose name is empty.
type Outputs struct {
	Vmlinux, VmlinuxUnstripped, SystemMap, Symvers, Order, Builtin, BuiltinInfo string
	// Release is the text that uname -r prints, SignFile the program scripts/sign-file.
	Release, SignFile string
	// Objects is the object tree for Link, Devel what Module needs, Log what Kbuild printed.
	Objects, Devel, Log string
}

// Run builds, and writes all outputs or none.
func (o *Build) Run(ctx context.Context) error {
	if _, err := pairs("module", o.Modules); err != nil {
		return err // before minutes have passed
	}
	start := time.Now()
	return inWorkspace(o.workspaceBeside(), func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.Source)
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
		fmt.Fprintf(o.Summary, "%s: built %s in %s: %d files compiled, %d modules\n", o.Label, o.Target,
			time.Since(start).Round(time.Second), tree.Compiled(), len(o.Modules))
		return nil
	})
}

// workspaceBeside is an output whose directory has room for the tree.
func (o *Build) workspaceBeside() string {
	for _, out := range []string{o.Outputs.Objects, o.Outputs.Vmlinux, o.Outputs.Log} {
		if out != "" {
			return out
		}
	}
	return o.Config
}

func (o *Build) make(ctx context.Context, tree *kmake.Tree) error {
	if err := errors.Join(copyInto(tree.Dir, map[string]string{o.Config: ".config"}), o.Supplied.copyInto(tree.Dir)); err != nil {
		return err
	}
	image, _ := o.Target.Image()
	goals := []string{kmake.BlankRoot, "vmlinux", image}
	enabled, err := optionEnabled(tree.Dir, "CONFIG_MODULES")
	if err != nil {
		return err
	}
	if enabled {
		goals = append(goals, "modules")
	}
	if err := tree.Make(ctx, goals...); err != nil {
		return err
	}
	return o.checkModules(tree)
}

// copyInto copies files to paths below dir. An empty name stands for nothing.
func copyInto(dir string, files map[string]string) error {
	for from, to := range files {
		if from == "" {
			continue
		}
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, to), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// optionEnabled reports whether an option of the configuration in a tree is set.
func optionEnabled(dir, option string) (bool, error) {
	options, err := readOptions([]string{filepath.Join(dir, ".config")})
	return kconfig.Enabled(options, option), err
}

// checkModules compares what was built with what was declared. Without CONFIG_MODULES, Kbuild
// writes no lists of modules: they are empty.
func (o *Build) checkModules(tree *kmake.Tree) error {
	for _, name := range []string{"modules.order", "Module.symvers", "modules.builtin", "modules.builtin.modinfo"} {
		file, err := os.OpenFile(filepath.Join(tree.Dir, name), os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(filepath.Join(tree.Dir, "modules.order"))
	if err != nil {
		return err
	}
	declared, err := pairs("module", o.Modules)
	if err != nil {
		return err
	}
	names := make([]string, len(declared))
	for i, pair := range declared {
		names[i] = pair[0]
	}
	return difference(names, order.Parse(string(text)))
}

func (o *Build) collect(ctx context.Context, r *results, tree *kmake.Tree) error {
	out := o.Outputs
	if err := r.copyVmlinux(out.Vmlinux, out.VmlinuxUnstripped); err != nil {
		return err
	}
	err := r.copyAll(map[string]string{
		"System.map": out.SystemMap, "Module.symvers": out.Symvers, "modules.order": out.Order, "modules.builtin": out.Builtin,
		"modules.builtin.modinfo": out.BuiltinInfo, "include/config/kernel.release": out.Release,
		"scripts/sign-file": out.SignFile,
	})
	if err != nil {
		return err
	}
	if err := o.collectModules(ctx, r, tree); err != nil {
		return err
	}
	if err := o.packObjects(ctx, r, tree); err != nil {
		return err
	}
	if out.Devel != "" {
		if err := o.packDevel(ctx, r, tree, out.Devel); err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
	}
	if out.Log == "" {
		return nil
	}
	return r.set.CreateFile(out.Log, tree.WriteLog)
}

func (o *Build) collectModules(ctx context.Context, r *results, tree *kmake.Tree) error {
	modules, err := pairs("module", o.Modules)
	if err != nil {
		return err
	}
	if err := r.copyStripped(ctx, o.Target, tree.Dir, modules, o.Strip); err != nil {
		return fmt.Errorf("%s: %w", o.Label, err)
	}
	return nil
}

// copyStripped strips modules in a tree, and stages copies of them: pairs of a path in the tree and an output.
func (r *results) copyStripped(ctx context.Context, target kmake.Target, dir string, modules [][2]string, strip string) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, module := range modules {
		g.Go(func() error { return stripModule(ctx, target, filepath.Join(dir, module[0]), strip) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, module := range modules {
		if err := r.copy(filepath.Join(dir, module[0]), module[1]); err != nil {
			return err
		}
	}
	return nil
}

// packObjects packs what Kbuild has made, but for what it makes again with another root, and modules.
func (o *Build) packObjects(ctx context.Context, r *results, tree *kmake.Tree) error {
	if o.Outputs.Objects == "" {
		return nil
	}
	changed := treearchive.ChangedSince(tree.Stamp)
	packed := func(path string, info fs.FileInfo) bool {
		return changed(path, info) && !strings.HasSuffix(path, ".ko") && !linked[path] && !isCompilerRule(path)
	}
	return r.set.CreateFile(o.Outputs.Objects, packer(ctx, func(w *treearchive.Writer) error {
		return treearchive.Walk(tree.Dir, packed, func(name string, info fs.FileInfo) error {
			return putMade(w, tree.Dir, name, info, every)
		})
	}))
}

// linked is made anew by each link. vmlinux.relocs is a copy of vmlinux that older versions make for RISC-V.
var linked = map[string]bool{"vmlinux": true, kmake.Unstripped: true, "vmlinux.relocs": true}

// packDevel packs the files for building out-of-tree modules. The kernel's own script knows what
// that is. It would build programs for the target machine if that was another one, to be used
// there: with the same compiler for both, it uses the ones that run here.
func (c *Common) packDevel(ctx context.Context, r *results, tree *kmake.Tree, out string) error {
	dir := filepath.Join(filepath.Dir(tree.Dir), "devel")
	command := "KBUILD_RUN_COMMAND=CC=same HOSTCC=same $(srctree)/scripts/package/install-extmod-build " + dir
	if err := tree.Make(ctx, "run-command", command); err != nil {
		return err
	}
	if err := addTypes(tree.Dir, dir); err != nil {
		return err
	}
	return r.set.CreateFile(out, func(w io.Writer) error {
		return treearchive.Pack(writer{ctx, w}, dir, func(string, fs.FileInfo) bool { return true })
	})
}

// addTypes adds vmlinux where modules have BTF, which builds on the kernel's.
func addTypes(tree, dir string) error {
	enabled, err := optionEnabled(tree, "CONFIG_DEBUG_INFO_BTF_MODULES")
	if err != nil {
		return err
	}
	files := map[string]string{filepath.Join(tree, ".config"): ".config"}
	if enabled {
		files[filepath.Join(tree, "vmlinux")] = "vmlinux"
	}
	return copyInto(dir, files)
}

// What modules are stripped of.
const (
	StripDebug = "debug"
	StripNone  = "none"
)

// stripModule does what INSTALL_MOD_STRIP=1 does, before hashing rather than on installing.
func stripModule(ctx context.Context, target kmake.Target, module, strip string) error {
	switch strip {
	case StripNone:
		return nil
	case StripDebug:
		tree := &kmake.Tree{Target: target, Dir: filepath.Dir(module)}
		return tree.Run(ctx, target.Tool("strip"), "--strip-debug", filepath.Base(module))
	}
	return errors.New("--strip: got " + strip + ", want debug or none")
}
