// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli/output"
	"rules_modhash/tools/merkle/tree"
)

// proofOptions are the arguments of modhash proof.
type proofOptions struct {
	tree, out    string
	installPaths []string
}

func newProof(dir directory) *cobra.Command {
	o := &proofOptions{}
	cmd := &cobra.Command{
		Use:   "proof --tree FILE --out DIR [--install-path PATH]...",
		Short: "Write the proofs of a tree's modules",
		Long: `Write the proofs of all modules of a tree, or of the named ones, to DIR, one file per
module (proto ModuleProof, INSTALL PATH.proof.pb). The modules are not needed.` + exitCodesHelp,
		Example: `  modhash tree --out tree.pb /lib/modules/$(uname -r)
  modhash proof --tree tree.pb --out proofs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.tree == "" || o.out == "" {
				return errors.New("--tree and --out are required")
			}
			return runProof(cmd, o)
		},
	}
	dir.pathVar(cmd.Flags(), &o.tree, "tree", "file written by modhash tree --out (required)")
	dir.pathVar(cmd.Flags(), &o.out, "out", "directory for the proofs, empty or new (required)")
	cmd.Flags().StringArrayVar(&o.installPaths, "install-path", nil,
		"only the proof of this module (repeatable)")
	return cmd
}

func runProof(cmd *cobra.Command, o *proofOptions) error {
	tree, err := readTree(o.tree)
	if err != nil {
		return err
	}
	leaves := tree.Leaves
	if len(o.installPaths) > 0 {
		if leaves, err = named(tree, o.tree, o.installPaths); err != nil {
			return err
		}
	}
	return withOutputs(func(outputs *output.Set) error {
		return writeProofs(cmd, tree, leaves, o.out, outputs)
	})
}

// named returns the leaves with the given install paths.
func named(t *tree.Tree, file string, installPaths []string) ([]tree.Leaf, error) {
	var leaves []tree.Leaf
	seen := map[string]bool{}
	for _, path := range installPaths {
		if seen[path] {
			return nil, fmt.Errorf("--install-path %s is given twice", path)
		}
		seen[path] = true
		l, ok := t.Find(path)
		if !ok {
			return nil, fmt.Errorf("%s has no module with the install path %q", file, path)
		}
		leaves = append(leaves, l)
	}
	return leaves, nil
}

// readTree reads a ModuleTree file. Errors name the file.
func readTree(file string) (*tree.Tree, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	tree, err := tree.DecodeTree(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return tree, nil
}
