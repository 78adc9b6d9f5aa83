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
	"rules_modhash/tools/merkle/tree"
)

// sealOptions are the arguments of modhash seal.
type sealOptions struct {
	inputs           inputFlags
	how              readingFlags
	tree, proof, out string

	sources []modules.Source
	reading batch.Reading
}

func newSeal(dir directory) *cobra.Command {
	o := &sealOptions{inputs: inputFlags{dir: dir}}
	cmd := &cobra.Command{
		Use:   "seal (--tree FILE --out DIR PATH... | --proof FILE --out FILE MODULE)",
		Short: "Append their proofs to modules",
		Long: `Write decompressed copies of modules with their proofs appended, which the kernel checks
when it loads them. With --tree, the modules go to DIR at their install paths, which also
identify their proofs in the tree; they may be all modules of the tree, or some. With
--proof, seal one module with one proof.

A module that does not hash to the leaf in the tree or proof is an error.` + inputsHelp + exitCodesHelp,
		Example: `  modhash tree --out tree.pb /lib/modules/$(uname -r)
  modhash seal --tree tree.pb --out sealed /lib/modules/$(uname -r)`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.parse(args); err != nil {
				return err
			}
			if o.tree != "" {
				return runSealTree(cmd, o)
			}
			return runSealOne(cmd, o)
		},
	}
	o.inputs.register(cmd)
	o.inputs.registerExisting(cmd)
	o.inputs.registerAllowEmpty(cmd)
	o.how.register(cmd)
	dir.pathVar(cmd.Flags(), &o.tree, "tree", "file written by modhash tree --out")
	dir.pathVar(cmd.Flags(), &o.proof, "proof", "file written by modhash proof or modhash tree --proofs")
	dir.pathVar(cmd.Flags(), &o.out, "out",
		"directory, empty or new; with --proof a file (required)")
	return cmd
}

func (o *sealOptions) parse(args []string) (err error) {
	if o.out == "" {
		return errors.New("--out is required")
	}
	if (o.tree == "") == (o.proof == "") {
		return errors.New("one of --tree and --proof is required")
	}
	if o.reading, err = o.how.reading(); err != nil {
		return err
	}
	o.sources, err = o.inputs.required(args)
	return err
}

func runSealTree(cmd *cobra.Command, o *sealOptions) error {
	tree, err := readTree(o.tree)
	if err != nil {
		return err
	}
	modules, err := collect(cmd, o.sources)
	if err != nil {
		return err
	}
	bar := progress.New(cmd.ErrOrStderr(), "sealing", len(modules))
	defer bar.Clear()
	o.reading.Progress = bar.Tick()
	return withOutputs(func(outputs *output.Set) error {
		dir, err := outputs.Dir(o.out)
		if err != nil {
			return err
		}
		return batch.Seal(cmd.Context(), tree, modules, o.reading, dir)
	})
}

func runSealOne(cmd *cobra.Command, o *sealOptions) error {
	data, err := os.ReadFile(o.proof)
	if err != nil {
		return err
	}
	proof, err := tree.DecodeProof(data)
	if err != nil {
		return fmt.Errorf("%s: %w", o.proof, err)
	}
	m, err := onlyModule(cmd, o.sources)
	if err != nil {
		return fmt.Errorf("--proof: %w", err)
	}
	return writeOne(o.out, func(w io.Writer) error {
		return batch.SealOne(new(module.Scanner), m, proof, o.reading, w)
	})
}

// onlyModule returns the module of a command that takes one.
func onlyModule(cmd *cobra.Command, sources []modules.Source) (modules.Module, error) {
	given, err := collect(cmd, sources)
	if err != nil {
		return modules.Module{}, err
	}
	if len(given) != 1 {
		return modules.Module{}, fmt.Errorf("%d modules given, want 1", len(given))
	}
	return given[0], nil
}
