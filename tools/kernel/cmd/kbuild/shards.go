// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/kernel/action"
)

// What several subcommands of a kernel in shards read.
const (
	preparedUsage      = "what kbuild prepare wrote"
	configurationUsage = "what kbuild config wrote with --configuration"
)

func newSplit() *cobra.Command {
	o := &action.Split{}
	cmd := &cobra.Command{
		Use:   "split --source FILE --configuration FILE --shard NAME=FILE... --prepare FILE --link FILE --finish FILE",
		Short: "Cut a source tree into the parts that the actions of a kernel build read",
		Long: `Cut a source tree into shards. A shard is named by a directory of the tree, and has all directories
below it that no shard with a longer name has; one of the names is ".". Each archive has the files that the
action may read, so that a changed file changes the archives of those actions only. With options that need the
whole kernel at once, such as CONFIG_LTO_CLANG, the link gets the whole source, and shards get nothing.`,
		Example: `  kbuild split --source source.tar.zst --configuration config.tar.zst --shard .=rest.tar.zst \
    --shard drivers/net=net.tar.zst --prepare prepare.tar.zst --link link.tar.zst --finish finish.tar.zst`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Notes = cmd.ErrOrStderr()
			return o.Run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Source, "source", "", "source tree, as kbuild source writes it")
	flags.StringVar(&o.Configuration, "configuration", "", configurationUsage)
	flags.StringArrayVar(&o.Shards, "shard", nil, "`NAME=FILE`: a shard, and the file to write for kbuild compile")
	flags.StringVar(&o.Prepare, "prepare", "", "write the source tree for kbuild prepare")
	flags.StringVar(&o.Link, "link", "", "write the source tree for kbuild blank, modpost, link and overwrite")
	flags.StringVar(&o.Finish, "finish", "", "write the source tree for kbuild finish")
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "source", "configuration", "shard", "prepare", "link", "finish")
	return cmd
}

func newPrepare() *cobra.Command {
	o := &action.Prepare{}
	cmd := &cobra.Command{
		Use:   "prepare --source FILE --configuration FILE --out FILE",
		Short: "Make the programs and headers that a kernel build needs first",
		Long: `Run make prepare and modules_prepare, and write down the variables of the root Makefile. The result
has nothing of the configuration itself, so it is the same for configurations that differ in drivers only.`,
		Example: `  kbuild prepare --source prepare.tar.zst --configuration config.tar.zst --out prepared.tar.zst`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Source, "source", "", "source tree, as kbuild split writes it with --prepare")
	flags.StringVar(&o.Configuration, "configuration", "", configurationUsage)
	flags.StringVar(&o.Out, "out", "", "file to write")
	flags.StringVar(&o.Release, "release", "", "write the kernel's release, as uname -r prints it")
	flags.StringVar(&o.SignFile, "sign-file", "", "write the program scripts/sign-file")
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "source", "configuration", "out")
	return cmd
}

func newCompile() *cobra.Command {
	o := &action.Compile{}
	cmd := &cobra.Command{
		Use:   "compile --prepared FILE --source FILE --name NAME --builtin FILE --modules FILE --symbols FILE --log FILE",
		Short: "Compile one shard of a kernel",
		Long: `Compile the objects of a shard's directories. What is built in, what modules are linked of, and what
modpost reads of them come apart: a changed driver then leaves the link of vmlinux as it is.`,
		Example: `  kbuild compile --prepared prepared.tar.zst --source net.tar.zst --name drivers/net --builtin net.builtin.tar.zst \
    --modules net.modules.tar.zst --symbols net.symbols.tar.zst --log net.log`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Summary = cmd.ErrOrStderr()
			return o.Run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Prepared, "prepared", "", preparedUsage)
	flags.StringVar(&o.Shard, "source", "", "source tree, as kbuild split writes it with --shard")
	flags.StringVar(&o.Name, "name", "", "the shard's `NAME`, which messages have")
	registerSupplied(flags, &o.Supplied)
	flags.StringVar(&o.Builtin, "builtin", "", "write what vmlinux is linked of")
	flags.StringVar(&o.Modules, "modules", "", "write the objects of modules, for kbuild finish")
	flags.StringVar(&o.Symbols, "symbols", "", "write the symbols of modules, for kbuild modpost")
	flags.StringVar(&o.Log, "log", "", "write the output of Kbuild")
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "prepared", "source", "name", "builtin", "modules", "symbols", "log")
	return cmd
}

func newBlank() *cobra.Command {
	o := &action.Blank{}
	cmd := &cobra.Command{
		Use:   "blank --prepared FILE --configuration FILE --source FILE --shard FILE... --vmlinux FILE ...",
		Short: "Link vmlinux of shards, before the root of its modules is known",
		Long: `Link vmlinux and make the boot image of what kbuild compile wrote. A kernel with CONFIG_MODULE_HASHES
gets the root of the empty tree, which kbuild link replaces.`,
		Example: `  kbuild blank --prepared prepared.tar.zst --configuration config.tar.zst --source link.tar.zst \
    --shard net.builtin.tar.zst --shard rest.builtin.tar.zst --vmlinux vmlinux --vmlinux-unstripped vmlinux.unstripped \
    --objects objects.tar.zst --symbols vmlinux.symbols.tar.zst --log build.log`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Summary = cmd.ErrOrStderr()
			return o.Run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Prepared, "prepared", "", preparedUsage)
	flags.StringVar(&o.Configuration, "configuration", "", configurationUsage)
	flags.StringVar(&o.Source, "source", "", "source tree, as kbuild split writes it with --link")
	flags.StringArrayVar(&o.Shards, "shard", nil, "what kbuild compile wrote with --builtin")
	registerSupplied(flags, &o.Supplied)
	flags.StringVar(&o.Symbols, "symbols", "", "write the symbols of vmlinux, for kbuild modpost")
	flags.StringVar(&o.Types, "types", "", "write the types of vmlinux, for kbuild finish")
	registerKernelOutputs(cmd, &o.Outputs)
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "prepared", "configuration", "source", "shard", "symbols", "objects", "log")
	return cmd
}

func newModpost() *cobra.Command {
	o := &action.Modpost{}
	cmd := &cobra.Command{
		Use:   "modpost --prepared FILE --configuration FILE --source FILE --kernel FILE --shard FILE... [--declared PATH]... ...",
		Short: "Check the symbols of all modules, and write what is linked to each",
		Long: `Run modpost over the symbols of vmlinux and of all modules. The modules must be exactly the declared
ones.`,
		Example: `  kbuild modpost --prepared prepared.tar.zst --configuration config.tar.zst --source link.tar.zst \
    --kernel vmlinux.symbols.tar.zst --shard net.symbols.tar.zst --declared drivers/net/dummy.ko \
    --finish drivers/net=net.modpost.tar.zst --symvers Module.symvers --modules-order modules.order --log modpost.log`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Prepared, "prepared", "", preparedUsage)
	flags.StringVar(&o.Configuration, "configuration", "", configurationUsage)
	flags.StringVar(&o.Source, "source", "", "source tree, as kbuild split writes it with --link")
	flags.StringVar(&o.Kernel, "kernel", "", "what kbuild blank wrote with --symbols")
	flags.StringArrayVar(&o.Shards, "shard", nil, "what kbuild compile wrote with --symbols")
	flags.StringArrayVar(&o.Modules, "declared", nil, "an in-tree module, as its `PATH` in the tree")
	flags.StringArrayVar(&o.Finish, "finish", nil, "`NAME=FILE`: a shard, and the file to write for kbuild finish")
	flags.StringVar(&o.Symvers, "symvers", "", "write Module.symvers")
	flags.StringVar(&o.Order, "modules-order", "", "write modules.order")
	flags.StringVar(&o.Log, "log", "", "write the output of Kbuild")
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "prepared", "configuration", "source", "kernel", "shard", "symvers", "modules-order", "log")
	return cmd
}

func newFinish() *cobra.Command {
	o := &action.Finish{}
	cmd := &cobra.Command{
		Use:   "finish --prepared FILE --source FILE --objects FILE --modpost FILE --name NAME --module PATH=FILE... --log FILE",
		Short: "Link the modules of a shard",
		Long:  `Link the modules of a shard, add their types (BTF), and strip them.`,
		Example: `  kbuild finish --prepared prepared.tar.zst --source finish.tar.zst --objects net.modules.tar.zst \
    --modpost net.modpost.tar.zst --name drivers/net --module drivers/net/dummy.ko=dummy.ko --log net.finish.log`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Prepared, "prepared", "", preparedUsage)
	flags.StringVar(&o.Source, "source", "", "source tree, as kbuild split writes it with --finish")
	flags.StringVar(&o.Objects, "objects", "", "what kbuild compile wrote with --modules")
	flags.StringVar(&o.Modpost, "modpost", "", "what kbuild modpost wrote with --finish")
	flags.StringVar(&o.Name, "name", "", "the shard's `NAME`, which messages have")
	flags.StringVar(&o.Types, "types", "", "what kbuild blank wrote with --types, for modules with BTF")
	flags.StringVar(&o.Strip, "strip", action.StripDebug, "debug: strip modules of debug information; none")
	flags.StringArrayVar(&o.Modules, "module", nil, "`PATH=FILE`: an in-tree module, and the file to write it to")
	flags.StringVar(&o.Log, "log", "", "write the output of Kbuild")
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "prepared", "source", "objects", "modpost", "name", "module", "log")
	return cmd
}

func newDevel() *cobra.Command {
	o := &action.Devel{}
	cmd := &cobra.Command{
		Use:     "devel --source FILE --prepared FILE --configuration FILE --symvers FILE --out FILE",
		Short:   "Pack the files for building out-of-tree modules",
		Long:    `Pack the files for building out-of-tree modules, for kbuild module.`,
		Example: `  kbuild devel --source prepare.tar.zst --prepared prepared.tar.zst --configuration config.tar.zst --symvers Module.symvers --out devel.tar.zst`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Source, "source", "", "source tree, as kbuild split writes it with --prepare")
	flags.StringVar(&o.Prepared, "prepared", "", preparedUsage)
	flags.StringVar(&o.Configuration, "configuration", "", configurationUsage)
	flags.StringVar(&o.Symvers, "symvers", "", "Module.symvers")
	flags.StringVar(&o.Vmlinux, "vmlinux", "", "vmlinux, for modules with BTF")
	flags.StringVar(&o.Out, "out", "", "file to write")
	registerCommon(cmd, &o.Common)
	cli.Require(cmd, "source", "prepared", "configuration", "symvers", "out")
	return cmd
}
