// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/moduleset"
	"rules_modhash/tools/merkle/output"
)

// unsealOptions are the arguments of modhash unseal.
type unsealOptions struct {
	inputs inputFlags
	out    string

	sources []moduleset.Source
}

func newUnseal(dir folder) *cobra.Command {
	o := &unsealOptions{inputs: inputFlags{dir: dir}}
	cmd := &cobra.Command{
		Use:   "unseal (--out FILE MODULE | --out DIR PATH...)",
		Short: "Strip the proof or signature off modules",
		Long: `Write copies of modules, decompressed, without the trailer that a proof or a PKCS#7
signature leaves at their end. A module without one is an error. One module file goes to
FILE, unless that is a directory; anything else to DIR, at the install paths.` + inputsHelp + exitCodesHelp,
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
	dir.pathVar(cmd.Flags(), &o.out, "out", "file or directory to write (required)")
	return cmd
}

func runUnseal(cmd *cobra.Command, o *unsealOptions) error {
	modules, err := collect(cmd, o.sources)
	if err != nil {
		return err
	}
	if len(o.sources) == 1 && !isDir(o.sources[0].Path) && !isDir(o.out) {
		return writeOne(o.out, func(w io.Writer) error {
			return batch.UnsealOne(new(module.Scanner), modules[0], w)
		})
	}
	bar := newProgress(cmd.ErrOrStderr(), "unsealing", len(modules))
	defer bar.clear()
	return withOutputs(func(outputs *output.Set) error {
		dir, err := outputs.Dir(o.out)
		if err != nil {
			return err
		}
		return batch.Unseal(cmd.Context(), modules, bar.tick(), dir)
	})
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
