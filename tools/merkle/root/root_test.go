// SPDX-License-Identifier: Apache-2.0

package root

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/internal/imagetest"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/tree"
)

var testRoot = merkle.Root{Levels: 2, Hash: merkle.Hash{1, 2, 3}}

// object returns an x86_64 root object.
func rootObject(t testing.TB) []byte {
	t.Helper()
	return imagetest.Object(t, "x86_64", testRoot)
}

func emptyTree(t *testing.T) []byte {
	t.Helper()
	empty, err := tree.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := tree.EncodeTree(empty)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vmlinux returns an x86_64 kernel.
func vmlinux(t testing.TB) []byte {
	t.Helper()
	return imagetest.Vmlinux(t, testRoot)
}

// bootImage returns a boot image of a kernel.
func bootImage(t testing.TB, kernel []byte) []byte {
	t.Helper()
	payload := imagetest.Gzipped(t, kernel)
	const sectors = 1
	b := make([]byte, (sectors+1)*512)
	b[0x1f1] = sectors
	copy(b[0x202:], "HdrS\x0f\x02")
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(payload)))
	return append(b, payload...)
}

func read(t *testing.T, data []byte) (Found, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := Read(name, "")
	if err != nil && !strings.HasPrefix(err.Error(), name+": ") {
		t.Errorf("error %q does not begin with the file's name", err)
	}
	return found, err
}

func TestRead(t *testing.T) {
	linked := vmlinux(t)
	for _, c := range []struct {
		name string
		data []byte
		want Found
	}{
		{"object", rootObject(t), Found{Root: testRoot, Format: "root object", Target: arch.All[0].Target}},
		{"vmlinux", linked, Found{Root: testRoot, Format: "vmlinux", Target: arch.All[0].Target}},
		{"bzImage", bootImage(t, linked), Found{Root: testRoot, Format: "bzImage", Target: arch.All[0].Target}},
		{"tree", emptyTree(t), Found{Format: "module tree"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := read(t, c.data)
			if err != nil {
				t.Fatal(err)
			}
			if (got.Tree != nil) != (c.name == "tree") {
				t.Errorf("tree is %v", got.Tree)
			}
			got.Tree = nil
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	damaged := bootImage(t, rootObject(t))
	damaged[0x206] = 0
	rootless := bootImage(t, bytes.ReplaceAll(rootObject(t), []byte("module_hashes"), []byte("module_hushes")))
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "carries no root: it is empty"},
		{"text", []byte("hi"), "carries no root: it starts with 6869 and is none of tree.pb, root object, vmlinux, bzImage, Image, unified kernel image"},
		{"damaged boot image", damaged, "is a boot image of protocol 2.00, want 2.08 or newer"},
		{"boot image without a root", rootless, "the kernel in the boot image has neither a symbol"},
		{"beginning of an object", rootObject(t)[:100], "reading an ELF file: "},
		{"beginning of a tree", emptyTree(t)[:5], "decoding modhash.v1.ModuleTree: "},
		{"ELF without a root", bytes.ReplaceAll(rootObject(t), []byte("module_hashes"), []byte("module_hushes")), "has neither a symbol"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := read(t, c.data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}
