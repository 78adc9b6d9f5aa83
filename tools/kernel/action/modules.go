// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"rules_modhash/tools/kernel/kbuild"
	"rules_modhash/tools/kernel/kmake"
)

// Modules is the action that lists the modules of a configuration without building them.
type Modules struct {
	Common
	// Source is the source tree as Source writes it, Config the configuration, Out the .bzl file to write.
	Source, Config, Out string
}

// Run writes the list, and to stderr what it cannot decide from the Kbuild files.
func (o *Modules) Run(ctx context.Context, stderr io.Writer) error {
	return inWorkspace(o.Out, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.Source)
		if err != nil {
			return err
		}
		result, err := o.read(tree)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
		for _, d := range result.Diagnostics {
			fmt.Fprintf(stderr, "kbuild modules: warning: %s: undecided: %s\n", o.Label, d)
		}
		r := &results{}
		return r.finish(ctx, r.set.CreateFile(o.Out, func(w io.Writer) error { return o.write(w, result) }))
	})
}

func (o *Modules) read(tree *kmake.Tree) (*kbuild.Result, error) {
	file, err := os.Open(o.Config)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	config, err := kbuild.ReadConfig(filepath.Base(o.Config), file)
	if err != nil {
		return nil, err
	}
	return kbuild.ReadKernel(os.DirFS(tree.Dir), kbuild.Target{SrcArch: o.Target.SourceArch(), Config: config})
}

// write writes the list sorted, as kbuild build prints the one that it wants.
func (o *Modules) write(w io.Writer, result *kbuild.Result) error {
	text := fmt.Appendf(nil, "\"\"\"Modules of a kernel, as %s lists them.\"\"\"\n\n", o.Label)
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
