// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/merkle/modules/order"
)

type moduleOptions struct {
	common
	devel, name, dir, kbuild, strip, out, symversOut string
	sources, textual, includes, copts, symvers       []string
}

func newModule() *cobra.Command {
	o := &moduleOptions{}
	cmd := &cobra.Command{
		Use:   "module --devel FILE --name NAME --src PATH=FILE... --out FILE",
		Short: "Build one module against a kernel that was built before",
		Long: `Build one module of C and assembler sources. Its Kbuild file is written for it, if none is given.
Sources lie at their PATHs in a folder of their own, and include each other by them.`,
		Example: `  kbuild module --devel devel.tar.zst --name hello --src hello.c=hello.c --out hello.ko`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.devel, "devel", "", "what kbuild build wrote as --devel")
	flags.StringVar(&o.name, "name", "", "the module's name, without .ko")
	flags.StringVar(&o.dir, "dir", ".", "folder of the module, a part of its sources' paths")
	flags.StringArrayVar(&o.sources, "src", nil, "`PATH=FILE`: a source file or header")
	flags.StringArrayVar(&o.textual, "textual", nil, "`PATH=FILE`: a file that a source includes, not compiled by itself")
	flags.StringVar(&o.kbuild, "kbuild", "", "the Kbuild file; default: one that builds all sources into one module")
	flags.StringArrayVar(&o.includes, "include", nil, "folder to find headers in, as in PATH")
	flags.StringArrayVar(&o.copts, "copt", nil, "option for the compiler")
	flags.StringArrayVar(&o.symvers, "symvers", nil, "Module.symvers of a module that this one uses symbols of")
	flags.StringVar(&o.strip, "strip", stripDebug, "debug: strip the module of debug information; none")
	flags.StringVar(&o.out, "out", "", "module to write")
	flags.StringVar(&o.symversOut, "symvers-out", "", "write the module's Module.symvers")
	o.register(cmd)
	require(cmd, "devel", "name", "src", "out")
	return cmd
}

func (o *moduleOptions) run(ctx context.Context) error {
	return inWorkspace(o.out, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.devel)
		if err != nil {
			return err
		}
		external := filepath.Join(dir, "external")
		if err := o.layOut(external); err != nil {
			return fmt.Errorf("%s: %w", o.label, err)
		}
		at := filepath.Join(external, filepath.FromSlash(o.dir))
		if err := o.make(ctx, tree, external, at); err != nil {
			return fmt.Errorf("%s: %w", o.label, err)
		}
		r := &results{dir: at}
		return r.finish(ctx, r.copyAll(map[string]string{o.name + ".ko": o.out, "Module.symvers": o.symversOut}))
	})
}

// layOut puts sources and the Kbuild file where they belong.
func (o *moduleOptions) layOut(external string) error {
	sources, err := layOutFiles(external, "src", o.sources)
	if err != nil {
		return err
	}
	if _, err := layOutFiles(external, "textual", o.textual); err != nil {
		return err
	}
	kbuild := path.Join(o.dir, "Kbuild")
	if o.kbuild != "" {
		return copyInto(external, map[string]string{o.kbuild: kbuild})
	}
	at := filepath.Join(external, filepath.FromSlash(kbuild))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	return os.WriteFile(at, []byte(o.kbuildFile(sources)), 0o644)
}

// layOutFiles copies files, given as a flag's PATH=FILE, to their paths, and returns both parts of each.
func layOutFiles(external, flag string, arguments []string) ([][2]string, error) {
	files, err := pairs(flag, arguments)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if !filepath.IsLocal(file[0]) {
			return nil, fmt.Errorf("--%s: got the path %q, want a relative one without '..'", flag, file[0])
		}
		if err := copyInto(external, map[string]string{file[1]: file[0]}); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// kbuildFile builds the module of all sources below its folder. Those of other folders are headers.
func (o *moduleOptions) kbuildFile(sources [][2]string) string {
	var objects []string
	for _, source := range sources {
		base, isSource := cutSourceSuffix(source[0])
		below, isBelow := strings.CutPrefix(base, o.dir+"/")
		if o.dir == "." {
			below, isBelow = base, true
		}
		if isSource && isBelow {
			objects = append(objects, below+".o")
		}
	}
	text := "obj-m := " + o.name + ".o\n"
	if len(objects) != 1 || objects[0] != o.name+".o" {
		text += o.name + "-y := " + strings.Join(objects, " ") + "\n"
	}
	return text
}

func cutSourceSuffix(name string) (string, bool) {
	for _, suffix := range []string{".c", ".S"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			return base, true
		}
	}
	return name, false
}

func (o *moduleOptions) make(ctx context.Context, tree *kmake.Tree, external, at string) error {
	tree.Flags = []string{"-fdebug-prefix-map=" + external + "=/external", "-fmacro-prefix-map=" + external + "/="}
	for _, include := range o.includes {
		tree.Flags = append(tree.Flags, "-I"+filepath.Join(external, filepath.FromSlash(include)))
	}
	tree.Flags = append(tree.Flags, o.copts...)
	var symvers []string
	for _, file := range o.symvers {
		absolute, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		symvers = append(symvers, absolute)
	}
	if err := tree.Make(ctx, "M="+at, "KBUILD_EXTRA_SYMBOLS="+strings.Join(symvers, " "), "modules"); err != nil {
		return err
	}
	if err := o.checkOnlyModule(at); err != nil {
		return err
	}
	return stripModule(ctx, o.target, filepath.Join(at, o.name+".ko"), o.strip)
}

// checkOnlyModule refuses a Kbuild file that builds other modules than the one that is declared.
func (o *moduleOptions) checkOnlyModule(at string) error {
	text, err := os.ReadFile(filepath.Join(at, "modules.order"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var built []string
	for _, module := range order.Parse(string(text)) {
		built = append(built, path.Base(module))
	}
	if len(built) == 1 && built[0] == o.name+".ko" {
		return nil
	}
	return fmt.Errorf("attribute kbuild: got a Kbuild file that builds %s, want one that builds %s.ko alone. Next: one target kernel_module a module, each with srcs of its own",
		strings.Join(built, ", "), o.name)
}
