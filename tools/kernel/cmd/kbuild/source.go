// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/kernel/action"
)

func newSource() *cobra.Command {
	o := &action.Source{}
	cmd := &cobra.Command{
		Use:   "source --archive FILE --out FILE [--patch FILE]...",
		Short: "Unpack and patch a kernel source archive",
		Long: `Unpack a source archive as kernel.org and distributions publish it, apply patches in order
(patch -p1), and pack it for the other subcommands. A patch that does not apply exactly is an
error.`,
		Example: `  kbuild source --archive linux-7.2.12.tar.xz --patch 0001.patch --out source.tar.zst`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Archive, "archive", "", "tar, compressed by xz, gzip or zstd, with one directory at its top")
	flags.StringArrayVar(&o.Patches, "patch", nil, "patch to apply")
	flags.StringVar(&o.Out, "out", "", "file to write")
	registerLabel(cmd, &o.Label)
	cli.Require(cmd, "archive", "out")
	return cmd
}
