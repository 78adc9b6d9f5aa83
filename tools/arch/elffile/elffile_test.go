// SPDX-License-Identifier: Apache-2.0

package elffile_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tools/arch/elffile"
)

// object returns a sound ELF object of an architecture, in its class and byte order: a root object of modhash.
func object(t testing.TB, architecture string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", architecture+".o"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpen(t *testing.T) {
	for _, machine := range []string{"x86_64", "s390x", "arm"} {
		f, err := elffile.Open(bytes.NewReader(object(t, machine)))
		if err != nil {
			t.Fatalf("%s: %v", machine, err)
		}
		if symbols, err := f.Symbols(); len(symbols) == 0 || err != nil {
			t.Errorf("%s: %d symbols, %v", machine, len(symbols), err)
		}
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Skip(err)
	}
	defer self.Close()
	if _, err := elffile.Open(self); err != nil {
		t.Error(err)
	}
}

// sections returns the section headers of an x86_64 object by their type, to be changed in place.
func sections(t testing.TB, b []byte, kind elf.SectionType) []byte {
	t.Helper()
	const headerSize = 64
	offset := binary.LittleEndian.Uint64(b[40:])
	for h := b[offset:]; len(h) >= headerSize; h = h[headerSize:] {
		if elf.SectionType(binary.LittleEndian.Uint32(h[4:])) == kind {
			return h[:headerSize]
		}
	}
	t.Fatalf("no section of type %s", kind)
	return nil
}

func TestOpenErrors(t *testing.T) {
	good := object(t, "x86_64")
	changed := func(change func(b []byte)) []byte {
		b := bytes.Clone(good)
		change(b)
		return b
	}
	put := func(kind elf.SectionType, offset int, value uint64) []byte {
		return changed(func(b []byte) { binary.LittleEndian.PutUint64(sections(t, b, kind)[offset:], value) })
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "reading an ELF header: unexpected EOF"},
		{"cut header", good[:40], "reading an ELF header: unexpected EOF"},
		{"cut sections", good[:len(good)-30], "reading ELF section "},
		{"compressed names", put(elf.SHT_STRTAB, 8, uint64(elf.SHF_COMPRESSED)), "has a compressed symbol or string table (ELF section"},
		{"compressed symbols", put(elf.SHT_SYMTAB, 8, uint64(elf.SHF_COMPRESSED)), "has a compressed symbol or string table (ELF section"},
		{"2 GB of symbols", put(elf.SHT_SYMTAB, 32, 2<<30), "has a symbol or string table of 2147483648 bytes (ELF section"},
		{"no names", put(elf.SHT_SYMTAB, 40, 77), "of type SHT_SYMTAB that links to section 77 of"},
		{"many sections", changed(func(b []byte) {
			binary.LittleEndian.PutUint16(b[60:], 0)
			binary.LittleEndian.PutUint64(sections(t, b, elf.SHT_NULL)[32:], 1<<40)
		}), "has more than 262144 ELF sections"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := elffile.Open(bytes.NewReader(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	for _, machine := range []string{"x86_64", "s390x", "arm"} {
		f.Add(object(f, machine))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := elffile.Open(bytes.NewReader(data))
		if err != nil {
			return
		}
		if symbols, err := file.Symbols(); err == nil && len(symbols) > len(data) {
			t.Errorf("%d symbols in %d bytes", len(symbols), len(data))
		}
	})
}
