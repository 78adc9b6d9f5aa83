// SPDX-License-Identifier: Apache-2.0

package object

import (
	"bytes"
	"debug/elf"
	"errors"
	"strings"
	"testing"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
)

// linked returns a vmlinux that has nothing but a root.
func linked(t testing.TB, m arch.Architecture, root merkle.Root) []byte {
	t.Helper()
	b := write(t, m, root)
	m.Target.ByteOrder().PutUint16(b[typeOffset:], uint16(elf.ET_EXEC))
	return b
}

// file is an ELF file in memory.
type file []byte

func (f file) ReadAt(p []byte, offset int64) (int, error) {
	return bytes.NewReader(f).ReadAt(p, offset)
}

func (f file) WriteAt(p []byte, offset int64) (int, error) { return copy(f[offset:], p), nil }

// brokenFile is a file that cannot be written.
type brokenFile struct{ file }

func (brokenFile) WriteAt([]byte, int64) (int, error) { return 0, errors.New("no space left") }

func TestOverwrite(t *testing.T) {
	forEachMachine(t, func(t *testing.T, m arch.Architecture) {
		for _, root := range []merkle.Root{testRoot, {}} {
			got := file(linked(t, m, merkle.Root{}))
			if err := Overwrite(got, Found{Root: root, Target: m.Target}); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, linked(t, m, root)) {
				t.Error("the file is not the one that has the root from the start")
			}
		}
	})
}

// TestOverwriteStripped has no symbols: the section is the place.
func TestOverwriteStripped(t *testing.T) {
	forEachMachine(t, func(t *testing.T, m arch.Architecture) {
		strip := func(root merkle.Root) file {
			return renamed(linked(t, m, root), SymbolName)
		}
		got := strip(merkle.Root{})
		if err := Overwrite(got, Found{Root: testRoot, Target: m.Target}); err != nil || !bytes.Equal(got, strip(testRoot)) {
			t.Errorf("got %v, want the file with the root", err)
		}
	})
}

// renamed returns a file in which a section or symbol has another name.
func renamed(b []byte, name string) []byte {
	return bytes.ReplaceAll(b, []byte("\x00"+name+"\x00"), []byte("\x00"+strings.Replace(name, "hashes", "hushes", 1)+"\x00"))
}

// offsets in a 64-bit little-endian section header and symbol.
const (
	kindInHeader    = 4
	sectionInSymbol = 6
)

func TestOverwriteErrors(t *testing.T) {
	x86, arm := arch.All[0], arch.All[1]
	blank := func(edit func(b []byte, header func(int) []byte, symbol []byte)) []byte {
		return edited(linked(t, x86, merkle.Root{}), edit)
	}
	// alsoRoot gives the section of the stack note the name, the size and the place of the root.
	alsoRoot := func(_ []byte, header func(int) []byte, _ []byte) {
		copy(header(sectionStackNote), header(sectionRoot))
	}
	sound := linked(t, x86, merkle.Root{})
	for _, c := range []struct {
		name    string
		content []byte
		root    merkle.Root
		want    string
	}{
		{"no ELF file", []byte("hi"), testRoot, "reading an ELF file: reading an ELF header: unexpected EOF"},
		{"empty", nil, testRoot, "reading an ELF file: "},
		{"cut in the header", sound[:40], testRoot, "reading an ELF file: "},
		{"cut in the root", sound[:70], testRoot, "reading an ELF file: "},
		{"cut in the section headers", sound[:len(sound)-1], testRoot, "reading an ELF file: "},
		{"no root", bytes.ReplaceAll(sound, []byte("hashes"), []byte("hushes")), testRoot, "has neither a symbol module_hashes_root nor a section"},
		{"no section", renamed(sound, SectionName), testRoot, "has 0 sections .module_hashes, want 1"},
		{"no tree has the root", sound, merkle.Root{Hash: merkle.Hash{1}}, "overwriting the root: root 01"},
		{"root object", write(t, x86, merkle.Root{}), testRoot, "is a relocatable object, want a vmlinux, which is linked"},
		{"other architecture", linked(t, arm, merkle.Root{}), testRoot, "is for ELFCLASS64 ELFDATA2LSB EM_AARCH64, but the root object for ELFCLASS64 ELFDATA2LSB EM_X86_64: "},
		{"set already", linked(t, x86, testRoot), testRoot, "has the root " + testRoot.String() + ", want the blank root, which only the kernel of a kernel_build has"},
		{"levels alone", blank(func(b []byte, _ func(int) []byte, _ []byte) { b[64] = 1 }), testRoot, "has the root 1 0000"},
		{"last byte alone", blank(func(b []byte, _ func(int) []byte, _ []byte) { b[64+Size-1] = 7 }), testRoot, "0007, want the blank root"},
		{"two sections", blank(alsoRoot), testRoot, "has 2 sections .module_hashes, want 1"},
		{"two sections, no symbol", renamed(blank(alsoRoot), SymbolName), testRoot, "has 2 sections .module_hashes, want 1"},
		{"large section", blank(func(_ []byte, header func(int) []byte, _ []byte) { header(sectionRoot)[sizeInHeader] = 40 }), testRoot,
			"has the root in section .module_hashes of 40 bytes, want section .module_hashes of 36"},
		{"small section", blank(func(_ []byte, header func(int) []byte, _ []byte) { header(sectionRoot)[sizeInHeader] = 35 }), testRoot,
			"symbol module_hashes_root is not inside its section .module_hashes"},
		{"symbol in another section", blank(func(_ []byte, header func(int) []byte, symbol []byte) {
			copy(header(sectionStackNote)[kindInHeader:], header(sectionRoot)[kindInHeader:])
			symbol[sectionInSymbol] = sectionStackNote
		}), testRoot, "has the root in section .note.GNU-stack of 36 bytes, want section .module_hashes of 36"},
		{"symbol of another size", blank(func(_ []byte, _ func(int) []byte, symbol []byte) { symbol[16] = 35 }), testRoot, "symbol module_hashes_root has 35 bytes, want 36"},
		{"section without contents", blank(func(_ []byte, header func(int) []byte, _ []byte) {
			header(sectionRoot)[kindInHeader] = byte(elf.SHT_NOBITS)
		}),
			testRoot, "section .module_hashes has no plain contents in the file"},
		{"section after the end", blank(func(_ []byte, header func(int) []byte, _ []byte) { header(sectionRoot)[27] = 0x7f }), testRoot,
			"reading the root in section .module_hashes: EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := file(bytes.Clone(c.content))
			err := Overwrite(got, Found{Root: c.root, Target: x86.Target})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
			if !bytes.Equal(got, c.content) {
				t.Error("the file has changed")
			}
		})
	}
	err := Overwrite(brokenFile{sound}, Found{Root: testRoot, Target: x86.Target})
	if want := "overwriting the root: no space left"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %q", err, want)
	}
}

// FuzzOverwrite checks that whatever the file is, nothing changes in it but one blank root.
func FuzzOverwrite(f *testing.F) {
	for _, m := range arch.All {
		f.Add(linked(f, m, merkle.Root{}))
		f.Add(linked(f, m, testRoot))
		f.Add(write(f, m, merkle.Root{}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range arch.All {
			got := file(bytes.Clone(b))
			err := Overwrite(got, Found{Root: testRoot, Target: m.Target})
			if (err == nil) == bytes.Equal(got, b) {
				t.Errorf("%s: error is %v, the file is the same: %t", m.Name, err, bytes.Equal(got, b))
			}
			if err == nil {
				checkOverwritten(t, b, got, Encode(testRoot, m.Target.ByteOrder()))
			}
		}
	})
}

// checkOverwritten checks that a root took the place of zeros.
func checkOverwritten(t *testing.T, before, after, root []byte) {
	t.Helper()
	at := 0
	for before[at] == after[at] {
		at++
	}
	at -= bytes.IndexFunc(root, func(r rune) bool { return r != 0 })
	want := bytes.Clone(before)
	copy(want[at:], root)
	if !bytes.Equal(before[at:at+Size], make([]byte, Size)) || !bytes.Equal(after, want) {
		t.Errorf("got %x for %x at %d, want only a root for zeros", after[at:at+Size], before[at:at+Size], at)
	}
}
