// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"rules_modhash/tools/kernel/kbuild"
	"rules_modhash/tools/kernel/kmake"
)

type modulesOptions struct {
	common
	source, config, out string
}

func newModules() *cobra.Command {
	o := &modulesOptions{}
	cmd := &cobra.Command{
		Use:   "modules --source FILE --config FILE --out FILE",
		Short: "List the modules of a configuration, without building them",
		Long: `Write the list of modules that Kbuild makes of a source tree and a configuration, as a .bzl file for
the attribute modules of kernel_build. It is read from the Kbuild files, as Gazelle does; nothing is built. What
cannot be decided from them is printed, and stands in the list as a comment.`,
		Example: `  kbuild modules --source source.tar.zst --config .config --out modules.bzl`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.source, "source", "", "source tree, as kbuild source writes it")
	flags.StringVar(&o.config, "config", "", "configuration, as kbuild config writes it")
	flags.StringVar(&o.out, "out", "", "file to write")
	o.register(cmd)
	require(cmd, "source", "config", "out")
	return cmd
}

func (o *modulesOptions) run(ctx context.Context, stderr io.Writer) error {
	return inWorkspace(o.out, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.source)
		if err != nil {
			return err
		}
		result, err := o.read(tree)
		if err != nil {
			return fmt.Errorf("%s: %w", o.label, err)
		}
		for _, d := range result.Diagnostics {
			fmt.Fprintf(stderr, "kbuild modules: warning: %s: undecided: %s\n", o.label, d)
		}
		r := &results{}
		return r.finish(ctx, r.set.CreateFile(o.out, func(w io.Writer) error { return o.write(w, result) }))
	})
}

func (o *modulesOptions) read(tree *kmake.Tree) (*kbuild.Result, error) {
	file, err := os.Open(o.config)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	config, err := kbuild.ReadConfig(filepath.Base(o.config), file)
	if err != nil {
		return nil, err
	}
	return kbuild.ReadKernel(os.DirFS(tree.Dir), kbuild.Target{SrcArch: o.target.SourceArch(), Config: config})
}

// write writes the list sorted, as kbuild build prints the one that it wants.
func (o *modulesOptions) write(w io.Writer, result *kbuild.Result) error {
	text := fmt.Appendf(nil, "\"\"\"Modules of a kernel, as %s lists them.\"\"\"\n\n", o.label)
	for _, d := range result.Diagnostics {
		text = fmt.Appendf(text, "# Undecided: %s\n", d)
	}
	files := make([]string, len(result.Modules))
	for i, module := range result.Modules {
		files[i] = module.File()
	}
	slices.Sort(files)
	text = append(text, "MODULES = ["...)
	for _, file := range files {
		text = fmt.Appendf(text, "\n    %q,", file)
	}
	if len(files) > 0 {
		text = append(text, '\n')
	}
	_, err := w.Write(append(text, "]\n"...))
	return err
}
