// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"

	"rules_modhash/tools/arch"
)

// target is what an ELF header states about the architecture.
type target struct{ arch.Target }

// section is a section of the file with its contents.
type section struct {
	name  string
	kind  elf.SectionType
	flags elf.SectionFlag
	align uint64
	data  []byte
}

// object returns an ELF file of type kind with the sections given, their names added.
func (t target) object(kind elf.Type, sections []section) []byte {
	names := []byte{0}
	for _, s := range sections {
		names = append(append(names, s.name...), 0)
	}
	nameTable := section{name: ".shstrtab", kind: elf.SHT_STRTAB, align: 1}
	nameTable.data = append(append(names, nameTable.name...), 0)
	sections = append(sections, nameTable)

	body, headers := t.layOut(sections)
	var out bytes.Buffer
	t.write(&out, t.fileHeader(kind, len(body), len(sections)+1))
	out.Write(body)
	out.Write(headers)
	return out.Bytes()
}

// layOut returns the contents of all sections, padded so that what follows is aligned, and the table
// of section headers, which starts with the empty one.
func (t target) layOut(sections []section) (body, headers []byte) {
	var table bytes.Buffer
	t.write(&table, t.sectionHeader(section{}, 0, 0))
	start, name := uint64(t.headerSize()), uint32(1)
	for _, s := range sections {
		body = pad(body, start, s.align)
		t.write(&table, t.sectionHeader(s, name, start+uint64(len(body))))
		body = append(body, s.data...)
		name += uint32(len(s.name)) + 1
	}
	return pad(body, start, 8), table.Bytes()
}

// pad appends zeroes until start+len(body) is a multiple of align.
func pad(body []byte, start, align uint64) []byte {
	for (start+uint64(len(body)))%align != 0 {
		body = append(body, 0)
	}
	return body
}

func (t target) headerSize() int {
	if t.Class == elf.ELFCLASS32 {
		return binary.Size(elf.Header32{})
	}
	return binary.Size(elf.Header64{})
}

func (t target) fileHeader(kind elf.Type, body, sections int) any {
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(t.Class), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)}
	if t.ByteOrder() == binary.BigEndian {
		ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	offset := t.headerSize() + body
	if t.Class == elf.ELFCLASS32 {
		return elf.Header32{
			Ident: ident, Type: uint16(kind), Machine: uint16(t.Machine), Version: 1, Shoff: uint32(offset),
			Ehsize: uint16(t.headerSize()), Shentsize: 40, Shnum: uint16(sections), Shstrndx: uint16(sections - 1),
		}
	}
	return elf.Header64{
		Ident: ident, Type: uint16(kind), Machine: uint16(t.Machine), Version: 1, Shoff: uint64(offset),
		Ehsize: uint16(t.headerSize()), Shentsize: 64, Shnum: uint16(sections), Shstrndx: uint16(sections - 1),
	}
}

func (t target) sectionHeader(s section, name uint32, offset uint64) any {
	if t.Class == elf.ELFCLASS32 {
		return elf.Section32{
			Name: name, Type: uint32(s.kind), Flags: uint32(s.flags), Off: uint32(offset),
			Size: uint32(len(s.data)), Addralign: uint32(s.align),
		}
	}
	return elf.Section64{
		Name: name, Type: uint32(s.kind), Flags: uint64(s.flags), Off: offset,
		Size: uint64(len(s.data)), Addralign: s.align,
	}
}

// write cannot fail: the buffer grows, and all values are of fixed size.
func (t target) write(out *bytes.Buffer, value any) {
	if err := binary.Write(out, t.ByteOrder(), value); err != nil {
		panic(fmt.Sprintf("mkmodule: encoding %T: %v", value, err))
	}
}
