// SPDX-License-Identifier: Apache-2.0

package module

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/archive/codec"
)

// header is what the ELF header of a module states.
type header struct {
	target arch.Target
	// sectionsEnd is the offset at which the section headers end.
	sectionsEnd uint64
}

// parseHeader reads the first bytes of a file as the header of a relocatable ELF
// object. It reads no further than the header: debug/elf would parse every
// section, which costs more than hashing a small module.
func parseHeader(b []byte) (header, error) {
	if len(b) < elf.EI_NIDENT || !bytes.HasPrefix(b, []byte(elf.ELFMAG)) {
		return header{}, notELF(b)
	}
	t := arch.Target{Class: elf.Class(b[elf.EI_CLASS]), Data: elf.Data(b[elf.EI_DATA])}
	order, err := byteOrder(t.Data)
	if err != nil {
		return header{}, err
	}
	switch t.Class {
	case elf.ELFCLASS32:
		return decode(b, order, t, func(h *elf.Header32) sections {
			return sections{uint64(h.Shoff), h.Shentsize, h.Shnum}
		})
	case elf.ELFCLASS64:
		return decode(b, order, t, func(h *elf.Header64) sections {
			return sections{h.Shoff, h.Shentsize, h.Shnum}
		})
	}
	return header{}, fmt.Errorf("has ELF class %d, want 1 (32-bit) or 2 (64-bit)", b[elf.EI_CLASS])
}

func byteOrder(d elf.Data) (binary.ByteOrder, error) {
	switch d {
	case elf.ELFDATA2LSB:
		return binary.LittleEndian, nil
	case elf.ELFDATA2MSB:
		return binary.BigEndian, nil
	}
	return nil, fmt.Errorf("has ELF byte order %d, want 1 (little endian) or 2 (big endian)", uint8(d))
}

// sections is where an ELF header puts the section headers.
type sections struct {
	offset    uint64
	entrySize uint16
	count     uint16
}

// decode reads b as the header type H. Type and machine lie at the same offset
// in both classes.
func decode[H elf.Header32 | elf.Header64](
	b []byte, order binary.ByteOrder, t arch.Target, where func(*H) sections,
) (header, error) {
	var h H
	if _, err := binary.Decode(b, order, &h); err != nil {
		return header{}, fmt.Errorf("is shorter than an ELF header: %d bytes", len(b))
	}
	if kind := elf.Type(order.Uint16(b[16:])); kind != elf.ET_REL {
		return header{}, fmt.Errorf("is an ELF file of type %s, want ET_REL: modules are relocatable objects",
			kind)
	}
	t.Machine = elf.Machine(order.Uint16(b[18:]))
	s := where(&h)
	if s.offset == 0 || s.count == 0 {
		return header{}, fmt.Errorf("is an ELF file without sections")
	}
	end := s.offset + uint64(s.entrySize)*uint64(s.count)
	if end < s.offset {
		return header{}, fmt.Errorf("has its ELF section headers at offset %d, outside any file", s.offset)
	}
	return header{target: t, sectionsEnd: end}, nil
}

// checkSize detects a truncated file: its section headers, which linkers put last
// and without which the kernel loads nothing, lie after its end.
func (h header) checkSize(size int64) error {
	if h.sectionsEnd > uint64(size) {
		return fmt.Errorf("is truncated: its ELF section headers end at byte %d, the module at %d",
			h.sectionsEnd, size)
	}
	return nil
}

// NotELFError reports a file that does not begin as an ELF file does.
type NotELFError struct {
	// head is the beginning of the file.
	head []byte
}

func notELF(b []byte) error { return &NotELFError{bytes.Clone(b[:min(len(b), 6)])} }

// Error names the compression if the file begins like compressed data.
func (e *NotELFError) Error() string {
	text := fmt.Sprintf("is not an ELF file: it starts with %x", e.head)
	if f, ok := codec.Of(e.head); ok && f.Modules {
		text += fmt.Sprintf(" (%s data: such a file needs a name that ends in .ko%s)", f.Name, f.Suffix)
	}
	return text
}

// Compressed reports whether the file begins like compressed data: what it carries is
// not at its end then.
func (e *NotELFError) Compressed() bool {
	f, ok := codec.Of(e.head)
	return ok && f.Modules
}
