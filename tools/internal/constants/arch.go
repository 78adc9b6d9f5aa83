// SPDX-License-Identifier: Apache-2.0

package main

import (
	"rules_modhash/tools/arch"
	"rules_modhash/tools/boot/qemu"
)

// architectures returns tools/arch/arch.bzl.
func architectures() string {
	return header("The architectures that modules and kernels are built for, as `module_tree` names them.", "tools/arch", "arch.go, and from tools/boot/qemu/board.go") +
		list("All of them.", "MACHINES", arch.Sorted(func(arch.Architecture) bool { return true })) +
		list("Those that can be booted.", "BOOT_MACHINES", qemu.Machines()) +
		dictionary("By the constraint values of target platforms.", "MACHINES_BY_CPU", machinesByCPU()) +
		dictionary("By what Bazel calls them as hosts (`repository_os.arch`).", "MACHINES_BY_HOST", machinesByHost()) +
		dictionary("What the names of an architecture's GCC and binary tools begin with, in distributions.", "CROSS_PREFIXES",
			each(func(a arch.Architecture) string { return a.CrossPrefix })) +
		dictionary("What Debian calls them.", "DEBIAN_ARCHITECTURES",
			each(func(a arch.Architecture) string { return a.Debian })) +
		dictionary("Boot images, as the kernel calls them.", "IMAGES",
			each(func(a arch.Architecture) string { return a.Image })) +
		dictionary("Their directories in the kernel's arch/.", "SOURCE_DIRECTORIES",
			each(func(a arch.Architecture) string { return a.Directory })) +
		dictionary("QEMU's programs.", "EMULATORS",
			bootable(func(_ arch.Architecture, b qemu.Board) string { return b.Program })) +
		dictionary("GOARCH of those that can be booted.", "GO_ARCHITECTURES",
			bootable(func(a arch.Architecture, _ qemu.Board) string { return a.Go })) +
		dictionary("Constraint values of those that can be booted.", "BOOT_CPUS",
			bootable(func(a arch.Architecture, _ qemu.Board) string { return platformCPU(a.CPUs[0]) }))
}

// each returns a value for each architecture.
func each(value func(arch.Architecture) string) map[string]string {
	values := map[string]string{}
	for _, a := range arch.All {
		values[a.Name] = value(a)
	}
	return values
}

// bootable returns a value for each architecture that can be booted.
func bootable(value func(arch.Architecture, qemu.Board) string) map[string]string {
	values := map[string]string{}
	for _, a := range arch.All {
		if board, ok := qemu.BoardOf(a.Name); ok {
			values[a.Name] = value(a, board)
		}
	}
	return values
}

func machinesByCPU() map[string]string {
	machines := map[string]string{}
	for _, a := range arch.All {
		for _, cpu := range a.CPUs {
			machines[platformCPU(cpu)] = a.Name
		}
	}
	return machines
}

func machinesByHost() map[string]string {
	machines := map[string]string{}
	for _, a := range arch.All {
		machines[a.Host] = a.Name
	}
	return machines
}

func platformCPU(cpu string) string { return "@platforms//cpu:" + cpu }
