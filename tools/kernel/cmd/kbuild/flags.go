// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rules_modhash/tools/kernel/action"
	"rules_modhash/tools/kernel/kmake"
)

// registerCommon adds the flags of all subcommands that run Kbuild.
func registerCommon(cmd *cobra.Command, c *action.Common) {
	flags := cmd.Flags()
	flags.StringVar(&c.Target.Machine, "machine", "x86_64", "one of "+strings.Join(kmake.Machines(), ", "))
	flags.StringVar(&c.Target.Compiler, "compiler", "gcc", "gcc or clang")
	flags.StringVar(&c.Target.Cross, "cross", "", "`PREFIX` of the names of compiler and binary tools")
	registerLabel(cmd, &c.Label)
}

func registerLabel(cmd *cobra.Command, label *string) {
	cmd.Flags().StringVar(label, "label", "", "the `TARGET` that errors name")
}

// registerSupplied adds the flags for files that the configuration names.
func registerSupplied(flags *pflag.FlagSet, s *action.Supplied) {
	flags.StringVar(&s.Trusted, "trusted-keys", "", "PEM certificates for "+action.TrustedKeys)
	flags.StringVar(&s.Policy, "boot-policy", "", "policy of IPE for "+action.BootPolicy)
}
