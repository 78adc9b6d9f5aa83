// SPDX-License-Identifier: Apache-2.0

// Command modhash hashes Linux kernel modules into a tree, writes the root for
// vmlinux to carry, appends to each module the proof that it belongs, and checks
// all of it again: the build side of CONFIG_MODULE_HASHES.
//
// Every subcommand has a --help with an example. Exit codes: 0 done, 1 a check
// failed (verify, inspect, audit) or there is a difference (diff), 2 the command could not be carried out.
package main

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
)

const exitCodesHelp = `

Exit codes: 0 done; 2 wrong usage, or input that cannot be read or accepted. Then
nothing is written.`

const checkExitCodesHelp = `

Exit codes: 0 every module passed; 1 at least one did not; 2 wrong usage, or a file
that cannot be read.`

func main() {
	signals := cli.Signals{SecondEnds: true} // the first one makes the command clean up
	if len(os.Args) == 2 && os.Args[1] == workerFlag {
		ctx, _ := signals.Context()
		stdout := os.Stdout
		// Nothing but responses may come out there, whoever prints what.
		os.Stdout = os.Stderr
		os.Exit(serve(ctx, os.Stdin, stdout, os.Stderr))
	}
	cli.Program{
		Command: func() *cobra.Command { return newProgram("", os.Stdout, os.Stderr) },
		Signals: signals,
	}.Main()
}

// newProgram returns the command with command completion.
func newProgram(dir directory, stdout, stderr io.Writer) *cobra.Command {
	root := newRoot(dir, stdout, stderr)
	addCompletion(root)
	return root
}

// newRoot returns the command with all its subcommands. Relative paths begin at dir.
func newRoot(dir directory, stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "modhash",
		Short: "Hash kernel modules into a tree, prove and check that they belong to it",
		Long: `modhash makes the integrity of Linux kernel modules keyless and reproducible
(CONFIG_MODULE_HASHES): it hashes every module, builds a Merkle tree over the hashes,
writes the root that vmlinux carries, and appends to each module the proof that it
belongs to the tree, in place of a signature.

Every command accepts @FILE, which stands for the lines of FILE, one argument per line,
without quoting. An argument with // in it is a build label, and is not expanded.

modhash completion SHELL prints a script with which bash, zsh, fish or powershell completes
commands and flags.

With --persistent_worker as its only argument, modhash is a persistent worker for Bazel: it
runs several command lines, also at the same time.` + exitCodesHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no subcommand given, see modhash --help")
		},
	}
	addVersion(root)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(
		newPositions(dir), newLeaf(dir), newTree(dir), newProof(dir), newSeal(dir), newUnseal(dir),
		newInspect(dir), newRootCommand(dir), newVerify(dir),
		newAttest(dir), newReport(dir), newDiff(), newAudit(),
		newImage(dir), newPolicy(dir),
	)
	return root
}
