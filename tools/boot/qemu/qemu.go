// SPDX-License-Identifier: Apache-2.0

// Package qemu boots a kernel in QEMU and collects what it writes to its serial console. Processors
// are emulated (TCG), so that a boot needs no rights and is the same everywhere.
package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// VM is a virtual machine.
type VM struct {
	// Emulator is the path of qemu-system-ARCHITECTURE.
	Emulator string
	// Machine is one of Machines.
	Machine string
	// Memory is in MiB.
	Memory int
	// Kernel is a bzImage or Image, Initramfs a cpio archive that the kernel can decompress.
	Kernel, Initramfs string
	// Disk is the image of a disk, or empty. The machine does not change it: what it writes is lost.
	Disk string
	// Devices are further devices, as the option -device of QEMU has them.
	Devices []string
	// Cmdline is added to the kernel's command line, InitArgs are handed to /init.
	Cmdline  string
	InitArgs []string
	// Timeout is how long a boot may take.
	Timeout time.Duration
}

// ErrTimeout is wrapped by the error of a boot that did not end in time.
var ErrTimeout = errors.New("timed out")

// baseCmdline makes all log lines visible, those of programs included, and a kernel that gives up
// restart, which ends QEMU.
const baseCmdline = "loglevel=8 printk.devkmsg=on oops=panic panic=-1"

// Run boots the machine and waits until it restarts, writing its serial console to serial. An error
// states that QEMU could not do its work or that time was up; what the kernel did is in the serial log
// only.
func (vm VM) Run(ctx context.Context, serial io.Writer) error {
	args, err := vm.args()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, vm.Timeout, ErrTimeout)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, vm.Emulator, args...)
	cmd.Env = []string{}
	cmd.Stdout, cmd.Stderr = serial, &stderr
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return vm.interrupted(context.Cause(ctx))
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("starting QEMU: %w. Next: %s", err, install(vm.Machine))
	case err != nil:
		return fmt.Errorf("running QEMU: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

func (vm VM) interrupted(cause error) error {
	if errors.Is(cause, ErrTimeout) {
		return fmt.Errorf("%w: the machine still ran after %s", ErrTimeout, vm.Timeout)
	}
	return fmt.Errorf("stopped while the machine ran: %w", cause)
}

func (vm VM) args() ([]string, error) {
	board, ok := boards[vm.Machine]
	if !ok {
		return nil, fmt.Errorf("machine: got %q, want one of %s", vm.Machine, strings.Join(Machines(), ", "))
	}
	if vm.Emulator == "" {
		return nil, fmt.Errorf("got no QEMU for %s, want one. Next: %s", vm.Machine, install(vm.Machine))
	}
	args := []string{
		"-machine", board.Machine, "-cpu", board.CPU,
		"-accel", "tcg",
		"-m", strconv.Itoa(vm.Memory),
		"-nodefaults", "-no-user-config", "-no-reboot",
		"-nic", "none", "-display", "none", "-monitor", "none", "-serial", "stdio",
		"-kernel", vm.Kernel,
		"-initrd", vm.Initramfs,
		"-append", vm.cmdline(board.Console),
	}
	if vm.Disk != "" {
		args = append(args, "-drive", "file="+strings.ReplaceAll(vm.Disk, ",", ",,")+",format=raw,if=virtio,snapshot=on")
	}
	for _, device := range vm.Devices {
		args = append(args, "-device", device)
	}
	return args, nil
}

// install is the next step of who has no QEMU for a machine.
func install(machine string) string {
	return fmt.Sprintf("install it (Debian: %s; in a world: ./bazelw --add-machines %s)", boards[machine].Package, machine)
}

// cmdline returns the kernel's command line. The caller's words come last: the last one counts.
func (vm VM) cmdline(console string) string {
	words := []string{"console=" + console, baseCmdline}
	if vm.Cmdline != "" {
		words = append(words, vm.Cmdline)
	}
	if len(vm.InitArgs) > 0 {
		words = append(append(words, "--"), vm.InitArgs...)
	}
	return strings.Join(words, " ")
}
