// SPDX-License-Identifier: Apache-2.0

package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
)

// testRoot has a different byte at every place.
var testRoot = merkle.Root{Levels: 13, Hash: func() (h merkle.Hash) {
	for i := range h {
		h[i] = byte(0xa0 + i)
	}
	return h
}()}

func write(t testing.TB, m arch.Architecture, root merkle.Root) []byte {
	t.Helper()
	b, err := Write(m, root)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// forEachMachine runs a subtest for each machine.
func forEachMachine(t *testing.T, test func(*testing.T, arch.Architecture)) {
	for _, m := range arch.All {
		t.Run(m.Name, func(t *testing.T) { test(t, m) })
	}
}

func TestWriteAndRead(t *testing.T) {
	forEachMachine(t, func(t *testing.T, m arch.Architecture) {
		for _, root := range []merkle.Root{testRoot, {}} {
			got, err := Read(bytes.NewReader(write(t, m, root)))
			want := Found{Root: root, Format: FormatObject, Target: m.Target}
			if err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		}
	})
}

// TestLayout checks what the kernel's build relies on with debug/elf.
func TestLayout(t *testing.T) {
	flags := map[string]uint32{"arm": 0x05000000, "ppc64le": 2}
	forEachMachine(t, func(t *testing.T, m arch.Architecture) {
		object := write(t, m, testRoot)
		f, err := elf.NewFile(bytes.NewReader(object))
		if err != nil {
			t.Fatal(err)
		}
		if got := (arch.Target{Class: f.Class, Data: f.Data, Machine: f.Machine}); got != m.Target || f.Type != elf.ET_REL {
			t.Errorf("got %s %s, want ET_REL %s", f.Type, got, m.Target)
		}
		if got := eFlags(object, f); got != flags[m.Name] {
			t.Errorf("e_flags is %#x, want %#x", got, flags[m.Name])
		}
		checkSections(t, f)
		checkSymbol(t, f)
	})
}

func eFlags(object []byte, f *elf.File) uint32 {
	if f.Class == elf.ELFCLASS32 {
		return f.ByteOrder.Uint32(object[36:])
	}
	return f.ByteOrder.Uint32(object[48:])
}

func checkSections(t *testing.T, f *elf.File) {
	t.Helper()
	s := f.Section(SectionName)
	if s == nil || s.Type != elf.SHT_PROGBITS || s.Flags != elf.SHF_ALLOC || s.Addralign != 4 {
		t.Fatalf("section is %+v, want PROGBITS, ALLOC alone (read-only data), aligned to 4", s)
	}
	data, err := s.Data()
	if err != nil {
		t.Fatal(err)
	}
	if want := Encode(testRoot, f.ByteOrder); !bytes.Equal(data, want) || len(data) != 36 {
		t.Errorf("section holds %x, want %x", data, want)
	}
	note := f.Section(".note.GNU-stack")
	if note == nil || note.Size != 0 || note.Flags&elf.SHF_EXECINSTR != 0 {
		t.Errorf(".note.GNU-stack is %+v, want an empty section that is not executable", note)
	}
}

func checkSymbol(t *testing.T, f *elf.File) {
	t.Helper()
	symbols, err := f.Symbols()
	if err != nil || len(symbols) != 1 {
		t.Fatalf("symbols are %v, %v, want one", symbols, err)
	}
	s := symbols[0]
	if s.Name != "module_hashes_root" || s.Size != 36 || s.Value != 0 || f.Sections[s.Section].Name != SectionName {
		t.Errorf("symbol is %+v, want module_hashes_root, 36 bytes at 0 in %s", s, SectionName)
	}
	if elf.ST_BIND(s.Info) != elf.STB_GLOBAL || elf.ST_TYPE(s.Info) != elf.STT_OBJECT || elf.ST_VISIBILITY(s.Other) != elf.STV_DEFAULT {
		t.Errorf("symbol is %+v, want a global object of default visibility", s)
	}
}

// TestByteOrder spells the bytes of the levels out.
func TestByteOrder(t *testing.T) {
	for name, want := range map[string]string{"x86_64": "0d000000a0a1", "s390x": "0000000da0a1"} {
		m, err := arch.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		got := hex.EncodeToString(Encode(testRoot, m.Target.ByteOrder()))
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: root starts with %s, want %s", name, got[:12], want)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	_, err := Write(arch.All[0], merkle.Root{Levels: 33})
	want := "writing a root object: root has 33 levels, a tree has at most 32"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %q", err, want)
	}
}

func TestArchitectureOf(t *testing.T) {
	forEachMachine(t, func(t *testing.T, m arch.Architecture) {
		if got, err := ArchitectureOf(m.Target); err != nil || got.Name != m.Name {
			t.Errorf("got %s, %v", got.Name, err)
		}
	})
	_, err := ArchitectureOf(arch.Target{Class: elf.ELFCLASS32, Data: elf.ELFDATA2LSB, Machine: elf.EM_386})
	want := "no root object can be written for ELFCLASS32 ELFDATA2LSB EM_386, want one of x86_64,"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error is %v, want %q", err, want)
	}
}

// offsets in a 64-bit little-endian root object, by which the cases below break it.
const (
	typeOffset        = 16
	sectionHeaderSize = 64
	flagsInHeader     = 8
	sizeInHeader      = 32
	symbolSize        = 24
)

// broken returns an x86_64 root object in which edit has changed something. Header and
// symbol return the header of a section, and the symbol of the root.
func broken(t *testing.T, edit func(b []byte, header func(int) []byte, symbol []byte)) []byte {
	t.Helper()
	return edited(write(t, arch.All[0], testRoot), edit)
}

// edited returns an x86_64 file with the sections of a root object after a change.
func edited(b []byte, edit func(b []byte, header func(int) []byte, symbol []byte)) []byte {
	start := int(binary.LittleEndian.Uint64(b[40:]))
	header := func(i int) []byte { return b[start+i*sectionHeaderSize:][:sectionHeaderSize] }
	symbols := int(binary.LittleEndian.Uint64(header(sectionSymbols)[24:]))
	edit(b, header, b[symbols+symbolSize:][:symbolSize])
	return b
}

func TestReadErrors(t *testing.T) {
	type edit = func(b []byte, header func(int) []byte, symbol []byte)
	for _, c := range []struct {
		name string
		edit edit
		want string
	}{
		{"symbol of another size", func(_ []byte, _ func(int) []byte, symbol []byte) { symbol[16] = 35 },
			"symbol module_hashes_root has 35 bytes, want 36"},
		{"symbol behind its section", func(_ []byte, _ func(int) []byte, symbol []byte) { symbol[8] = 1 },
			"symbol module_hashes_root is not inside its section .module_hashes"},
		{"symbol far away", func(_ []byte, _ func(int) []byte, symbol []byte) { symbol[15] = 0xff },
			"symbol module_hashes_root is not inside its section .module_hashes"},
		{"symbol in no section", func(_ []byte, _ func(int) []byte, symbol []byte) { symbol[6] = 77 },
			"symbol module_hashes_root is in section 77, the file has 5"},
		{"symbol in the empty section", func(_ []byte, _ func(int) []byte, symbol []byte) { symbol[6] = sectionStackNote },
			"symbol module_hashes_root is not inside its section .note.GNU-stack"},
		{"undefined symbol, section of another size", func(_ []byte, header func(int) []byte, symbol []byte) {
			symbol[6] = 0
			header(sectionRoot)[sizeInHeader] = 40
		}, "section .module_hashes has 40 bytes, want 36"},
		{"section without contents", func(_ []byte, header func(int) []byte, _ []byte) { header(sectionRoot)[4] = byte(elf.SHT_NOBITS) },
			"section .module_hashes has no plain contents in the file (type SHT_NOBITS"},
		{"compressed section", func(_ []byte, header func(int) []byte, _ []byte) { header(sectionRoot)[flagsInHeader+1] = 8 },
			"has no plain contents in the file"},
		{"section beyond the file", func(_ []byte, header func(int) []byte, _ []byte) { header(sectionRoot)[27] = 0x7f },
			"reading the root in section .module_hashes: EOF"},
		{"levels", func(b []byte, _ func(int) []byte, _ []byte) { b[64] = 33 }, "root has 33 levels, a tree has at most 32"},
		{"no levels", func(b []byte, _ func(int) []byte, _ []byte) { b[64] = 0 }, "has 0 levels: only the all-zero root"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(bytes.NewReader(broken(t, c.edit)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestReadWithoutRoot(t *testing.T) {
	b := bytes.ReplaceAll(write(t, arch.All[0], testRoot), []byte("module_hashes"), []byte("module_hushes"))
	_, err := Read(bytes.NewReader(b))
	want := "has neither a symbol module_hashes_root nor a section .module_hashes: was the kernel built with CONFIG_MODULE_HASHES?"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %q", err, want)
	}
	if _, err := Read(strings.NewReader("text")); err == nil || !strings.HasPrefix(err.Error(), "reading an ELF file: ") {
		t.Errorf("text: error is %v", err)
	}
}

// TestReadTwoSymbols gives the null symbol the root's name too.
func TestReadTwoSymbols(t *testing.T) {
	b := write(t, arch.All[0], testRoot)
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	table := f.Sections[sectionSymbols]
	start := int(binary.LittleEndian.Uint64(b[40:])) + sectionSymbols*sectionHeaderSize
	symbols := bytes.Clone(b[table.Offset : table.Offset+table.Size])
	symbols = append(symbols, symbols[symbolSize:]...)
	binary.LittleEndian.PutUint64(b[start+24:], uint64(len(b)))
	binary.LittleEndian.PutUint64(b[start+sizeInHeader:], uint64(len(symbols)))
	_, err = Read(bytes.NewReader(append(b, symbols...)))
	if want := "has more than one symbol module_hashes_root"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %q", err, want)
	}
}

// FuzzRead checks that whatever is read as a root is one, and that nothing panics.
func FuzzRead(f *testing.F) {
	for _, m := range arch.All {
		f.Add(write(f, m, testRoot))
	}
	executable := write(f, arch.All[0], testRoot)
	executable[typeOffset] = byte(elf.ET_EXEC)
	f.Add(executable)
	f.Fuzz(func(t *testing.T, b []byte) {
		found, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		if err := found.Root.Check(); err != nil {
			t.Errorf("read a root that cannot be: %v", err)
		}
	})
}
