// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli/output"
	"rules_modhash/tools/cli/progress"
	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
)

// unsealOptions are the arguments of modhash unseal.
type unsealOptions struct {
	inputs inputFlags
	out    string
	all    bool

	sources []modules.Source
}

func newUnseal(dir directory) *cobra.Command {
	o := &unsealOptions{inputs: inputFlags{dir: dir}}
	cmd := &cobra.Command{
		Use:   "unseal [--all] (--out FILE MODULE | --out DIR PATH...)",
		Short: "Drop the proof or signature of modules",
		Long: `Write decompressed copies of modules without the trailer of a proof or a PKCS#7 signature
at their end. A module without a trailer is an error. A module that was signed or sealed
several times has several trailers: modhash drops the outermost one, and reports whether
there are more; with --all, it drops all of them. A single module file goes to FILE, unless
FILE is a directory; other modules go to DIR, at their install paths.` + inputsHelp + exitCodesHelp,
		Example: `  modhash tree --seal sealed /lib/modules/$(uname -r)
  modhash unseal --out bare sealed`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.out == "" {
				return errors.New("--out is required")
			}
			if o.sources, err = o.inputs.required(args); err != nil {
				return err
			}
			return runUnseal(cmd, o)
		},
	}
	o.inputs.register(cmd)
	cmd.Flags().BoolVar(&o.all, "all", false, "drop all trailers, not only the outermost one")
	dir.pathVar(cmd.Flags(), &o.out, "out", "file or directory to write (required)")
	return cmd
}

func runUnseal(cmd *cobra.Command, o *unsealOptions) error {
	modules, err := collect(cmd, o.sources)
	if err != nil {
		return err
	}
	left, err := o.unseal(cmd, modules)
	if err == nil && len(left) > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "modhash unseal: %d of %d modules carry a further trailer, %s first: "+
			"--all drops all trailers\n", len(left), len(modules), left[0])
	}
	return err
}

// unseal returns the modules that still carry a trailer.
func (o *unsealOptions) unseal(cmd *cobra.Command, modules []modules.Module) (left []modules.Module, err error) {
	if len(o.sources) == 1 && !isDir(o.sources[0].Path) && !isDir(o.out) {
		err = writeOne(o.out, func(w io.Writer) error {
			further, err := batch.UnsealOne(new(module.Scanner), modules[0], o.all, w)
			if further {
				left = modules
			}
			return err
		})
		return left, err
	}
	bar := progress.New(cmd.ErrOrStderr(), "unsealing", len(modules))
	defer bar.Clear()
	err = withOutputs(func(outputs *output.Set) error {
		dir, err := outputs.Dir(o.out)
		if err != nil {
			return err
		}
		left, err = batch.Unseal(cmd.Context(), modules, o.all, bar.Tick(), dir)
		return err
	})
	return left, err
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
