// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/kernel/action"
)

func newInstall() *cobra.Command {
	o := &action.Install{}
	cmd := &cobra.Command{
		Use:   "install (--sealed DIR | --module INSTALL_PATH=FILE...) --release FILE --modules-order FILE ... (--out DIR | --tar FILE)",
		Short: "Install modules as lib/modules/RELEASE",
		Long: `Write lib/modules/RELEASE, as make modules_install does: modules, plain or compressed, the lists
of Kbuild, and the output of depmod; and files such as the kernel into boot.`,
		Example: `  kbuild install --sealed sealed --release kernel.release --modules-order modules.order \
    --modules-builtin modules.builtin --modules-builtin-modinfo modules.builtin.modinfo \
    --system-map System.map --out root`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Sealed, "sealed", "", "directory with sealed modules, as modhash seal writes it")
	flags.StringArrayVar(&o.Modules, "module", nil, "`INSTALL_PATH=FILE`: a module without a proof")
	flags.StringVar(&o.Release, "release", "", "file with the kernel's release")
	flags.StringVar(&o.Order, "modules-order", "", "modules.order of the kernel build")
	flags.StringVar(&o.Builtin, "modules-builtin", "", "modules.builtin of the kernel build")
	flags.StringVar(&o.BuiltinInfo, "modules-builtin-modinfo", "", "modules.builtin.modinfo of the kernel build")
	flags.StringVar(&o.SystemMap, "system-map", "", "System.map of the kernel build")
	flags.StringVar(&o.WantRelease, "want-release", "", "fail if the kernel has another release")
	flags.StringArrayVar(&o.Boot, "boot", nil, "`NAME=FILE`: install a file as boot/NAME-RELEASE")
	flags.StringVar(&o.Prefix, "prefix", "", "parent directory of lib/modules, such as usr if /lib is a link to usr/lib")
	flags.StringVar(&o.Compression, "compression", "none", "one of "+strings.Join(action.Compressions(), ", "))
	flags.StringVar(&o.Out, "out", "", "directory to write lib/modules/RELEASE into")
	flags.StringVar(&o.Tar, "tar", "", "tar to write lib/modules/RELEASE into")
	registerLabel(cmd, &o.Label)
	cli.Require(cmd, "release", "modules-order", "modules-builtin", "modules-builtin-modinfo", "system-map")
	cmd.MarkFlagsOneRequired("sealed", "module")
	cmd.MarkFlagsMutuallyExclusive("sealed", "module")
	cmd.MarkFlagsOneRequired("out", "tar")
	cmd.MarkFlagsMutuallyExclusive("out", "tar")
	return cmd
}
