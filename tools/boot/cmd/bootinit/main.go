// SPDX-License-Identifier: Apache-2.0

// Command bootinit is /init of a boot test's initramfs: it makes the attempts of one boot of the plan
// and restarts the machine.
//
// Usage, by the kernel, from what follows "--" on its command line:
//
//	/init BOOT
//
// BOOT is an index into the boots of the plan at plan.GuestPath. It reports through /dev/kmsg.
package main

import (
	"fmt"
	"os"
	"strconv"

	"rules_modhash/tools/boot/guest"
	"rules_modhash/tools/boot/plan"
	"rules_modhash/tools/boot/record"
)

func main() {
	// When process 1 ends the kernel panics; what is printed shows why on the console.
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bootinit:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if os.Getpid() != 1 {
		return fmt.Errorf("got process id %d, want 1: this program runs only as /init of the initramfs", os.Getpid())
	}
	log, err := guest.OpenKernelLog()
	if err != nil {
		return err
	}
	if err := attempt(args, log); err != nil {
		if err := log.Report(record.Record{Kind: record.Failed, Error: err.Error()}); err != nil {
			return err
		}
	}
	return log.Restart()
}

func attempt(args []string, log *guest.KernelLog) error {
	if err := guest.Mount(); err != nil {
		return err
	}
	if len(args) != 1 {
		return fmt.Errorf("got the arguments %q, want the index of the boot", args)
	}
	boot, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("reading the index of the boot: %w", err)
	}
	data, err := guest.ReadFile(plan.GuestPath)
	if err != nil {
		return err
	}
	p, err := plan.Parse(data)
	if err != nil {
		return err
	}
	return guest.Run(p, boot, log.Report)
}
