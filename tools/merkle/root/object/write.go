// SPDX-License-Identifier: Apache-2.0

package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
)

const (
	// SectionName is the section that holds the root.
	SectionName = ".module_hashes"
	// SymbolName is the symbol that the kernel declares as the root.
	SymbolName = "module_hashes_root"
	// Size is the size in bytes of section and symbol: levels and root hash.
	Size = 4 + merkle.HashSize
	// alignment is that of the levels, a u32.
	alignment = 4
)

// The sections of a root object, in the order of the section headers.
const (
	sectionNull = iota
	sectionRoot
	// sectionStackNote is empty. Where it is missing, linkers assume that an
	// object wants an executable stack.
	sectionStackNote
	sectionSymbols
	sectionStrings
	sectionCount
)

// Encode returns the 36 bytes of root in the given byte order.
func Encode(root merkle.Root, order binary.ByteOrder) []byte {
	b := make([]byte, Size)
	order.PutUint32(b, root.Levels)
	copy(b[4:], root.Hash[:])
	return b
}

// Write returns a relocatable ELF object for m that defines the root. The same
// arguments give the same bytes.
func Write(m arch.Architecture, root merkle.Root) ([]byte, error) {
	if err := root.Check(); err != nil {
		return nil, fmt.Errorf("writing a root object: %w", err)
	}
	w := &objectWriter{machine: m, order: m.Target.ByteOrder(), is64: m.Target.Class == elf.ELFCLASS64}
	return w.object(Encode(root, w.order)), nil
}

// objectWriter lays out an object: ELF header, root, symbols, strings, section
// headers.
type objectWriter struct {
	machine arch.Architecture
	order   binary.ByteOrder
	is64    bool
	out     bytes.Buffer
	strings stringTable
}

func (w *objectWriter) object(root []byte) []byte {
	w.strings.add("")
	sections := make([]elf.Section64, sectionCount)
	w.out.Write(make([]byte, w.headerSize()))
	sections[sectionRoot] = w.section(SectionName, elf.SHT_PROGBITS, alignment, root)
	sections[sectionRoot].Flags = uint64(elf.SHF_ALLOC)
	sections[sectionStackNote] = w.section(".note.GNU-stack", elf.SHT_PROGBITS, 1, nil)
	sections[sectionSymbols] = w.section(".symtab", elf.SHT_SYMTAB, w.wordSize(), w.symbols())
	sections[sectionSymbols].Link = sectionStrings
	sections[sectionSymbols].Info = 1 // index of the first symbol that is not local
	sections[sectionSymbols].Entsize = uint64(len(w.symbol(elf.Sym64{})))
	// The table holds its own section's name: add it before it is written.
	w.strings.add(".strtab")
	sections[sectionStrings] = w.section(".strtab", elf.SHT_STRTAB, 1, w.strings.data.Bytes())
	w.align(w.wordSize())
	offset := w.out.Len()
	for _, s := range sections {
		w.out.Write(w.sectionHeader(s))
	}
	object := w.out.Bytes()
	copy(object, w.header(uint64(offset)))
	return object
}

// section appends data to the file and returns its section header.
func (w *objectWriter) section(name string, kind elf.SectionType, align int, data []byte) elf.Section64 {
	w.align(align)
	s := elf.Section64{
		Name: w.strings.add(name), Type: uint32(kind), Off: uint64(w.out.Len()),
		Size: uint64(len(data)), Addralign: uint64(align),
	}
	w.out.Write(data)
	return s
}

func (w *objectWriter) align(n int) {
	for w.out.Len()%n != 0 {
		w.out.WriteByte(0)
	}
}

// symbols returns the symbol table: the mandatory null symbol and the root.
func (w *objectWriter) symbols() []byte {
	return append(w.symbol(elf.Sym64{}), w.symbol(elf.Sym64{
		Name: w.strings.add(SymbolName), Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT),
		Shndx: sectionRoot, Size: Size,
	})...)
}

func (w *objectWriter) headerSize() int {
	if w.is64 {
		return binary.Size(elf.Header64{})
	}
	return binary.Size(elf.Header32{})
}

func (w *objectWriter) wordSize() int {
	if w.is64 {
		return 8
	}
	return 4
}

// header returns the ELF header, the section headers being at offset.
func (w *objectWriter) header(offset uint64) []byte {
	m := w.machine
	h := elf.Header64{
		Type: uint16(elf.ET_REL), Machine: uint16(m.Target.Machine), Version: uint32(elf.EV_CURRENT),
		Shoff: offset, Flags: m.Flags, Ehsize: uint16(w.headerSize()),
		Shentsize: uint16(len(w.sectionHeader(elf.Section64{}))), Shnum: sectionCount, Shstrndx: sectionStrings,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA] = byte(m.Target.Class), byte(m.Target.Data)
	h.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	if w.is64 {
		return w.encode(h)
	}
	return w.encode(elf.Header32{
		Ident: h.Ident, Type: h.Type, Machine: h.Machine, Version: h.Version, Shoff: uint32(offset),
		Flags:  h.Flags,
		Ehsize: h.Ehsize, Shentsize: h.Shentsize, Shnum: h.Shnum, Shstrndx: h.Shstrndx,
	})
}

func (w *objectWriter) sectionHeader(s elf.Section64) []byte {
	if w.is64 {
		return w.encode(s)
	}
	return w.encode(elf.Section32{
		Name: s.Name, Type: s.Type, Flags: uint32(s.Flags), Off: uint32(s.Off), Size: uint32(s.Size),
		Link: s.Link, Info: s.Info, Addralign: uint32(s.Addralign), Entsize: uint32(s.Entsize),
	})
}

func (w *objectWriter) symbol(s elf.Sym64) []byte {
	if w.is64 {
		return w.encode(s)
	}
	return w.encode(elf.Sym32{Name: s.Name, Info: s.Info, Shndx: s.Shndx, Size: uint32(s.Size)})
}

// encode returns a structure of debug/elf in the target's byte order.
func (w *objectWriter) encode(structure any) []byte {
	b, err := binary.Append(nil, w.order, structure)
	if err != nil {
		panic("object: encoding a structure of fixed size: " + err.Error())
	}
	return b
}

// stringTable is an ELF string table in the making.
type stringTable struct {
	data  bytes.Buffer
	index map[string]uint32
}

// add returns the offset of s, which it appends unless it is there.
func (t *stringTable) add(s string) uint32 {
	if offset, ok := t.index[s]; ok {
		return offset
	}
	if t.index == nil {
		t.index = map[string]uint32{}
	}
	offset := uint32(t.data.Len())
	t.index[s] = offset
	t.data.WriteString(s)
	t.data.WriteByte(0)
	return offset
}
