// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/kernel/action"
)

func newBuild() *cobra.Command {
	o := &action.Build{}
	cmd := &cobra.Command{
		Use:   "build --source FILE --config FILE [--module PATH=FILE]... --vmlinux FILE ...",
		Short: "Build a kernel and its modules, before their root is known",
		Long: `Build vmlinux and all modules of a configuration. A kernel with CONFIG_MODULE_HASHES gets the root
of the empty tree, which kbuild link replaces. The built modules must be exactly the
named ones.`,
		Example: `  kbuild build --source source.tar.zst --config .config --module drivers/net/dummy.ko=dummy.ko \
    --vmlinux vmlinux --objects objects.tar.zst --devel devel.tar.zst`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Summary = cmd.ErrOrStderr()
			return o.Run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Source, "source", "", "source tree, as kbuild source writes it")
	flags.StringVar(&o.Config, "config", "", "configuration, as kbuild config writes it")
	flags.StringArrayVar(&o.Modules, "module", nil, "`PATH=FILE`: an in-tree module, and the file to write it to")
	flags.StringVar(&o.Strip, "strip", action.StripDebug, "debug: strip modules of debug information; none")
	registerSupplied(flags, &o.Supplied)
	registerOutputs(cmd, &o.Outputs)
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "source", "config")
	return cmd
}

func registerOutputs(cmd *cobra.Command, out *action.Outputs) {
	registerKernelOutputs(cmd, out)
	flags := cmd.Flags()
	flags.StringVar(&out.Symvers, "symvers", "", "write Module.symvers")
	flags.StringVar(&out.Order, "modules-order", "", "write modules.order")
	flags.StringVar(&out.Release, "release", "", "write the kernel's release, as uname -r prints it")
	flags.StringVar(&out.SignFile, "sign-file", "", "write the program scripts/sign-file")
	flags.StringVar(&out.Devel, "devel", "", "write the files for building further modules, for kbuild module")
}

// registerKernelOutputs adds the flags for what is about vmlinux alone.
func registerKernelOutputs(cmd *cobra.Command, out *action.Outputs) {
	flags := cmd.Flags()
	flags.StringVar(&out.Vmlinux, "vmlinux", "", "write vmlinux")
	flags.StringVar(&out.VmlinuxUnstripped, "vmlinux-unstripped", "", "write vmlinux.unstripped")
	flags.StringVar(&out.SystemMap, "system-map", "", "write System.map")
	flags.StringVar(&out.Builtin, "modules-builtin", "", "write modules.builtin")
	flags.StringVar(&out.BuiltinInfo, "modules-builtin-modinfo", "", "write modules.builtin.modinfo")
	flags.StringVar(&out.Objects, "objects", "", "write the object tree, for kbuild link")
	flags.StringVar(&out.Log, "log", "", "write the output of Kbuild")
}
