// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/kernel/action"
)

func newLink() *cobra.Command {
	o := &action.Link{}
	cmd := &cobra.Command{
		Use:   "link --tree FILE... --root-object FILE --vmlinux FILE --image FILE",
		Short: "Link a kernel with the root of its modules",
		Long: `Link vmlinux again, with a root object in place of the blank one, and make its boot image. This
compiles only the parts of the boot image that depend on vmlinux.`,
		Example: `  kbuild link --tree source.tar.zst --tree objects.tar.zst --root-object root.o \
    --vmlinux vmlinux --image bzImage`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	registerLink(cmd, o)
	cli.Require(cmd, "root-object")
	return cmd
}

func newOverwrite() *cobra.Command {
	o := &action.Overwrite{}
	cmd := &cobra.Command{
		Use: "overwrite --tree FILE... --blank FILE [--root-object FILE] [--blank-policy FILE --policy FILE] " +
			"--vmlinux FILE --image FILE",
		Short: "Write the root of its modules, or a policy, into a linked kernel",
		Long: `Write the root of a root object over the blank root in vmlinux.unstripped, or a policy of IPE over the
one that was compiled in, or both, and make vmlinux and its boot image of it. Kbuild does not link again, so
the kernel keeps the build ID of the one with the blank root or policy.`,
		Example: `  kbuild overwrite --tree source.tar.zst --tree objects.tar.zst --blank vmlinux.unstripped \
    --root-object root.o --vmlinux vmlinux --image bzImage`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&o.Blank, "blank", "", "vmlinux.unstripped with the blank root, of kbuild build or blank")
	cmd.Flags().StringVar(&o.BlankPolicy, "blank-policy", "", "policy that was compiled in")
	cmd.Flags().StringVar(&o.Policy, "policy", "", "policy of the same length that takes its place")
	registerLink(cmd, &o.Link)
	cli.Require(cmd, "blank")
	cmd.MarkFlagsOneRequired("root-object", "policy")
	cmd.MarkFlagsRequiredTogether("blank-policy", "policy")
	return cmd
}

// registerLink adds the flags of what makes a kernel of linked parts and a root.
func registerLink(cmd *cobra.Command, o *action.Link) {
	flags := cmd.Flags()
	flags.StringArrayVar(&o.Trees, "tree", nil, "a tree archive, unpacked over the ones before: of kbuild source and build, or of prepare, config, split and blank")
	flags.BoolVar(&o.Shards, "shards", false, "the kernel was built in shards")
	flags.StringVar(&o.RootObject, "root-object", "", "root object written by modhash tree")
	flags.StringVar(&o.Vmlinux, "vmlinux", "", "write vmlinux")
	flags.StringVar(&o.VmlinuxUnstripped, "vmlinux-unstripped", "", "write vmlinux.unstripped")
	flags.StringVar(&o.Image, "image", "", "write the boot image")
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "tree", "vmlinux", "image")
}
