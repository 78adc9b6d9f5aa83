// SPDX-License-Identifier: Apache-2.0

// Package elffile opens ELF files that are not trusted. According to its documentation, debug/elf is not hardened
// against adversarial input: it decompresses whatever a section asks it to, into memory. So before it gets to
// see a file, what it would load whole is checked here: the section headers, symbol and string tables.
package elffile

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Limits that no kernel and no module reaches.
const (
	maxSections = 1 << 18
	// maxTable bounds symbol tables and the string tables of symbols and sections, in bytes.
	maxTable = 64 << 20
)

// Open parses the headers of an ELF file as elf.NewFile does. Contents of sections are for the caller to bound;
// elf.File.Symbols is safe to call.
func Open(r io.ReaderAt) (*elf.File, error) {
	if err := check(r); err != nil {
		return nil, err
	}
	return elf.NewFile(r)
}

// check reads the section headers. What it finds no sense in is left for elf.NewFile to report.
func check(r io.ReaderAt) error {
	ident := make([]byte, elf.EI_NIDENT)
	if _, err := r.ReadAt(ident, 0); err != nil {
		return fmt.Errorf("reading an ELF header: %w", noEOF(err))
	}
	var order binary.ByteOrder = binary.LittleEndian
	if elf.Data(ident[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	if elf.Class(ident[elf.EI_CLASS]) == elf.ELFCLASS32 {
		return checkClass(r, order, table32, section32)
	}
	return checkClass(r, order, table64, section64)
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// table is where the section headers are.
type table struct {
	offset       uint64
	count, names uint32
	entrySize    uint16
}

// section is what a section header states.
type section struct {
	kind, link  uint32
	flags, size uint64
}

func table32(h *elf.Header32) table {
	return table{uint64(h.Shoff), uint32(h.Shnum), uint32(h.Shstrndx), h.Shentsize}
}

func table64(h *elf.Header64) table {
	return table{h.Shoff, uint32(h.Shnum), uint32(h.Shstrndx), h.Shentsize}
}

func section32(s *elf.Section32) section {
	return section{s.Type, s.Link, uint64(s.Flags), uint64(s.Size)}
}

func section64(s *elf.Section64) section { return section{s.Type, s.Link, s.Flags, s.Size} }

// checkClass checks a file whose headers are of the types H and S.
func checkClass[H, S any](
	r io.ReaderAt, order binary.ByteOrder, tableOf func(*H) table, sectionOf func(*S) section,
) error {
	var h H
	if err := readStruct(r, order, 0, &h); err != nil {
		return fmt.Errorf("reading an ELF header: %w", err)
	}
	t := tableOf(&h)
	if t.offset == 0 || t.offset > 1<<62 {
		return nil
	}
	section := func(i uint32) (section, error) {
		var s S
		err := readStruct(r, order, int64(t.offset)+int64(i)*int64(t.entrySize), &s)
		return sectionOf(&s), err
	}
	if t.count == 0 {
		// More than 65,279 sections: section 0 has the count (elf(5)).
		first, err := section(0)
		if err != nil {
			return fmt.Errorf("reading ELF section 0: %w", err)
		}
		t.count = uint32(min(first.size, maxSections+1))
		t.names = first.link
	}
	if t.count > maxSections {
		return fmt.Errorf("has more than %d ELF sections", maxSections)
	}
	return checkSections(t, section)
}

// readStruct reads a struct of fixed size at offset.
func readStruct(r io.ReaderAt, order binary.ByteOrder, offset int64, into any) error {
	b := make([]byte, binary.Size(into))
	if _, err := r.ReadAt(b, offset); err != nil {
		return noEOF(err)
	}
	_, err := binary.Decode(b, order, into)
	return err
}

// checkSections rejects tables that are compressed or large.
func checkSections(t table, at func(uint32) (section, error)) error {
	for i := range t.count {
		s, err := at(i)
		if err != nil {
			return fmt.Errorf("reading ELF section %d of %d: %w", i, t.count, err)
		}
		kind := elf.SectionType(s.kind)
		if kind != elf.SHT_SYMTAB && kind != elf.SHT_DYNSYM {
			continue
		}
		if err := checkTable(i, s); err != nil {
			return err
		}
		if s.link >= t.count {
			return fmt.Errorf("has ELF section %d of type %s that links to section %d of %d", i, kind, s.link, t.count)
		}
		if err := checkTableAt(s.link, at); err != nil {
			return err
		}
	}
	if t.names < t.count {
		return checkTableAt(t.names, at)
	}
	return nil
}

func checkTableAt(i uint32, at func(uint32) (section, error)) error {
	s, err := at(i)
	if err != nil {
		return fmt.Errorf("reading ELF section %d: %w", i, err)
	}
	return checkTable(i, s)
}

func checkTable(i uint32, s section) error {
	if elf.SectionFlag(s.flags)&elf.SHF_COMPRESSED != 0 {
		return fmt.Errorf("has a compressed symbol or string table (ELF section %d)", i)
	}
	if s.size > maxTable {
		return fmt.Errorf("has a symbol or string table of %d bytes (ELF section %d), want at most %d", s.size, i, maxTable)
	}
	return nil
}
