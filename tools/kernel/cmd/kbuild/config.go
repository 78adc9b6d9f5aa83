// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/kernel/action"
)

func newConfig() *cobra.Command {
	o := &action.Config{}
	cmd := &cobra.Command{
		Use:   "config --source FILE (--base TARGET | --base-file FILE) --out FILE [--fragment FILE]...",
		Short: "Make a kernel configuration",
		Long: `Make a configuration from a base and fragments, with the defaults of Kconfig for all options
that they do not set. An option of a fragment that does not take effect is an error, and so is an
option of a base file that needs a program which is missing. Other options of a base file that did
not stay are printed, if fragments do not explain them.`,
		Example: `  kbuild config --source kconfig.tar.zst --base tinyconfig --fragment net.config --out .config`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Source, "source", "", "source tree, as kbuild source writes it with --kconfig")
	flags.StringVar(&o.Base, "base", "", "make `TARGET` that writes a configuration, such as tinyconfig")
	flags.StringVar(&o.BaseFile, "base-file", "", "a configuration to start from")
	flags.StringArrayVar(&o.Fragments, "fragment", nil, "options to set, which override the base and earlier fragments")
	flags.StringVar(&o.Out, "out", "", "file to write")
	flags.StringVar(&o.Configuration, "configuration", "", "write what Kbuild makes of it, for kbuild split and others")
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "source", "out")
	cmd.MarkFlagsOneRequired("base", "base-file")
	cmd.MarkFlagsMutuallyExclusive("base", "base-file")
	return cmd
}

func newConfigCheck() *cobra.Command {
	o := &action.ConfigCheck{}
	cmd := &cobra.Command{
		Use:     "config-check --config FILE --fragment FILE...",
		Short:   "Check that a configuration has the options of fragments",
		Long:    "Check that a configuration has the options of fragments. Exit codes: 0 it has them, 1 options differ, 2 a file cannot be read.",
		Example: `  kbuild config-check --config /boot/config-$(uname -r) --fragment hardening.config`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			passes, err := o.Run(cmd.ErrOrStderr())
			if err == nil && !passes {
				err = cli.ErrCheckFailed
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Config, "config", "", "the configuration")
	flags.StringArrayVar(&o.Fragments, "fragment", nil, "options that it must have")
	registerLabel(cmd, &o.Label)
	cli.Require(cmd, "config", "fragment")
	return cmd
}
