// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"maps"
	"slices"
)

// Board is a machine that QEMU emulates, for kernels of an architecture.
type Board struct {
	// Program is the emulator's name, Package that of its Debian package.
	Program, Package string
	// Machine and CPU are values of -machine and -cpu.
	Machine, CPU string
	// Console is the kernel's name of the serial line.
	Console string
}

// boards are those of the architectures that can be booted. They are apart from the table of architectures: programs that
// build kernels have that table in them, and a changed board would have all kernels built again.
var boards = map[string]Board{
	"arm64": {
		Program: "qemu-system-aarch64", Package: "qemu-system-arm",
		Machine: "virt", CPU: "cortex-a72", Console: "ttyAMA0",
	},
	"ppc64le": {
		Program: "qemu-system-ppc64", Package: "qemu-system-ppc",
		Machine: "pseries", CPU: "power10", Console: "hvc0",
	},
	"riscv64": {
		Program: "qemu-system-riscv64", Package: "qemu-system-riscv",
		Machine: "virt", CPU: "max", Console: "ttyS0",
	},
	"s390x": {
		Program: "qemu-system-s390x", Package: "qemu-system-s390x",
		Machine: "s390-ccw-virtio", CPU: "max", Console: "ttysclp0",
	},
	"x86_64": {
		Program: "qemu-system-x86_64", Package: "qemu-system-x86",
		Machine: "q35", CPU: "max", Console: "ttyS0",
	},
}

// Machines returns the names of the architectures that can be booted, in bytewise order.
func Machines() []string { return slices.Sorted(maps.Keys(boards)) }

// BoardOf returns the board of an architecture, if it can be booted.
func BoardOf(machine string) (Board, bool) {
	board, ok := boards[machine]
	return board, ok
}
