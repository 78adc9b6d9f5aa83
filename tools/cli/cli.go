// SPDX-License-Identifier: Apache-2.0

// Package cli is the skeleton of all programs: signals, parameter files, exit codes, and how errors are printed.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli/params"
)

// The exit codes, part of each program's contract.
const (
	// Done is the code of a program that did what it was asked for.
	Done = 0
	// Failed is the code of one whose check failed, or that found a difference.
	Failed = 1
	// Error is the code of one that could not be carried out.
	Error = 2
)

// ErrCheckFailed makes the exit code Failed. The command has printed what failed by then.
var ErrCheckFailed = errors.New("check failed")

// Program is a program with one command, which may have subcommands.
type Program struct {
	// Command returns the command. It prints no errors and no usage itself.
	Command func() *cobra.Command
	// Signals states what signals do.
	Signals Signals
}

// Main carries out the command line and ends the program.
func (p Program) Main() {
	ctx, stop := p.Signals.Context()
	code := Run(ctx, p.Command(), os.Args[1:])
	stop()
	os.Exit(code)
}

// Run carries out a command line, with parameter files in it, and returns the exit code.
func Run(ctx context.Context, root *cobra.Command, args []string) int {
	args, err := params.Expand(args)
	if err != nil {
		fmt.Fprintf(root.ErrOrStderr(), "%s: %v\n", root.Name(), err)
		return Error
	}
	return Execute(ctx, root, args)
}

// Execute carries out a command line without parameter files and returns the exit code. It prints an error after the
// name of the command.
func Execute(ctx context.Context, root *cobra.Command, args []string) int {
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return Done
	case errors.Is(err, ErrCheckFailed):
		return Failed
	case errors.Is(err, context.Canceled):
		err = errors.New("interrupted")
	}
	fmt.Fprintf(root.ErrOrStderr(), "%s: %v\n", cmd.CommandPath(), err)
	return Error
}

// Require marks flags of a command that cannot be left out.
func Require(cmd *cobra.Command, flags ...string) {
	for _, flag := range flags {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // the command has no such flag: the caller is wrong
		}
	}
}
