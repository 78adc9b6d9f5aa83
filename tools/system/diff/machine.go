// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/root/object"
	"rules_modhash/tools/merkle/tree"
)

// Machine is what some modules are built for.
type Machine struct {
	// Name is that of uname -m, or that of elf.h for a machine without one here.
	Name string `json:"name"`
	// Bits is 32 or 64, ByteOrder "little endian" or "big endian".
	Bits      int    `json:"bits"`
	ByteOrder string `json:"byte_order"`
	Modules   int    `json:"modules"`
}

// String names the architecture for readers.
func (m Machine) String() string {
	return fmt.Sprintf("%s (%d-bit, %s)", m.Name, m.Bits, m.ByteOrder)
}

// same reports whether two machines are the same, however many modules there are for them.
func (m Machine) same(other Machine) bool {
	m.Modules = other.Modules
	return m == other
}

func machineOf(t arch.Target) Machine {
	m := Machine{Name: t.Machine.String(), Bits: 64, ByteOrder: "little endian"}
	if known, err := object.ArchitectureOf(t); err == nil {
		m.Name = known.Name
	}
	if t.Class == elf.ELFCLASS32 {
		m.Bits = 32
	}
	if t.Data == elf.ELFDATA2MSB {
		m.ByteOrder = "big endian"
	}
	return m
}

// countMachines returns the machines that modules are built for, that of most modules first.
func countMachines(leaves []tree.Leaf) []Machine {
	counts := map[arch.Target]int{}
	for _, l := range leaves {
		counts[l.Target]++
	}
	var machines []Machine
	for target, n := range counts {
		m := machineOf(target)
		m.Modules = n
		machines = append(machines, m)
	}
	slices.SortFunc(machines, func(m, n Machine) int {
		return cmp.Or(cmp.Compare(n.Modules, m.Modules), cmp.Compare(m.String(), n.String()))
	})
	return machines
}

// differ reports whether modules are built for more than one architecture.
func differ(machines []Machine) bool {
	return slices.ContainsFunc(machines, func(m Machine) bool { return !m.same(machines[0]) })
}
