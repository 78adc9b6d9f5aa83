// SPDX-License-Identifier: Apache-2.0

package imagetest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/root/object"
)

// ELF is an ELF file to be made. All of its sections are loaded.
type ELF struct {
	// Machine is the name of one of the machines of package object, with 64 bits.
	Machine  string
	Type     elf.Type
	Sections []ELFSection
	// Symbols are addresses by name; all are in the first section.
	Symbols []elf.Symbol
}

// ELFSection is a section of an ELF file.
type ELFSection struct {
	Name    string
	Address uint64
	Data    []byte
}

// Bytes returns the file.
func (e ELF) Bytes(t testing.TB) []byte {
	t.Helper()
	m, err := arch.Named(e.Machine)
	if err != nil {
		t.Fatal(err)
	}
	w := elfWriter{t: t, order: binary.LittleEndian, names: []byte{0}, headers: make([]elf.Section64, 1)}
	if m.Target.Data == elf.ELFDATA2MSB {
		w.order = binary.BigEndian
	}
	header := elf.Header64{
		Type: uint16(e.Type), Machine: uint16(m.Target.Machine), Version: 1,
		Ehsize: 64, Phentsize: 56, Shentsize: 64, Phoff: 64, Phnum: uint16(len(e.Sections)),
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(m.Target.Data)
	header.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	w.body = make([]byte, int(header.Phoff)+len(e.Sections)*int(header.Phentsize))
	for i, s := range e.Sections {
		segment := elf.Prog64{
			Type: uint32(elf.PT_LOAD), Off: uint64(len(w.body)), Vaddr: s.Address,
			Filesz: uint64(len(s.Data)), Memsz: uint64(len(s.Data)),
		}
		w.section(s.Name, elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC), Addr: s.Address}, s.Data)
		copy(w.body[int(header.Phoff)+i*int(header.Phentsize):], w.encode(segment))
	}
	w.symbols(e.Symbols)
	w.section(".shstrtab", elf.Section64{Type: uint32(elf.SHT_STRTAB)}, append(w.names, ".shstrtab\x00"...))
	header.Shoff, header.Shnum, header.Shstrndx = uint64(len(w.body)), uint16(len(w.headers)), uint16(len(w.headers)-1)
	copy(w.body, w.encode(header))
	return append(w.body, w.encode(w.headers)...)
}

// elfWriter collects what an ELF file consists of.
type elfWriter struct {
	t           testing.TB
	order       binary.ByteOrder
	body, names []byte
	headers     []elf.Section64
}

func (w *elfWriter) encode(v any) []byte {
	var b bytes.Buffer
	if err := binary.Write(&b, w.order, v); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes()
}

func (w *elfWriter) section(name string, header elf.Section64, data []byte) {
	header.Name, header.Off, header.Size = uint32(len(w.names)), uint64(len(w.body)), uint64(len(data))
	w.names = append(append(w.names, name...), 0)
	w.body = append(w.body, data...)
	w.headers = append(w.headers, header)
}

// symbols writes a symbol table, unless it has none.
func (w *elfWriter) symbols(symbols []elf.Symbol) {
	if len(symbols) == 0 {
		return
	}
	table, names := []elf.Sym64{{}}, []byte{0}
	for _, s := range symbols {
		table = append(table, elf.Sym64{
			Name: uint32(len(names)), Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT), Shndx: 1, Value: s.Value, Size: s.Size,
		})
		names = append(append(names, s.Name...), 0)
	}
	w.section(".symtab", elf.Section64{
		Type: uint32(elf.SHT_SYMTAB), Link: uint32(len(w.headers) + 1), Info: 1, Entsize: 24,
	}, w.encode(table))
	w.section(".strtab", elf.Section64{Type: uint32(elf.SHT_STRTAB)}, names)
}

// kernelStart is the address of _text in SystemMap.
const kernelStart = 0xffff800080000000

// VmlinuxOf returns a kernel of a release for a machine with 64 bits: its memory in one section, and symbols as
// SystemMapWithBanner has them, unless it is stripped.
func VmlinuxOf(t testing.TB, machine string, root merkle.Root, release string, stripped bool) []byte {
	t.Helper()
	m, err := arch.Named(machine)
	if err != nil {
		t.Fatal(err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if m.Target.Data == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	e := ELF{Machine: machine, Type: elf.ET_EXEC, Sections: []ELFSection{
		{".text", kernelStart, Memory(order, root, release)}, {"__ksymtab", kernelStart + memorySize, []byte{0}},
	}}
	if !stripped {
		e.Symbols = []elf.Symbol{
			{Name: "_text", Value: kernelStart},
			{Name: object.SymbolName, Value: kernelStart + rootOffset, Size: object.Size},
			{Name: "linux_banner", Value: kernelStart + bannerOffset},
		}
	}
	return e.Bytes(t)
}
