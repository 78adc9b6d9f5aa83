// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/kernel/action"
)

func newDebFields() *cobra.Command {
	o := &action.DebFields{}
	cmd := &cobra.Command{
		Use:   "deb-fields --release FILE [--version-out FILE] [--script FILE --script-out FILE]",
		Short: "Write the fields of a Debian package that depend on the kernel's release",
		Long: `Write the release as a Debian version, which allows fewer characters ('_' becomes '.'), and a
maintainer script whose line release=... has the release, for packages without it in their name.`,
		Example: `  kbuild deb-fields --release kernel.release --version-out version`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Release, "release", "", "file with the kernel's release")
	flags.StringVar(&o.Version, "version-out", "", "file for the version")
	flags.StringVar(&o.Script, "script", "", "maintainer script with a line release=...")
	flags.StringVar(&o.ScriptOut, "script-out", "", "file for the script with the release in that line")
	registerLabel(cmd, &o.Label)
	cli.Require(cmd, "release")
	cmd.MarkFlagsRequiredTogether("script", "script-out")
	return cmd
}
