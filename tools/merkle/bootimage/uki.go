// SPDX-License-Identifier: Apache-2.0

package bootimage

import (
	"debug/pe"
	"fmt"
	"io"
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
func Section(image io.ReaderAt, name string) (*io.SectionReader, error) {
	f, err := pe.NewFile(image)
	if err != nil {
		return nil, fmt.Errorf("reading an EFI program: %w", err)
	}
	defer f.Close()
	s := f.Section(name)
	if s == nil {
		return nil, fmt.Errorf("is an EFI program without a section %s", name)
	}
	size := s.Size
	if s.VirtualSize != 0 && s.VirtualSize < size {
		size = s.VirtualSize
	}
	return io.NewSectionReader(image, int64(s.Offset), int64(size)), nil
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
