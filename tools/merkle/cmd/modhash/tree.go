// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/cli/output"
	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/root/object"
	"rules_modhash/tools/merkle/tree"
)

// treeOptions are the arguments of modhash tree.
type treeOptions struct {
	inputs     inputFlags
	how        readingFlags
	order      orderFlags
	out        string
	rootObject string
	proofs     string
	seal       string
	leaves     []string
	quiet      bool

	sources []modules.Source
	reading batch.Reading
}

func newTree(dir directory) *cobra.Command {
	o := &treeOptions{inputs: inputFlags{dir: dir}}
	cmd := &cobra.Command{
		Use:   "tree [--out FILE] [--root-object FILE] [--proofs DIR] [--seal DIR] PATH...",
		Short: "Build the tree over modules: root, root object, proofs, sealed modules",
		Long: `Build the tree over modules, print its root, and write the requested outputs: the tree
(proto ModuleTree), the object file with the root for vmlinux, one proof per module (proto
ModuleProof, INSTALL PATH.proof.pb), sealed copies of the modules.

The order is that of the modules.order in --order (one .o or .ko path per line, as Kbuild
writes it; every line must have its module and, without --append-unlisted, every module its
line), by default the bytewise order of install paths. With --leaves, modhash builds the
tree from the files that modhash leaf wrote; they determine the positions, --order only
checks them, and the flags for reading modules have no effect.` + inputsHelp + exitCodesHelp,
		Example: `  modhash tree --out tree.pb --root-object root.o --seal sealed /lib/modules/$(uname -r)`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.parse(args); err != nil {
				return err
			}
			return withOutputs(func(outputs *output.Set) error { return runTree(cmd, o, outputs) })
		},
	}
	o.inputs.register(cmd)
	o.inputs.registerExisting(cmd)
	o.inputs.registerAllowEmpty(cmd)
	o.how.register(cmd)
	o.how.registerMachine(cmd)
	flags := cmd.Flags()
	o.order.register(cmd, dir, "modules.order that gives the positions")
	dir.pathVar(flags, &o.out, "out", "file for the tree")
	dir.pathVar(flags, &o.rootObject, "root-object", "file for the ELF object with the root")
	dir.pathVar(flags, &o.proofs, "proofs", "directory for the proofs, empty or new")
	dir.pathVar(flags, &o.seal, "seal", "directory for sealed modules, empty or new")
	dir.pathArrayVar(flags, &o.leaves, "leaves",
		"file written by modhash leaf, instead of modules (repeatable)")
	flags.BoolVar(&o.quiet, "quiet", false, "do not print the root")
	return cmd
}

func (o *treeOptions) parse(args []string) (err error) {
	if err := o.order.check(); err != nil {
		return err
	}
	if o.reading, err = o.how.reading(); err != nil {
		return err
	}
	if len(o.leaves) == 0 {
		o.sources, err = o.inputs.required(args)
		return err
	}
	if o.seal != "" {
		return errors.New("--seal needs the modules, not --leaves: seal them with modhash seal --tree")
	}
	if o.sources, err = o.inputs.sources(args); err == nil && len(o.sources) > 0 {
		err = errors.New("modules and --leaves are given: use one of them")
	}
	return err
}

func runTree(cmd *cobra.Command, o *treeOptions, outputs *output.Set) error {
	var copies *output.Dir
	if o.seal != "" {
		var err error
		if copies, err = outputs.Dir(o.seal); err != nil {
			return err
		}
	}
	leaves, err := o.collect(cmd, copies)
	if err != nil {
		return err
	}
	tree, err := tree.New(leaves)
	if err != nil {
		return err
	}
	if copies != nil {
		if err := batch.AppendProofs(cmd.Context(), tree, copies); err != nil {
			return err
		}
	}
	if err := o.write(cmd, tree, outputs); err != nil {
		return err
	}
	if o.quiet {
		return nil
	}
	root := tree.Root()
	fmt.Fprintf(cmd.OutOrStdout(), "modules %d\nlevels  %d\nroot    %s\n", tree.Len(), root.Levels, root.Hash)
	return nil
}

// collect returns the leaves of the tree, from modules or from leaves files.
func (o *treeOptions) collect(cmd *cobra.Command, copies *output.Dir) ([]tree.Leaf, error) {
	if len(o.leaves) > 0 {
		return o.readLeaves()
	}
	given, err := collect(cmd, o.sources)
	if err != nil {
		return nil, err
	}
	modules.Sort(given)
	positions := consecutive(0, len(given))
	if o.order.file != "" {
		order, err := o.order.read(given)
		if err != nil {
			return nil, err
		}
		if positions, err = order.Arrange(given, true); err != nil {
			return nil, err
		}
	}
	return o.hash(cmd, given, positions, copies)
}

func (o *treeOptions) hash(
	cmd *cobra.Command, modules []modules.Module, positions []uint32, copies *output.Dir,
) ([]tree.Leaf, error) {
	leaves, err := hashModules(cmd, modules, positions, o.reading, copies)
	if err == nil && len(leaves) > 0 && o.reading.Target == (arch.Target{}) {
		o.reading.Target = leaves[0].Target
	}
	return leaves, err
}

// readLeaves reads the files of modhash leaf. A leaf without a label is named by its
// file in messages.
func (o *treeOptions) readLeaves() ([]tree.Leaf, error) {
	var leaves []tree.Leaf
	for _, file := range o.leaves {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		shard, err := tree.DecodeLeaves(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, l := range shard {
			if l.Label == "" {
				l.Label = file
			}
			leaves = append(leaves, l)
		}
	}
	tree.Sort(leaves)
	return leaves, o.checkLeaves(leaves)
}

// checkLeaves checks targets, and names if there is an order.
func (o *treeOptions) checkLeaves(leaves []tree.Leaf) error {
	err := batch.CheckTargets(leaves, o.reading.Target, func(i int) string { return leaves[i].String() })
	if err != nil {
		return err
	}
	for _, l := range leaves {
		if o.reading.Target == (arch.Target{}) {
			o.reading.Target = l.Target
		}
	}
	if o.order.file == "" {
		return nil
	}
	return o.order.checkPositions(leaves)
}

// write stages the outputs that follow from the tree.
func (o *treeOptions) write(cmd *cobra.Command, built *tree.Tree, outputs *output.Set) error {
	if o.out != "" {
		data, err := tree.EncodeTree(built)
		if err != nil {
			return err
		}
		if err := outputs.WriteFile(o.out, data); err != nil {
			return err
		}
	}
	if o.rootObject != "" {
		if err := o.writeRootObject(built, outputs); err != nil {
			return err
		}
	}
	if o.proofs == "" {
		return nil
	}
	return writeProofs(cmd, built, built.Leaves, o.proofs, outputs)
}

func (o *treeOptions) writeRootObject(tree *tree.Tree, outputs *output.Set) error {
	if o.reading.Target == (arch.Target{}) {
		return fmt.Errorf("--root-object needs --machine (%s): no module determines it", arch.Names())
	}
	machine, err := object.ArchitectureOf(o.reading.Target)
	if err != nil {
		return err
	}
	object, err := object.Write(machine, tree.Root())
	if err != nil {
		return err
	}
	return outputs.WriteFile(o.rootObject, object)
}

// writeProofs stages a directory with the proofs of leaves.
func writeProofs(
	cmd *cobra.Command, tree *tree.Tree, leaves []tree.Leaf, path string, outputs *output.Set,
) error {
	dir, err := outputs.Dir(path)
	if err != nil {
		return err
	}
	return batch.WriteProofs(cmd.Context(), tree, leaves, dir)
}
