// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli/output"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/tree"
)

// positionsOptions are the arguments of modhash positions.
type positionsOptions struct {
	order         orderFlags
	modules, outs []string
	shardSize     int
}

func newPositions(dir directory) *cobra.Command {
	o := &positionsOptions{}
	cmd := &cobra.Command{
		Use:   "positions --order FILE --shard-size N (--module MESSAGE)... (--out FILE)...",
		Short: "Extract the positions of modules from a modules.order, by shard",
		Long: `Write the positions that a modules.order gives to modules (proto ModulePositions), for
modhash leaf --positions: those of the first N to the first FILE, of the next N to the next
FILE, and so on. The file of a shard changes only if its positions change: a build does not
hash a shard again if only other parts of the order change. With --append-unlisted, give all
modules of the tree.` + exitCodesHelp,
		Example: `  modhash positions --order /lib/modules/$(uname -r)/modules.order --shard-size 1 --module '{"install_path":"kernel/fs/ext4/ext4.ko"}' --out ext4.positions.pb`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return withOutputs(o.write)
		},
	}
	flags := cmd.Flags()
	o.order.register(cmd, dir, "modules.order that gives the positions (required)")
	flags.StringArrayVar(&o.modules, "module", nil, moduleUsage)
	flags.IntVar(&o.shardSize, "shard-size", 0, "modules of one file (required)")
	dir.pathArrayVar(flags, &o.outs, "out", "file for the positions of a shard (repeatable)")
	return cmd
}

func (o *positionsOptions) check() error {
	if o.order.file == "" {
		return errors.New("--order is required")
	}
	if o.shardSize < 1 {
		return fmt.Errorf("--shard-size is %d, want at least 1", o.shardSize)
	}
	if want := (len(o.modules) + o.shardSize - 1) / o.shardSize; len(o.outs) != want {
		return fmt.Errorf("--out is given %d times, want %d times, for %d modules in shards of %d",
			len(o.outs), want, len(o.modules), o.shardSize)
	}
	return nil
}

// write stages a file for each shard.
func (o *positionsOptions) write(outputs *output.Set) error {
	inputs, err := parseModules(o.modules)
	if err != nil {
		return err
	}
	declared := make([]modules.Module, len(inputs))
	for i, input := range inputs {
		declared[i] = modules.Module{File: input.InstallPath, InstallPath: input.InstallPath, Label: input.Label}
	}
	order, err := o.order.read(declared)
	if err != nil {
		return err
	}
	positions, err := order.Arrange(declared, false)
	if err != nil {
		return err
	}
	for i, out := range o.outs {
		shard := map[string]uint32{}
		for j := i * o.shardSize; j < min((i+1)*o.shardSize, len(declared)); j++ {
			shard[declared[j].InstallPath] = positions[j]
		}
		data, err := tree.EncodePositions(shard)
		if err != nil {
			return err
		}
		if err := outputs.WriteFile(out, data); err != nil {
			return err
		}
	}
	return nil
}

// readPositions returns the positions that a ModulePositions file gives to modules, all of
// which it must have, and no other ones.
func readPositions(file string, modules []modules.Module) ([]uint32, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	byPath, err := tree.DecodePositions(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	positions := make([]uint32, len(modules))
	for i, m := range modules {
		position, ok := byPath[m.InstallPath]
		if !ok {
			return nil, fmt.Errorf("%s has no position for %s (install path %s)", file, m, m.InstallPath)
		}
		positions[i] = position
	}
	if len(byPath) != len(modules) {
		return nil, fmt.Errorf("%s has %d positions, but %d modules were given", file, len(byPath), len(modules))
	}
	return positions, nil
}
