// SPDX-License-Identifier: Apache-2.0

// Package imagetest makes the smallest objects, kernels, and boot images that can be read, for tests.
package imagetest

import (
	"bytes"
	"compress/gzip"
	"debug/pe"
	"encoding/binary"
	"testing"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/rootobj"
)

// Object returns a relocatable object with a root, for a machine by its name. It passes for a module too.
func Object(t testing.TB, machine string, root merkle.Root) []byte {
	t.Helper()
	m, err := rootobj.MachineNamed(machine)
	if err != nil {
		t.Fatal(err)
	}
	b, err := rootobj.Write(m, root)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Vmlinux returns an x86_64 kernel with a root.
func Vmlinux(t testing.TB, root merkle.Root) []byte {
	t.Helper()
	const typeOffset, executable = 16, 2
	b := Object(t, "x86_64", root)
	b[typeOffset] = executable
	return b
}

// SystemMap is the System.map of ARM64Image.
const SystemMap = `ffff800080000000 T _text
ffff800080000100 R module_hashes_root
ffff800080000200 B _end
`

// ARM64Image returns an arm64 Image whose root is where SystemMap says.
func ARM64Image(order binary.ByteOrder, root merkle.Root) []byte {
	b := make([]byte, 0x200)
	copy(b, "MZ")
	if order == binary.BigEndian {
		b[0x18] = 1
	}
	copy(b[0x38:], "ARM\x64")
	order.PutUint32(b[0x100:], root.Levels)
	copy(b[0x104:], root.Hash[:])
	return b
}

// Gzipped returns data, compressed.
func Gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Zboot returns a vmlinuz.efi with a compressed kernel.
func Zboot(compressed []byte) []byte {
	b := make([]byte, 64)
	copy(b, "MZ\x00\x00zimg")
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)))
	binary.LittleEndian.PutUint32(b[12:], uint32(len(compressed)))
	return append(b, compressed...)
}

// UKI returns an EFI program with sections of some names, in this order, each padded.
func UKI(t testing.TB, sections map[string][]byte, names ...string) []byte {
	t.Helper()
	const lfanew, dataStart, padding = 0x40, 0x400, 3
	var headers, data bytes.Buffer
	write := func(v any) {
		if err := binary.Write(&headers, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	headers.WriteString("PE\x00\x00")
	write(pe.FileHeader{Machine: pe.IMAGE_FILE_MACHINE_AMD64, NumberOfSections: uint16(len(names))})
	for _, name := range names {
		h := pe.SectionHeader32{
			VirtualSize: uint32(len(sections[name])), SizeOfRawData: uint32(len(sections[name]) + padding),
			PointerToRawData: uint32(dataStart + data.Len()),
		}
		copy(h.Name[:], name)
		write(h)
		data.Write(sections[name])
		data.Write(make([]byte, padding))
	}
	b := make([]byte, dataStart)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[0x3c:], lfanew)
	copy(b[lfanew:], headers.Bytes())
	return append(b, data.Bytes()...)
}
