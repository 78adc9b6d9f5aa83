// SPDX-License-Identifier: Apache-2.0

// Command boottest boots a kernel in QEMU, makes attempts to load modules, and compares what came of
// them with what was expected. See --help.
//
// Exit codes: 0 all is as expected, 1 something differs, 2 the boots could not be made.
package main

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rules_modhash/tools/boot/plan"
	"rules_modhash/tools/boot/qemu"
	"rules_modhash/tools/cli"
)

func main() {
	cli.Program{Command: newCommand}.Main()
}

// options are the command line.
type options struct {
	vm           qemu.VM
	plan, title  string
	systemMap    string
	logs         string
	temporaryLog bool
}

func newCommand() *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "boottest --emulator QEMU --machine ARCH --kernel FILE --initramfs FILE --plan FILE",
		Short: "Boot a kernel, try to load modules, and compare the results with a plan",
		Long: `boottest executes a boot plan: it boots the kernel as often as the plan requires, the
initramfs makes the attempts, and a table shows expected and actual results. The serial log
of each boot is kept in the directory --logs, by default in TEST_UNDECLARED_OUTPUTS_DIR, which
test runners set, else, if something differs, in a temporary directory.

Exit codes: 0 all results are as expected; 1 something differs; 2 the boots failed.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.vm.Emulator, "emulator", "", "qemu-system-ARCH program")
	flags.StringVar(&o.vm.Machine, "machine", "x86_64", "one of "+strings.Join(qemu.Machines(), ", "))
	flags.IntVar(&o.vm.Memory, "memory", 512, "MiB of memory")
	flags.StringVar(&o.vm.Kernel, "kernel", "", "bzImage or Image (required)")
	flags.StringVar(&o.systemMap, "system-map", "", "System.map or vmlinux of the kernel's build, by which the root in --kernel is found")
	flags.StringVar(&o.vm.Initramfs, "initramfs", "", "archive written by mkinitramfs with the plan (required)")
	flags.StringVar(&o.vm.Cmdline, "cmdline", "", "options for the kernel's command line in all boots")
	flags.DurationVar(&o.vm.Timeout, "timeout", 2*time.Minute, "time limit of one boot")
	flags.StringVar(&o.plan, "plan", "", "boot plan (required)")
	flags.StringVar(&o.title, "title", "boot test", "name of the test in the output")
	flags.StringVar(&o.logs, "logs", os.Getenv("TEST_UNDECLARED_OUTPUTS_DIR"), "directory for serial logs")
	cli.Require(cmd, "kernel", "initramfs", "plan")
	return cmd
}

func (o *options) run(ctx context.Context, stdout io.Writer) error {
	p, err := readPlan(o.plan)
	if err != nil {
		return err
	}
	if err := o.openLogs(); err != nil {
		return err
	}
	results, err := o.bootAll(ctx, p)
	if err != nil {
		return err
	}
	if err := o.show(stdout, results); err != nil {
		return err
	}
	return o.closeLogs()
}

func readPlan(path string) (*plan.Plan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return plan.Parse(data)
}

func (o *options) openLogs() (err error) {
	if o.logs == "" {
		o.temporaryLog = true
		o.logs, err = os.MkdirTemp("", "boottest-")
	}
	return err
}

// closeLogs removes logs that nobody asked for.
func (o *options) closeLogs() error {
	if o.temporaryLog {
		return os.RemoveAll(o.logs)
	}
	return nil
}
