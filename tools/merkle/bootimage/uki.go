// SPDX-License-Identifier: Apache-2.0

package bootimage

import (
	"bytes"
	"cmp"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

// Sections of a unified kernel image (UKI): https://uapi-group.org/specifications/specs/unified_kernel_image/.
const (
	SectionKernel    = ".linux"
	SectionInitramfs = ".initrd"
	sectionRelease   = ".uname"
)

// IsPE reports whether a file that begins with head is a program for EFI: a unified kernel image, maybe. So are kernels
// that EFI starts: look for those first.
func IsPE(head []byte) bool {
	return len(head) >= 2 && string(head[:2]) == "MZ"
}

// Section returns a section of a unified kernel image, without the padding at its end. One without this section is
// an error.
//
// pe.NewFile reads the relocations of all sections, which images have none of, and of which a small file can ask for
// as many gigabytes as it likes: headers are read here.
func Section(image io.ReaderAt, name string) (*io.SectionReader, error) {
	sections, err := readSections(image)
	if err != nil {
		return nil, fmt.Errorf("reading an EFI program: %w", err)
	}
	for _, s := range sections {
		if string(bytes.TrimRight(s.Name[:], "\x00")) == name {
			// Some tools leave the size in memory out.
			size := min(s.SizeOfRawData, cmp.Or(s.VirtualSize, s.SizeOfRawData))
			return io.NewSectionReader(image, int64(s.PointerToRawData), int64(size)), nil
		}
	}
	return nil, fmt.Errorf("is an EFI program without a section %s", name)
}

// readSections reads the table of sections: behind the file header, which is where the DOS header says, and the
// optional header.
func readSections(image io.ReaderAt) ([]pe.SectionHeader32, error) {
	r := io.NewSectionReader(image, 0, math.MaxInt64)
	var dos struct {
		_      [0x3c]byte
		Header uint32
	}
	var header struct {
		Signature [4]byte
		pe.FileHeader
	}
	if err := binary.Read(r, binary.LittleEndian, &dos); err != nil {
		return nil, err
	}
	if _, err := r.Seek(int64(dos.Header), io.SeekStart); err != nil {
		return nil, err
	}
	if err := binary.Read(r, binary.LittleEndian, &header); err != nil {
		return nil, err
	}
	if string(header.Signature[:]) != "PE\x00\x00" {
		return nil, fmt.Errorf("it starts with MZ, but has %x where PE should be", header.Signature)
	}
	if _, err := r.Seek(int64(header.SizeOfOptionalHeader), io.SeekCurrent); err != nil {
		return nil, err
	}
	sections := make([]pe.SectionHeader32, header.NumberOfSections)
	return sections, binary.Read(r, binary.LittleEndian, sections)
}

// SectionRelease returns the kernel release that a unified kernel image names, "" if it names none.
func SectionRelease(image io.ReaderAt) string {
	s, err := Section(image, sectionRelease)
	if err != nil {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(s, maxRelease))
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(text), "\x00\n")
}
