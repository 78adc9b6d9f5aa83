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
		Use:   "source {--archive FILE | --tree FILE --tree-kconfig FILE | --src FILE...} --out FILE --kconfig FILE [--patch FILE]...",
		Short: "Pack and patch kernel source",
		Long: `Pack kernel source for the other subcommands, with patches applied in order (patch -p1): a source
archive as kernel.org and distributions publish it, what this command has written before, or the
files of an unpacked tree. A patch that does not apply exactly is an error. The result depends on
the files alone, not on which of these it was made of.

Of a tree that this command has written, only the parts that the patches change are compressed again.`,
		Example: `  kbuild source --archive linux-7.2.12.tar.xz --patch 0001.patch --out source.tar.zst --kconfig kconfig.tar.zst
  kbuild source --tree source.tar.zst --tree-kconfig kconfig.tar.zst --patch 0002.patch --out patched.tar.zst --kconfig patched_kconfig.tar.zst`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Archive, "archive", "", "tar, compressed by xz, gzip or zstd, with one directory at its top")
	flags.StringVar(&o.Tree, "tree", "", "tree that this command has written with --out")
	flags.StringVar(&o.TreeKconfig, "tree-kconfig", "", "what the same command has written with --kconfig")
	flags.StringArrayVar(&o.Files.Paths, "src", nil, "file of an unpacked tree")
	flags.StringArrayVar(&o.Files.Tops, "top", []string{"."}, "`DIRECTORY` that is the top of the unpacked tree, or one of several")
	flags.StringVar(&o.Files.Listing, "listing", "", "`FILE` with the executable files and symbolic links of the unpacked tree, instead of those of the file system")
	flags.StringArrayVar(&o.Patches, "patch", nil, "patch to apply")
	flags.StringVar(&o.Out, "out", "", "file to write")
	flags.StringVar(&o.Kconfig, "kconfig", "", "file to write, with the files that a configuration may depend on, for kbuild config")
	registerLabel(cmd, &o.Label)
	cmd.MarkFlagsOneRequired("archive", "tree", "src")
	cmd.MarkFlagsMutuallyExclusive("archive", "tree", "src")
	cmd.MarkFlagsRequiredTogether("tree", "tree-kconfig")
	cli.Require(cmd, "out", "kconfig")
	return cmd
}
