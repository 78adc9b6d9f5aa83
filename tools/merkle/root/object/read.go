// SPDX-License-Identifier: Apache-2.0

package object

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/arch/elffile"
	"rules_modhash/tools/merkle/merkle"
)

// Format states in what kind of file a root was found.
type Format string

// The kinds of ELF file that carry a root.
const (
	FormatObject  Format = "root object"
	FormatVmlinux Format = "vmlinux"
)

// Found is a root read from an ELF file.
type Found struct {
	Root merkle.Root
	// Format is FormatObject for relocatable files, FormatVmlinux for linked ones.
	Format Format
	// Target is the ELF target of the file.
	Target arch.Target
}

// Read finds the root in an ELF file: a root object, vmlinux or vmlinux.unstripped.
// It takes the symbol module_hashes_root where there is a symbol table, else the
// section .module_hashes. A file without either, with a symbol or section of
// another size than 36 bytes, or with a root that no tree has is an error.
func Read(r io.ReaderAt) (Found, error) {
	f, err := elffile.Open(r)
	if err != nil {
		return Found{}, fmt.Errorf("reading an ELF file: %w", err)
	}
	defer f.Close()
	found := Found{
		Format: FormatVmlinux, Target: arch.Target{Class: f.Class, Data: f.Data, Machine: f.Machine},
	}
	if f.Type == elf.ET_REL {
		found.Format = FormatObject
	}
	p, err := findRoot(f)
	if err != nil {
		return Found{}, err
	}
	b, err := p.read()
	if err != nil {
		return Found{}, err
	}
	found.Root = decode(b, f.ByteOrder)
	return found, found.Root.Check()
}

// decode returns the root whose 36 bytes are b.
func decode(b []byte, order binary.ByteOrder) merkle.Root {
	return merkle.Root{Levels: order.Uint32(b), Hash: merkle.Hash(b[4:])}
}

// place is where the root lies: an offset into a section.
type place struct {
	section *elf.Section
	offset  uint64
}

// findRoot returns where the 36 bytes of the root lie.
func findRoot(f *elf.File) (place, error) {
	symbol, err := findSymbol(f)
	if err != nil {
		return place{}, err
	}
	if symbol != nil {
		return symbolPlace(f, symbol)
	}
	s := f.Section(SectionName)
	if s == nil {
		return place{}, fmt.Errorf("has neither a symbol %s nor a section %s: "+
			"was the kernel built with CONFIG_MODULE_HASHES?", SymbolName, SectionName)
	}
	if s.Size != Size {
		return place{}, fmt.Errorf("section %s has %d bytes, want %d", SectionName, s.Size, Size)
	}
	return place{s, 0}, nil
}

// findSymbol returns the root's symbol, or nil if the file has none.
func findSymbol(f *elf.File) (*elf.Symbol, error) {
	symbols, err := f.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading ELF symbols: %w", err)
	}
	var found *elf.Symbol
	for i, s := range symbols {
		if s.Name != SymbolName || s.Section == elf.SHN_UNDEF {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("has more than one symbol %s", SymbolName)
		}
		found = &symbols[i]
	}
	return found, nil
}

// symbolPlace returns what the symbol names: an offset into its section in
// relocatable files, an address in linked ones.
func symbolPlace(f *elf.File, symbol *elf.Symbol) (place, error) {
	if symbol.Size != Size {
		return place{}, fmt.Errorf("symbol %s has %d bytes, want %d", SymbolName, symbol.Size, Size)
	}
	if int(symbol.Section) >= len(f.Sections) {
		return place{}, fmt.Errorf("symbol %s is in section %d, the file has %d",
			SymbolName, symbol.Section, len(f.Sections))
	}
	s := f.Sections[symbol.Section]
	offset := symbol.Value
	if f.Type != elf.ET_REL {
		offset -= s.Addr
	}
	if s.Size < Size || offset > s.Size-Size {
		return place{}, fmt.Errorf("symbol %s is not inside its section %s", SymbolName, s.Name)
	}
	return place{s, offset}, nil
}

// read returns the 36 bytes of the root.
func (p place) read() ([]byte, error) {
	s := p.section
	if s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_COMPRESSED != 0 {
		return nil, fmt.Errorf("section %s has no plain contents in the file (type %s, flags %s)",
			s.Name, s.Type, s.Flags)
	}
	b := make([]byte, Size)
	if _, err := s.ReadAt(b, int64(p.offset)); err != nil {
		return nil, fmt.Errorf("reading the root in section %s: %w", s.Name, err)
	}
	return b, nil
}
