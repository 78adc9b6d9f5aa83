// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/kernel/action"
)

func newModules() *cobra.Command {
	o := &action.Modules{}
	cmd := &cobra.Command{
		Use:   "modules --source FILE --config FILE --out FILE",
		Short: "List the modules of a configuration, without building them",
		Long: `Write the list of modules that Kbuild builds from a source tree and a configuration, as a .bzl
file for the attribute modules of kernel_build. kbuild reads the Kbuild files, as Gazelle does, and
builds nothing. What these files do not decide is printed, and is a comment in the list.`,
		Example: `  kbuild modules --source source.tar.zst --config .config --out modules.bzl`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Source, "source", "", "source tree, as kbuild source writes it")
	flags.StringVar(&o.Config, "config", "", "configuration, as kbuild config writes it")
	flags.StringVar(&o.Out, "out", "", "file to write")
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "source", "config", "out")
	return cmd
}
