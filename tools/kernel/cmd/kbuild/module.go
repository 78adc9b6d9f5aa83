// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/kernel/action"
)

func newModule() *cobra.Command {
	o := &action.Module{}
	cmd := &cobra.Command{
		Use:   "module --devel FILE --name NAME --src PATH=FILE... --out FILE",
		Short: "Build one module for an existing kernel build",
		Long: `Build one module from C and assembler sources. kbuild writes its Kbuild file, unless one is given.
Sources are at their PATHs in a separate directory, and include each other by these paths.`,
		Example: `  kbuild module --devel devel.tar.zst --name hello --src hello.c=hello.c --out hello.ko`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Devel, "devel", "", "file written by kbuild build --devel")
	flags.StringVar(&o.Name, "name", "", "the module's name, without .ko")
	flags.StringVar(&o.Dir, "dir", ".", "directory of the module, a prefix of its sources' paths")
	flags.StringArrayVar(&o.Sources, "src", nil, "`PATH=FILE`: a source file or header")
	flags.StringArrayVar(&o.Textual, "textual", nil, "`PATH=FILE`: a file that a source includes, not compiled separately")
	flags.StringVar(&o.Kbuild, "kbuild", "", "the Kbuild file; default: one that builds all sources into one module")
	flags.StringArrayVar(&o.Includes, "include", nil, "include directory, as in PATH")
	flags.StringArrayVar(&o.Copts, "copt", nil, "option for the compiler")
	flags.StringArrayVar(&o.Symvers, "symvers", nil, "Module.symvers of a module whose symbols this module uses")
	flags.StringVar(&o.Strip, "strip", action.StripDebug, "debug: strip the module of debug information; none")
	flags.StringVar(&o.Out, "out", "", "file for the module")
	flags.StringVar(&o.SymversOut, "symvers-out", "", "write the module's Module.symvers")
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "devel", "name", "src", "out")
	return cmd
}
