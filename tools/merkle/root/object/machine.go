// SPDX-License-Identifier: Apache-2.0

// Package object writes the object file that carries a tree's root into vmlinux,
// without a compiler, and reads roots back from object files and from vmlinux.
//
// The object has one section, .module_hashes, and one symbol in it,
// module_hashes_root: levels as a u32 in the target's byte order, then the root
// hash.
package object

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"

	"rules_modhash/tools/merkle/module"
)

// Machine is a target for which root objects can be written.
type Machine struct {
	// Name is the one used on command lines, mostly that of `uname -m`.
	Name string
	// Target is the ELF class, byte order and machine of its objects.
	Target module.Target
	// flags is e_flags: the ABI, which linkers compare between objects.
	flags uint32
	// aliases are names of the same machine in Kbuild (ARCH=), Debian and Bazel.
	aliases []string
}

const (
	// armEABI5 is the ABI version (EF_ARM_EABI_VER5) that every object of a
	// current arm kernel has. Float ABI flags belong to linked files only.
	armEABI5 = 0x05000000
	// ppc64ELFv2 is the ABI version (EF_PPC64_ABI) of little-endian PowerPC.
	ppc64ELFv2 = 2
	// riscvSoftFloat is the ABI of the kernel (-mabi=lp64). EF_RISCV_RVC stays
	// out: linkers merge it into the output, and data has no instructions.
	riscvSoftFloat = 0
)

// Machines are all targets, in the order in which they are offered.
var Machines = []Machine{
	{"x86_64", target64(elf.ELFDATA2LSB, elf.EM_X86_64), 0, []string{"x86", "amd64", "x86-64"}},
	{"arm64", target64(elf.ELFDATA2LSB, elf.EM_AARCH64), 0, []string{"aarch64"}},
	{"riscv64", target64(elf.ELFDATA2LSB, elf.EM_RISCV), riscvSoftFloat, []string{"riscv"}},
	{"ppc64le", target64(elf.ELFDATA2LSB, elf.EM_PPC64), ppc64ELFv2, []string{"powerpc", "powerpc64le", "ppc64el"}},
	{"s390x", target64(elf.ELFDATA2MSB, elf.EM_S390), 0, []string{"s390"}},
	{"arm", module.Target{Class: elf.ELFCLASS32, Data: elf.ELFDATA2LSB, Machine: elf.EM_ARM}, armEABI5,
		[]string{"armhf", "armv7", "armv7l"}},
}

func target64(data elf.Data, machine elf.Machine) module.Target {
	return module.Target{Class: elf.ELFCLASS64, Data: data, Machine: machine}
}

// MachineNamed returns the machine with that name or alias.
func MachineNamed(name string) (Machine, error) {
	for _, m := range Machines {
		if m.Name == name {
			return m, nil
		}
		for _, alias := range m.aliases {
			if alias == name {
				return m, nil
			}
		}
	}
	return Machine{}, fmt.Errorf("unknown machine %q, want one of %s", name, MachineNames())
}

// MachineFor returns the machine whose objects have target t.
func MachineFor(t module.Target) (Machine, error) {
	for _, m := range Machines {
		if m.Target == t {
			return m, nil
		}
	}
	return Machine{}, fmt.Errorf("no root object can be written for %s, want one of %s", t, MachineNames())
}

// MachineNames returns the names of all machines, separated by commas.
func MachineNames() string {
	var names []string
	for _, m := range Machines {
		names = append(names, m.Name)
	}
	return strings.Join(names, ", ")
}

// byteOrder returns the order of t's integers.
func byteOrder(t module.Target) binary.ByteOrder {
	if t.Data == elf.ELFDATA2MSB {
		return binary.BigEndian
	}
	return binary.LittleEndian
}
