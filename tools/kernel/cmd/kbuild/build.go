// SPDX-License-Identifier: Apache-2.0

package main

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

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"rules_modhash/tools/kernel/kconfig"
	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
	"rules_modhash/tools/merkle/modules/order"
)

// trustedKeys is where the kernel finds certificates that are to be built in:
// CONFIG_SYSTEM_TRUSTED_KEYS names it.
const trustedKeys = "certs/rules_modhash_trusted.pem"

// blankRoot makes Kbuild link the root of the empty tree, which the real one takes the place of.
const blankRoot = "MODULE_HASHES_ROOT_OBJ=blank"

type buildOptions struct {
	common
	source, config, strip, trusted string
	modules                        []string
	outputs                        buildOutputs
}

// buildOutputs are files to write, as far as they are not empty.
type buildOutputs struct {
	vmlinux, vmlinuxUnstripped, systemMap, symvers, order, builtin, builtinInfo, release string
	signFile, objects, devel, log                                                        string
}

func newBuild() *cobra.Command {
	o := &buildOptions{}
	cmd := &cobra.Command{
		Use:   "build --source FILE --config FILE [--module PATH=FILE]... --vmlinux FILE ...",
		Short: "Build a kernel and its modules, with a root that is not yet known",
		Long: `Build vmlinux and all modules of a configuration. A kernel with CONFIG_MODULE_HASHES gets the root
of the empty tree, which kbuild link replaces. Modules that were built and those named must be the
same set.`,
		Example: `  kbuild build --source source.tar.zst --config .config --module drivers/net/dummy.ko=dummy.ko \
    --vmlinux vmlinux --objects objects.tar.zst --devel devel.tar.zst`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.source, "source", "", "source tree, as kbuild source writes it")
	flags.StringVar(&o.config, "config", "", "configuration, as kbuild config writes it")
	flags.StringArrayVar(&o.modules, "module", nil, "`PATH=FILE`: a module of the tree, and where to write it")
	flags.StringVar(&o.strip, "strip", stripDebug, "debug: strip modules of debug information; none")
	flags.StringVar(&o.trusted, "trusted-keys", "", "PEM certificates for "+trustedKeys)
	o.outputs.register(cmd)
	o.register(cmd)
	require(cmd, "source", "config")
	return cmd
}

func (out *buildOutputs) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&out.vmlinux, "vmlinux", "", "write vmlinux")
	flags.StringVar(&out.vmlinuxUnstripped, "vmlinux-unstripped", "", "write vmlinux.unstripped")
	flags.StringVar(&out.systemMap, "system-map", "", "write System.map")
	flags.StringVar(&out.symvers, "symvers", "", "write Module.symvers")
	flags.StringVar(&out.order, "modules-order", "", "write modules.order")
	flags.StringVar(&out.builtin, "modules-builtin", "", "write modules.builtin")
	flags.StringVar(&out.builtinInfo, "modules-builtin-modinfo", "", "write modules.builtin.modinfo")
	flags.StringVar(&out.release, "release", "", "write the kernel's release, as uname -r prints it")
	flags.StringVar(&out.signFile, "sign-file", "", "write the program scripts/sign-file")
	flags.StringVar(&out.objects, "objects", "", "write the object tree, for kbuild link")
	flags.StringVar(&out.devel, "devel", "", "write what building further modules needs, for kbuild module")
	flags.StringVar(&out.log, "log", "", "write what Kbuild printed")
}

func (o *buildOptions) run(ctx context.Context) error {
	if _, err := pairs("module", o.modules); err != nil {
		return err // before minutes have passed
	}
	return inWorkspace(o.workspaceBeside(), func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.source)
		if err != nil {
			return err
		}
		if err := o.make(ctx, tree); err != nil {
			return fmt.Errorf("%s: %w", o.label, err)
		}
		r := &results{dir: tree.Dir}
		return r.finish(ctx, o.collect(ctx, r, tree))
	})
}

// workspaceBeside is an output whose folder has room for the tree.
func (o *buildOptions) workspaceBeside() string {
	for _, out := range []string{o.outputs.objects, o.outputs.vmlinux, o.outputs.log} {
		if out != "" {
			return out
		}
	}
	return o.config
}

func (o *buildOptions) make(ctx context.Context, tree *kmake.Tree) error {
	if err := copyInto(tree.Dir, map[string]string{o.config: ".config", o.trusted: trustedKeys}); err != nil {
		return err
	}
	image, _ := o.target.Image()
	goals := []string{blankRoot, "vmlinux", image}
	enabled, err := modulesEnabled(tree)
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

func modulesEnabled(tree *kmake.Tree) (bool, error) {
	options, err := readOptions([]string{filepath.Join(tree.Dir, ".config")})
	return kconfig.Enabled(options, "CONFIG_MODULES"), err
}

// checkModules compares what was built with what was declared. Without CONFIG_MODULES, Kbuild
// writes no lists of modules: they are empty.
func (o *buildOptions) checkModules(tree *kmake.Tree) error {
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
	declared, err := pairs("module", o.modules)
	if err != nil {
		return err
	}
	names := make([]string, len(declared))
	for i, pair := range declared {
		names[i] = pair[0]
	}
	return difference(names, order.Parse(string(text)))
}

func (o *buildOptions) collect(ctx context.Context, r *results, tree *kmake.Tree) error {
	out := o.outputs
	err := r.copyAll(map[string]string{
		"vmlinux": out.vmlinux, "vmlinux.unstripped": out.vmlinuxUnstripped, "System.map": out.systemMap,
		"Module.symvers": out.symvers, "modules.order": out.order, "modules.builtin": out.builtin,
		"modules.builtin.modinfo": out.builtinInfo, "include/config/kernel.release": out.release,
		"scripts/sign-file": out.signFile,
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
	if err := o.packDevel(ctx, r, tree); err != nil {
		return err
	}
	if out.log == "" {
		return nil
	}
	return r.set.CreateFile(out.log, tree.WriteLog)
}

func (o *buildOptions) collectModules(ctx context.Context, r *results, tree *kmake.Tree) error {
	modules, err := pairs("module", o.modules)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, module := range modules {
		g.Go(func() error { return stripModule(ctx, o.target, filepath.Join(tree.Dir, module[0]), o.strip) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("%s: %w", o.label, err)
	}
	for _, module := range modules {
		if err := r.copy(filepath.Join(tree.Dir, module[0]), module[1]); err != nil {
			return err
		}
	}
	return nil
}

// packObjects packs what Kbuild has made, but for what it makes again with another root, and modules.
func (o *buildOptions) packObjects(ctx context.Context, r *results, tree *kmake.Tree) error {
	if o.outputs.objects == "" {
		return nil
	}
	changed := treearchive.ChangedSince(tree.Stamp)
	return r.set.CreateFile(o.outputs.objects, func(w io.Writer) error {
		return treearchive.Pack(writer{ctx, w}, tree.Dir, func(path string, info fs.FileInfo) bool {
			return changed(path, info) && !strings.HasSuffix(path, ".ko") && !linked[path]
		})
	})
}

// linked is made anew by each link.
var linked = map[string]bool{"vmlinux": true, "vmlinux.unstripped": true}

// packDevel packs what building modules from elsewhere needs. The kernel's own script knows what
// that is. It would build programs for the target machine if that was another one, to be used
// there: told that the compilers are the same, it takes the ones that run here.
func (o *buildOptions) packDevel(ctx context.Context, r *results, tree *kmake.Tree) error {
	if o.outputs.devel == "" {
		return nil
	}
	dir := filepath.Join(filepath.Dir(tree.Dir), "devel")
	command := "KBUILD_RUN_COMMAND=CC=same HOSTCC=same $(srctree)/scripts/package/install-extmod-build " + dir
	if err := tree.Make(ctx, "run-command", command); err != nil {
		return fmt.Errorf("%s: %w", o.label, err)
	}
	if err := addTypes(tree.Dir, dir); err != nil {
		return err
	}
	return r.set.CreateFile(o.outputs.devel, func(w io.Writer) error {
		return treearchive.Pack(writer{ctx, w}, dir, func(string, fs.FileInfo) bool { return true })
	})
}

// addTypes adds vmlinux where modules have BTF, which builds on the kernel's.
func addTypes(tree, dir string) error {
	config := filepath.Join(tree, ".config")
	options, err := readOptions([]string{config})
	if err != nil {
		return err
	}
	files := map[string]string{config: ".config"}
	if kconfig.Enabled(options, "CONFIG_DEBUG_INFO_BTF_MODULES") {
		files[filepath.Join(tree, "vmlinux")] = "vmlinux"
	}
	return copyInto(dir, files)
}

const (
	stripDebug = "debug"
	stripNone  = "none"
)

// stripModule does what INSTALL_MOD_STRIP=1 does, before hashing rather than on installing.
func stripModule(ctx context.Context, target kmake.Target, module, strip string) error {
	switch strip {
	case stripNone:
		return nil
	case stripDebug:
		tree := &kmake.Tree{Target: target, Dir: filepath.Dir(module)}
		return tree.Run(ctx, target.Tool("strip"), "--strip-debug", filepath.Base(module))
	}
	return errors.New("--strip: got " + strip + ", want debug or none")
}
