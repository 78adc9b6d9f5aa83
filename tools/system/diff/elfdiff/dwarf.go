// SPDX-License-Identifier: Apache-2.0

package elfdiff

import (
	"debug/dwarf"
	"encoding/binary"
	"io"
	"strings"
)

const (
	// maxDebug is how many bytes of debug information are loaded of each side, decompressed.
	maxDebug = 32 << 20
	// maxUnits is how many compilation units are read of each side.
	maxUnits = 64
)

// unit is what debug information states of a source file that was compiled.
type unit struct {
	// directory is where the compiler ran (DW_AT_comp_dir), name the file as the compiler was given it.
	directory, name string
	// split reports that the rest is in a .dwo file, by which the unit has a hash of it, the directory included.
	split bool
}

// attrGNUDwoName is DW_AT_GNU_dwo_name, from before DWARF 5.
const attrGNUDwoName dwarf.Attr = 0x2130

// units returns the first compilation units, none if there are none or if they cannot be read. Debug information is
// not trusted: its size is checked ahead, and what package dwarf does not expect ends in a panic of that package.
func (f *file) units() (found []unit) {
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	info := f.sections[".debug_info"]
	if info == nil {
		info = f.sections[".zdebug_info"]
	}
	if info == nil || f.debugSize() > maxDebug {
		return nil
	}
	data, err := f.elf.DWARF()
	if err != nil {
		return nil
	}
	r := data.Reader()
	for _, offset := range unitOffsets(f.contents(info, maxDebug), f.elf.ByteOrder) {
		r.Seek(offset)
		entry, err := r.Next()
		if err != nil || entry == nil {
			break
		}
		directory, _ := entry.Val(dwarf.AttrCompDir).(string)
		name, _ := entry.Val(dwarf.AttrName).(string)
		split := entry.Val(dwarf.AttrDwoName) != nil || entry.Val(attrGNUDwoName) != nil
		found = append(found, unit{directory, name, split})
	}
	return found
}

// debugSize returns the size of all debug information, decompressed.
func (f *file) debugSize() uint64 {
	var sum uint64
	for _, s := range f.elf.Sections {
		if !strings.HasPrefix(s.Name, ".debug_") && !strings.HasPrefix(s.Name, ".zdebug_") {
			continue
		}
		size := max(s.Size, s.FileSize)
		if declared, ok := f.zlibSize(s.Offset); ok {
			size = max(size, declared)
		}
		if sum += size; size > maxDebug || sum > maxDebug {
			return maxDebug + 1
		}
	}
	return sum
}

// zlibHeaderSize is the size of what .zdebug_ sections begin with: "ZLIB", then the decompressed size, big endian.
const zlibHeaderSize = 12

// zlibSize returns the size that such a section states it has once decompressed.
func (f *file) zlibSize(offset uint64) (uint64, bool) {
	var head [zlibHeaderSize]byte
	if _, err := io.ReadFull(io.NewSectionReader(f.raw, int64(offset), zlibHeaderSize), head[:]); err != nil {
		return 0, false
	}
	return binary.BigEndian.Uint64(head[4:]), string(head[:4]) == "ZLIB"
}

// unitOffsets returns where the first entry of each unit is in .debug_info (DWARF 5, 7.5.1; 32-bit format).
func unitOffsets(info []byte, order binary.ByteOrder) []dwarf.Offset {
	const lengthSize, longFormat = 4, 0xfffffff0
	var found []dwarf.Offset
	for start := uint64(0); start+lengthSize+3 < uint64(len(info)) && len(found) < maxUnits; {
		length := order.Uint32(info[start:])
		if length >= longFormat {
			break
		}
		found = append(found, dwarf.Offset(start+unitHeaderSize(info[start:], order)))
		start += lengthSize + uint64(length)
	}
	return found
}

// unitHeaderSize returns the size of the header of a unit.
func unitHeaderSize(b []byte, order binary.ByteOrder) uint64 {
	const beforeVersion5, version5, dwoID, typeFields = 11, 12, 8, 12
	const typeUnit, skeleton, splitCompile, splitType = 2, 4, 5, 6
	if order.Uint16(b[4:]) < 5 {
		return beforeVersion5
	}
	switch b[6] {
	case skeleton, splitCompile:
		return version5 + dwoID
	case typeUnit, splitType:
		return version5 + typeFields
	}
	return version5
}
