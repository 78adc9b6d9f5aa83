// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli/output"
	"rules_modhash/tools/cli/progress"
	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/tree"
)

// leafOptions are the arguments of modhash leaf.
type leafOptions struct {
	inputs    inputFlags
	how       readingFlags
	position  uint32
	order     string
	positions string
	out       string

	sources []modules.Source
	reading batch.Reading
}

func newLeaf(dir directory) *cobra.Command {
	o := &leafOptions{inputs: inputFlags{dir: dir}}
	cmd := &cobra.Command{
		Use:   "leaf --out FILE [--position N | --order FILE | --positions FILE] PATH...",
		Short: "Hash modules to leaves, for a tree that is built later",
		Long: `Hash modules and write their leaves (proto ModuleLeaves), for modhash tree --leaves.

Leaf hashes bind positions: the modules get the positions N, N+1, ... in the order in
which they are given, those of one directory bytewise by install path; or, with --order,
the line numbers, from 0, of a modules.order that may list other modules too; or, with
--positions, those that modhash positions extracted from one for exactly these modules.` + inputsHelp + exitCodesHelp,
		Example: `  modhash leaf --position 0 --out leaves.pb /lib/modules/$(uname -r)`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.parse(cmd, args); err != nil {
				return err
			}
			return runLeaf(cmd, o)
		},
	}
	o.inputs.register(cmd)
	o.inputs.registerExisting(cmd)
	o.inputs.registerAllowEmpty(cmd)
	o.how.register(cmd)
	o.how.registerMachine(cmd)
	cmd.Flags().Uint32Var(&o.position, "position", 0, "position of the first module")
	dir.pathVar(cmd.Flags(), &o.order, "order", "modules.order that gives the positions")
	dir.pathVar(cmd.Flags(), &o.out, "out", "file for the leaves (required)")
	dir.pathVar(cmd.Flags(), &o.positions, "positions", "file written by modhash positions")
	cmd.MarkFlagsMutuallyExclusive("position", "order", "positions")
	return cmd
}

func (o *leafOptions) parse(_ *cobra.Command, args []string) (err error) {
	if o.out == "" {
		return errors.New("--out is required")
	}
	if o.reading, err = o.how.reading(); err != nil {
		return err
	}
	o.sources, err = o.inputs.required(args)
	return err
}

func runLeaf(cmd *cobra.Command, o *leafOptions) error {
	modules, err := collect(cmd, o.sources)
	if err != nil {
		return err
	}
	positions, err := o.positionsOf(modules)
	if err != nil {
		return err
	}
	leaves, err := hashModules(cmd, modules, positions, o.reading, nil)
	if err != nil {
		return err
	}
	data, err := tree.EncodeLeaves(leaves)
	if err != nil {
		return err
	}
	return writeOne(o.out, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func (o *leafOptions) positionsOf(given []modules.Module) ([]uint32, error) {
	if o.positions != "" {
		return readPositions(o.positions, given)
	}
	if o.order != "" {
		order, err := modules.ReadOrderFile(o.order)
		if err != nil {
			return nil, err
		}
		return order.Arrange(given, false)
	}
	if uint64(o.position)+uint64(len(given)) > merkle.MaxLeaves {
		return nil, fmt.Errorf("--position %d and %d modules exceed the last position, %d",
			o.position, len(given), uint32(math.MaxUint32))
	}
	return consecutive(o.position, len(given)), nil
}

// consecutive returns n positions from first on.
func consecutive(first uint32, n int) []uint32 {
	positions := make([]uint32, n)
	for i := range positions {
		positions[i] = first + uint32(i)
	}
	return positions
}

// hashModules hashes modules under a progress bar.
func hashModules(
	cmd *cobra.Command, modules []modules.Module, positions []uint32, r batch.Reading, copies *output.Dir,
) ([]tree.Leaf, error) {
	bar := progress.New(cmd.ErrOrStderr(), "hashing", len(modules))
	defer bar.Clear()
	r.Progress = bar.Tick()
	return batch.Leaves(cmd.Context(), modules, positions, r, copies)
}

// writeOne writes the only output of a command.
func writeOne(path string, write func(io.Writer) error) error {
	return withOutputs(func(outputs *output.Set) error {
		return outputs.CreateFile(path, write)
	})
}

// withOutputs commits what stage has staged, or discards it if there was an error.
func withOutputs(stage func(*output.Set) error) error {
	var outputs output.Set
	if err := stage(&outputs); err != nil {
		return errors.Join(err, outputs.Discard())
	}
	return outputs.Commit()
}
