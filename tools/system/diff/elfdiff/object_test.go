// SPDX-License-Identifier: Apache-2.0

package elfdiff_test

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"
)

// These tests make their modules by hand, with debug information as compilers write it, so that they need none.

// object is a module.
type object struct {
	// dir and name are where the compiler ran and the file as it was given it; no debug information if dir is "".
	dir, name string
	// dwarf is the version, 5 if 0; compress is "", ".debug" (SHF_COMPRESSED) or ".zdebug".
	dwarf    int
	compress string
	// broken has abbreviations that make no sense, bomb a compressed section that states it has 2^60 bytes.
	broken, bomb bool
	// split refers to a .dwo file.
	split bool
	// texts are strings in .rodata.str1.1, identifiers in .debug_str.
	texts, identifiers []string
	// number and zeros are in .data.
	number byte
	zeros  int
	// code is .text, info .modinfo; lines stands for whatever debug information has apart from texts.
	code, info string
	lines      byte
	// bits is 32 for a machine with SHT_REL, for which the addend in .text is the offset of the last text.
	bits int
	// symbol is the name of a function.
	symbol string
}

// part is a section.
type part struct {
	name       string
	kind       elf.SectionType
	flags      elf.SectionFlag
	link, info int
	entry      int
	data       []byte
}

// strtab collects strings that end with NUL.
type strtab struct{ bytes.Buffer }

func (s *strtab) add(text string) uint32 {
	at := s.Len()
	s.WriteString(text + "\x00")
	return uint32(at)
}

// The indices of sections that others refer to.
const (
	textIndex = iota + 1
	symtabIndex
	strtabIndex
	debugStrIndex
	debugLineStrIndex
	debugInfoIndex
)

func (o object) make(t testing.TB) []byte {
	t.Helper()
	var texts, symbols strtab
	last := uint32(0)
	for _, text := range o.texts {
		last = texts.add(text)
	}
	symbols.add("")
	name := symbols.add(o.symbol)
	code := []byte(o.code)
	if o.bits == 32 {
		code = binary.LittleEndian.AppendUint32(code, last)
	}
	str, lineStr, info, abbrev, relocations := o.debug()
	parts := []part{
		{name: ".text", kind: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, data: code},
		{name: ".symtab", kind: elf.SHT_SYMTAB, link: strtabIndex, info: 3, entry: 24, data: o.symtab(name)},
		{name: ".strtab", kind: elf.SHT_STRTAB, data: symbols.Bytes()},
		{name: ".debug_str", kind: elf.SHT_PROGBITS, data: str},
		{name: ".debug_line_str", kind: elf.SHT_PROGBITS, data: lineStr},
		{name: ".debug_info", kind: elf.SHT_PROGBITS, data: info},
		{name: ".debug_abbrev", kind: elf.SHT_PROGBITS, data: abbrev},
		{name: ".rela.debug_info", kind: elf.SHT_RELA, link: symtabIndex, info: debugInfoIndex, entry: 24, data: relocations},
		{name: ".rodata.str1.1", kind: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_MERGE | elf.SHF_STRINGS, data: texts.Bytes()},
		{name: ".data", kind: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE, data: append([]byte{o.number}, make([]byte, o.zeros)...)},
		{name: ".modinfo", kind: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, data: []byte(o.info + "\x00")},
		{name: ".note.gnu.build-id", kind: elf.SHT_NOTE, flags: elf.SHF_ALLOC, data: []byte("\x04\x00\x00\x00\x04\x00\x00\x00\x03\x00\x00\x00GNU\x00same")},
	}
	if o.bits == 32 {
		rel := binary.LittleEndian.AppendUint32(nil, uint32(len(o.code)))
		parts = append(parts, part{name: ".rel.text", kind: elf.SHT_REL, link: symtabIndex, info: textIndex, entry: 8, data: append(rel, 1, 1, 0, 0)})
	}
	for i := range parts {
		o.compressPart(t, &parts[i])
	}
	if o.bits == 32 {
		return writeELF(t, parts, elf.Header32{}, func(s elf.Section64) any {
			return elf.Section32{
				Name: s.Name, Type: s.Type, Flags: uint32(s.Flags), Off: uint32(s.Off), Size: uint32(s.Size), Link: s.Link,
				Info: s.Info, Addralign: uint32(s.Addralign), Entsize: uint32(s.Entsize),
			}
		})
	}
	return writeELF(t, parts, elf.Header64{}, func(s elf.Section64) any { return s })
}

// symtab has the symbols of .debug_str and .debug_line_str, and a function.
func (o object) symtab(name uint32) []byte {
	var out bytes.Buffer
	for _, s := range []elf.Sym64{
		{}, {Info: byte(elf.STT_SECTION), Shndx: debugStrIndex}, {Info: byte(elf.STT_SECTION), Shndx: debugLineStrIndex},
		{Name: name, Info: byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_FUNC), Shndx: textIndex},
	} {
		if o.bits == 32 {
			binary.Write(&out, binary.LittleEndian, elf.Sym32{Name: s.Name, Info: s.Info, Shndx: s.Shndx})
		} else {
			binary.Write(&out, binary.LittleEndian, s)
		}
	}
	return out.Bytes()
}

// debug returns debug information of one unit: the texts are found by relocations, as in all relocatable files.
func (o object) debug() (str, lineStr, info, abbrev, relocations []byte) {
	if o.dir == "" {
		return nil, nil, nil, nil, nil
	}
	const strp, lineStrp, data1, compileUnit, relocation32 = 0x0e, 0x1f, 0x0b, 0x11, 10
	var inStr, inLineStr strtab
	for _, identifier := range append([]string{"int"}, o.identifiers...) {
		inStr.add(identifier)
	}
	names, symbol, form, header := &inLineStr, uint64(2), byte(lineStrp), []byte{5, 0, 1, 8, 0, 0, 0, 0}
	if o.dwarf == 4 {
		names, symbol, form, header = &inStr, 1, strp, []byte{4, 0, 0, 0, 0, 0, 8}
	}
	places := []uint32{names.add(o.name), names.add(o.dir), inStr.add("GNU C11 16.2.0 -g -O2")}
	unit := append(header, 1)
	for i, place := range places {
		if i == 2 {
			symbol = 1
		}
		relocations = binary.LittleEndian.AppendUint64(relocations, uint64(len(unit)+4))
		relocations = binary.LittleEndian.AppendUint64(relocations, symbol<<32|relocation32)
		relocations = binary.LittleEndian.AppendUint64(relocations, uint64(place))
		unit = append(unit, 0, 0, 0, 0)
	}
	unit = append(unit, o.lines)
	abbrev = []byte{1, compileUnit, 0, 0x03, form, 0x1b, form, 0x25, strp, 0x13, data1, 0, 0, 0}
	if o.split {
		const dwoName, stringForm = 0x76, 0x08
		unit = append(unit, "m.dwo\x00"...)
		abbrev = append(abbrev[:len(abbrev)-3], dwoName, stringForm, 0, 0, 0)
	}
	info = append(binary.LittleEndian.AppendUint32(nil, uint32(len(unit))), unit...)
	if o.broken {
		abbrev[0] = 9
	}
	return inStr.Bytes(), inLineStr.Bytes(), info, abbrev, relocations
}

// compressPart compresses a section of debug information.
func (o object) compressPart(t testing.TB, p *part) {
	if o.compress == "" || !strings.HasPrefix(p.name, ".debug_") {
		return
	}
	var out bytes.Buffer
	size := uint64(len(p.data))
	if o.bomb {
		size = 1 << 60
	}
	if o.compress == ".zdebug" {
		p.name = strings.Replace(p.name, ".debug", ".zdebug", 1)
		out.WriteString("ZLIB")
		binary.Write(&out, binary.BigEndian, size)
	} else {
		p.flags |= elf.SHF_COMPRESSED
		binary.Write(&out, binary.LittleEndian, elf.Chdr64{Type: uint32(elf.COMPRESS_ZLIB), Size: size, Addralign: 1})
	}
	w := zlib.NewWriter(&out)
	if _, err := w.Write(p.data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	p.data = out.Bytes()
}

// writeELF writes a relocatable file for x86.
func writeELF[H elf.Header32 | elf.Header64](t testing.TB, parts []part, header H, sectionOf func(elf.Section64) any) []byte {
	t.Helper()
	size, entry := binary.Size(header), binary.Size(sectionOf(elf.Section64{}))
	var names strtab
	names.add("")
	table := []any{sectionOf(elf.Section64{})}
	body := make([]byte, size)
	parts = append(parts, part{name: ".shstrtab", kind: elf.SHT_STRTAB})
	for i, p := range parts {
		name := names.add(p.name)
		if i == len(parts)-1 {
			p.data = names.Bytes()
		}
		table = append(table, sectionOf(elf.Section64{
			Name: name, Type: uint32(p.kind), Flags: uint64(p.flags), Off: uint64(len(body)), Size: uint64(len(p.data)),
			Link: uint32(p.link), Info: uint32(p.info), Addralign: 1, Entsize: uint64(p.entry),
		}))
		body = append(body, p.data...)
	}
	var out bytes.Buffer
	switch h := any(&header).(type) {
	case *elf.Header64:
		*h = elf.Header64{Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: 1, Shoff: uint64(len(body))}
		h.Ident = [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1}
		h.Ehsize, h.Shentsize, h.Shnum, h.Shstrndx = uint16(size), uint16(entry), uint16(len(table)), uint16(len(table)-1)
	case *elf.Header32:
		*h = elf.Header32{Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_386), Version: 1, Shoff: uint32(len(body))}
		h.Ident = [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS32), byte(elf.ELFDATA2LSB), 1}
		h.Ehsize, h.Shentsize, h.Shnum, h.Shstrndx = uint16(size), uint16(entry), uint16(len(table)), uint16(len(table)-1)
	}
	binary.Write(&out, binary.LittleEndian, header)
	out.Write(body[size:])
	for _, s := range table {
		binary.Write(&out, binary.LittleEndian, s)
	}
	return out.Bytes()
}
