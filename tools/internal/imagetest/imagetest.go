// SPDX-License-Identifier: Apache-2.0

// Package imagetest makes the smallest objects, kernels, and boot images that can be read, for tests.
package imagetest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"testing"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/root/object"
)

// Object returns a relocatable object with a root, for a machine by its name. It passes for a module too.
func Object(t testing.TB, machine string, root merkle.Root) []byte {
	t.Helper()
	m, err := arch.Named(machine)
	if err != nil {
		t.Fatal(err)
	}
	b, err := object.Write(m, root)
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
