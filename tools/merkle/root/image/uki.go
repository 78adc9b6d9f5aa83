// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"cmp"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// Sections of a unified kernel image (UKI): https://uapi-group.org/specifications/specs/unified_kernel_image/.
const (
	SectionKernel    = ".linux"
	SectionInitramfs = ".initrd"
	// SectionMicrocode is an initramfs as well, with microcode: the stub passes it ahead of SectionInitramfs.
	SectionMicrocode = ".ucode"
	sectionRelease   = ".uname"
	sectionProfile   = ".profile"
)

var (
	// imageSections show that an EFI program boots a kernel: a unified kernel image, one of lanzaboote, whose sections name
	// the kernel by its path, or one of Xen (docs/misc/efi.pandoc in its source).
	imageSections = []string{SectionKernel, sectionProfile, ".kernelp", ".initrdp", ".kernel", ".ramdisk"}
	// addonSections are what is left of the specification's for an addon. A kernel that EFI starts has none of them.
	addonSections = []string{
		SectionInitramfs, SectionMicrocode, sectionRelease, ".cmdline", ".dtb", ".dtbauto", ".hwids", ".efifw",
	}
)

// harmlessSections hold neither a kernel nor an initramfs, nor anything that is run before the kernel that could be
// one. Not in here is what names a file, or is code for another processor: .efifw.
var harmlessSections = []string{
	// The UAPI group's specification of unified kernel images; systemd's src/fundamental/uki.c.
	".osrel", ".cmdline", ".uname", ".sbat", ".pcrsig", ".pcrpkey", ".splash", ".dtb", ".dtbauto", ".hwids", ".profile",
	// The stub's own: systemd's src/boot (.sdmagic), the rest what linkers make of programs in C and Rust, by Microsoft's
	// specification of the PE format; .sbatlevel and .vendor_cert are of shim.
	".sdmagic", ".text", ".rodata", ".rdata", ".data", ".bss", ".reloc", ".idata", ".edata", ".pdata", ".xdata", ".rsrc",
	".tls", ".dynamic", ".dynsym", ".dynstr", ".rela", ".rela.dyn", ".gnu.hash", ".hash", ".eh_frame", ".eh_fram",
	".got", ".buildid", ".note", ".sbatlevel", ".comment",
}

// HarmlessSection reports whether an EFI program's section of this name is known to hold neither a kernel nor an
// initramfs.
func HarmlessSection(name string) bool { return slices.Contains(harmlessSections, name) }

// IsPE reports whether a file that begins with head is a program for EFI: a unified kernel image, maybe. So are kernels
// that EFI starts: look for those first.
func IsPE(head []byte) bool {
	return len(head) >= 2 && string(head[:2]) == "MZ"
}

// SectionInfo is a section of an EFI program. Offset and Size are in bytes, without the padding at its end.
type SectionInfo struct {
	Name         string
	Offset, Size int64
}

// Open returns the contents of a section of image.
func (s SectionInfo) Open(image io.ReaderAt) *io.SectionReader {
	return io.NewSectionReader(image, s.Offset, s.Size)
}

// Sections returns all sections of an EFI program, in their order. Several may have the same name: each .profile begins
// a profile of a unified kernel image, whose sections take the place of those ahead of the first one. A section that
// ends outside the file is an error.
//
// pe.NewFile reads the relocations of all sections, which images have none of, and of which a small file can ask for
// as many gigabytes as it likes: headers are read here.
func Sections(image io.ReaderAt) ([]SectionInfo, error) {
	headers, err := readSections(image)
	if err != nil {
		return nil, fmt.Errorf("reading an EFI program: %w", err)
	}
	sections := make([]SectionInfo, 0, len(headers))
	for i, h := range headers {
		s := sectionInfo(h)
		var last [1]byte
		if s.Size > 0 {
			if _, err := image.ReadAt(last[:], s.Offset+s.Size-1); err != nil {
				return nil, fmt.Errorf("is an EFI program whose section %d (%s) ends at byte %d, which the file does not have: %w",
					i, s.Name, s.Offset+s.Size, noEOF(err))
			}
		}
		sections = append(sections, s)
	}
	return sections, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sectionInfo returns where a section lies. As for systemd's stub (src/fundamental/pe.c), the smaller of its sizes
// counts; some tools leave the size in memory out. One without initialized data has no contents.
func sectionInfo(h pe.SectionHeader32) SectionInfo {
	s := SectionInfo{Name: sectionName(h), Offset: int64(h.PointerToRawData)}
	if h.PointerToRawData != 0 {
		s.Size = int64(min(h.SizeOfRawData, cmp.Or(h.VirtualSize, h.SizeOfRawData)))
	}
	return s
}

func sectionName(h pe.SectionHeader32) string {
	name, _, _ := bytes.Cut(h.Name[:], []byte{0})
	return string(name)
}

// Section returns the first section of that name in an EFI program. One without this section is an error.
func Section(image io.ReaderAt, name string) (*io.SectionReader, error) {
	sections, err := Sections(image)
	if err != nil {
		return nil, err
	}
	for _, s := range sections {
		if s.Name == name {
			return s.Open(image), nil
		}
	}
	return nil, fmt.Errorf("is an EFI program without a section %s", name)
}

// readSections reads the table of sections, which follows the file header, to which the DOS header points, and the
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
	return releaseText(s)
}

// ReleaseOfKernel returns the release that a section .uname names for the kernel in sections[kernel]: that of its
// profile, else that ahead of all profiles, else "".
func ReleaseOfKernel(image io.ReaderAt, sections []SectionInfo, kernel int) string {
	first := profileStart(sections, 0)
	start := 0
	for i, s := range sections[:kernel] {
		if s.Name == sectionProfile {
			start = i
		}
	}
	own := sections[start : kernel+profileStart(sections[kernel:], 0)]
	for _, part := range [][]SectionInfo{own, sections[:first]} {
		for _, s := range part {
			if s.Name == sectionRelease {
				return releaseText(s.Open(image))
			}
		}
	}
	return ""
}

// profileStart returns the index of the first profile from an index on, or how many sections there are.
func profileStart(sections []SectionInfo, from int) int {
	for i := from; i < len(sections); i++ {
		if sections[i].Name == sectionProfile {
			return i
		}
	}
	return len(sections)
}

// releaseText returns the release that is all of a text.
func releaseText(r io.Reader) string {
	text, err := io.ReadAll(io.LimitReader(r, 2*maxRelease))
	if err != nil {
		return ""
	}
	return validRelease(bytes.TrimRight(text, "\x00\n"))
}
