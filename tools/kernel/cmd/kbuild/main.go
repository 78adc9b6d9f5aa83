// SPDX-License-Identifier: Apache-2.0

// Command kbuild is what the kernel rules run: one subcommand an action. It unpacks what the
// action is given below one of its outputs, runs Kbuild, and takes out what is declared.
//
// Exit codes: 0 done, 1 a check failed (config-check), 2 the action could not be carried out; then
// nothing is written. A signal that ends it ends all programs that it has started, too.
package main

import (
	"errors"
	"syscall"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
)

// left is what a stopped action leaves.
const left = "its programs were ended, and nothing was written"

func main() {
	// What is unpacked and made has the same permissions whoever builds.
	syscall.Umask(0o022)
	cli.Program{Command: newRoot, Signals: cli.Signals{Left: left}}.Main()
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "kbuild",
		Short: "Build Linux kernels and modules in actions that read only their inputs",
		Long: `kbuild runs the kernel's own build system in temporary directories next to its outputs.
Subcommands exchange source and object trees as .tar.zst files. kbuild finds programs by PATH.

Every command accepts @FILE, which stands for the lines of FILE, one argument per line.`,
		Example: `  kbuild source --archive linux-7.2.12.tar.xz --patch 0001.patch --out source.tar.zst --kconfig kconfig.tar.zst
  kbuild config --source kconfig.tar.zst --base tinyconfig --fragment net.config --out .config`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no subcommand given, see kbuild --help")
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	registerJobs(root)
	root.AddCommand(newSource(), newConfig(), newConfigCheck(), newBuild(), newSplit(), newPrepare(), newCompile(), newBlank(), newModpost(), newFinish(), newDevel(), newLink(), newOverwrite(), newModule(), newModules(), newInstall(), newDebFields())
	return root
}
