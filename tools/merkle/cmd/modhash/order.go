// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/tree"
)

// orderFlags are the flags of commands that give all modules of a tree their positions.
type orderFlags struct {
	file           string
	appendUnlisted bool
}

func (f *orderFlags) register(cmd *cobra.Command, dir directory, usage string) {
	dir.pathVar(cmd.Flags(), &f.file, "order", usage)
	cmd.Flags().BoolVar(&f.appendUnlisted, "append-unlisted", false,
		"put modules that --order does not list after the listed ones, bytewise by install path, "+
			"such as out-of-tree modules (default: an error)")
}

func (f *orderFlags) check() error {
	if f.appendUnlisted && f.file == "" {
		return errors.New("--append-unlisted needs --order")
	}
	return nil
}

// read returns the order of modules, which are all of the tree.
func (f *orderFlags) read(all []modules.Module) (*modules.Order, error) {
	order, err := modules.ReadOrderFile(f.file)
	if err == nil && f.appendUnlisted {
		order.Extend(all)
	}
	return order, err
}

// checkPositions compares the positions of leaves, which are all of the tree, with the order.
func (f *orderFlags) checkPositions(leaves []tree.Leaf) error {
	all := make([]modules.Module, len(leaves))
	for i, l := range leaves {
		all[i] = modules.Module{File: l.InstallPath, InstallPath: l.InstallPath, Label: l.Label}
	}
	order, err := f.read(all)
	if err != nil {
		return err
	}
	positions, err := order.Arrange(all, true)
	if err != nil {
		return err
	}
	for i, l := range leaves {
		if positions[i] != l.Position {
			return fmt.Errorf("%s was hashed for position %d, but %s gives it position %d",
				l, l.Position, order.Name(), positions[i])
		}
	}
	return nil
}
