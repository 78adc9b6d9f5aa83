// SPDX-License-Identifier: Apache-2.0

package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/merkle/modules/order"
)

// Module is the action that builds a module against a kernel that was built before.
type Module struct {
	Common
	// Devel is what Build wrote as Outputs.Devel.
	Devel string
	// Name is the module's, without .ko. Dir is its directory, a part of its sources' paths.
	Name, Dir string
	// Kbuild is its Kbuild file. If that is empty, one is written that builds all sources into one module.
	Kbuild string
	// Sources and Textual are files as PATH=FILE. Textual ones are not compiled by themselves.
	Sources, Textual []string
	// Includes are directories to find headers in, as in PATH. Copts are options for the compiler.
	Includes, Copts []string
	// Symvers are Module.symvers of modules that this one uses symbols of.
	Symvers []string
	// Strip is StripDebug or StripNone.
	Strip string
	// Out is the module to write, SymversOut its Module.symvers, or empty.
	Out, SymversOut string
}

// Run builds, and writes all outputs or none.
func (o *Module) Run(ctx context.Context) error {
	return inWorkspace(o.Out, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.Devel)
		if err != nil {
			return err
		}
		external := filepath.Join(dir, "external")
		if err := o.layOut(external); err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
		at := filepath.Join(external, filepath.FromSlash(o.Dir))
		if err := o.make(ctx, tree, external, at); err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
		r := &results{dir: at}
		return r.finish(ctx, r.copyAll(map[string]string{o.Name + ".ko": o.Out, "Module.symvers": o.SymversOut}))
	})
}

// layOut puts sources and the Kbuild file where they belong.
func (o *Module) layOut(external string) error {
	sources, err := layOutFiles(external, "src", o.Sources)
	if err != nil {
		return err
	}
	if _, err := layOutFiles(external, "textual", o.Textual); err != nil {
		return err
	}
	kbuild := path.Join(o.Dir, "Kbuild")
	if o.Kbuild != "" {
		return copyInto(external, map[string]string{o.Kbuild: kbuild})
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

// kbuildFile builds the module of all sources below its directory. Those of other directories are headers.
func (o *Module) kbuildFile(sources [][2]string) string {
	var objects []string
	for _, source := range sources {
		base, isSource := cutSourceSuffix(source[0])
		below, isBelow := strings.CutPrefix(base, o.Dir+"/")
		if o.Dir == "." {
			below, isBelow = base, true
		}
		if isSource && isBelow {
			objects = append(objects, below+".o")
		}
	}
	text := "obj-m := " + o.Name + ".o\n"
	if len(objects) != 1 || objects[0] != o.Name+".o" {
		text += o.Name + "-y := " + strings.Join(objects, " ") + "\n"
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

func (o *Module) make(ctx context.Context, tree *kmake.Tree, external, at string) error {
	tree.Flags = []string{"-fdebug-prefix-map=" + external + "=/external", "-fmacro-prefix-map=" + external + "/="}
	for _, include := range o.Includes {
		tree.Flags = append(tree.Flags, "-I"+filepath.Join(external, filepath.FromSlash(include)))
	}
	tree.Flags = append(tree.Flags, o.Copts...)
	var symvers []string
	for _, file := range o.Symvers {
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
	if err := trimSymvers(at); err != nil {
		return err
	}
	return stripModule(ctx, o.Target, filepath.Join(at, o.Name+".ko"), o.Strip)
}

// trimSymvers drops the directory of external modules from their names in Module.symvers: before Linux 6.13, these are
// absolute paths, and the file would be another one in each build.
func trimSymvers(at string) error {
	name := filepath.Join(at, "Module.symvers")
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, bytes.ReplaceAll(text, []byte("\t"+at+"/"), []byte("\t")), 0o644)
}

// checkOnlyModule rejects a Kbuild file that builds other modules than the one that is declared.
func (o *Module) checkOnlyModule(at string) error {
	text, err := os.ReadFile(filepath.Join(at, "modules.order"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var built []string
	for _, module := range order.Parse(string(text)) {
		built = append(built, path.Base(module))
	}
	if len(built) == 1 && built[0] == o.Name+".ko" {
		return nil
	}
	return fmt.Errorf("attribute kbuild: got a Kbuild file that builds %s, want one that builds %s.ko alone. Next: one kernel_module for each module, each with separate srcs",
		strings.Join(built, ", "), o.Name)
}
