// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"rules_modhash/tools/arch/elffile"
	"rules_modhash/tools/archive/codec"
)

// Places in the header of a zImage: arch/arm/boot/compressed/head.S and vmlinux.lds.S. The numbers in it, but not
// always the code, have the byte order of the magic number.
const (
	offsetZImageMagic = 0x24
	offsetZImageStart = 0x28
	offsetZImageEnd   = 0x2c
	offsetZImageOrder = 0x30
	zImageMagic       = 0x016f2818
	zImageOrder       = 0x04030201
	zImageHeaderSize  = 0x34
)

func isZImage(head []byte) bool {
	if len(head) < zImageHeaderSize {
		return false
	}
	magic := head[offsetZImageMagic:]
	return binary.LittleEndian.Uint32(magic) == zImageMagic || binary.BigEndian.Uint32(magic) == zImageMagic
}

// ZImageByteOrder is the byte order of the kernel in a zImage that begins with head: what the word that the header has
// for this looks like. Kernels before 3.17 have none, and their order is that of the magic number.
func ZImageByteOrder(head []byte) binary.ByteOrder {
	if len(head) >= zImageHeaderSize && (binary.BigEndian.Uint32(head[offsetZImageOrder:]) == zImageOrder ||
		binary.BigEndian.Uint32(head[offsetZImageMagic:]) == zImageMagic) {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Places in an s390x boot image: arch/s390/include/asm/setup.h and arch/s390/boot/vmlinux.lds.S.
const (
	offsetS390Mark    = 0x10008
	s390Mark          = "S390EP"
	offsetS390Version = 0x10428
	// offsetS390Plain is where a kernel begins that is not compressed.
	offsetS390Plain = 0x100000
)

func isS390(image io.ReaderAt) bool {
	mark := make([]byte, len(s390Mark))
	_, err := image.ReadAt(mark, offsetS390Mark)
	return err == nil && string(mark) == s390Mark
}

// S390Release returns the release that an s390x boot image names, "" if it names none: those of old kernels do not.
func S390Release(image io.ReaderAt) string {
	var pointer [8]byte
	if _, err := image.ReadAt(pointer[:], offsetS390Version); err != nil {
		return ""
	}
	offset := binary.BigEndian.Uint64(pointer[:])
	if offset == 0 || offset > maxKernel {
		return ""
	}
	return firstWord(image, int64(offset))
}

// S390Kernel returns the kernel's memory in an s390x boot image of size bytes.
func S390Kernel(image io.ReaderAt, size int64) (*io.SectionReader, error) {
	plain := io.NewSectionReader(image, offsetS390Plain, max(size-offsetS390Plain, 0))
	if release, _ := FindBanner(plain); release != "" {
		return io.NewSectionReader(image, offsetS390Plain, plain.Size()), nil
	}
	kernel, err := Payload(io.NewSectionReader(image, 0, size))
	return io.NewSectionReader(bytes.NewReader(kernel), 0, int64(len(kernel))), err
}

// WrappedKernel returns the kernel in a section of an ELF program of KindWrapper, and the program's machine and byte order.
func WrappedKernel(image io.ReaderAt) ([]byte, elf.FileHeader, error) {
	f, err := elffile.Open(image)
	if err != nil {
		return nil, elf.FileHeader{}, fmt.Errorf("reading an ELF file: %w", err)
	}
	if f.Section(wrappedInitramfs) != nil {
		return nil, f.FileHeader, fmt.Errorf("section %s has an initramfs, which is not examined", wrappedInitramfs)
	}
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NOBITS || !slices.Contains(wrappedSections, s.Name) {
			continue
		}
		kernel, err := Payload(io.NewSectionReader(image, int64(s.Offset), int64(min(s.FileSize, maxImage+1))))
		if err != nil {
			err = fmt.Errorf("section %s: %w", s.Name, err)
		}
		return kernel, f.FileHeader, err
	}
	return nil, f.FileHeader, errors.New("has no section with a kernel")
}

const (
	// maxImage bounds the boot images in which a kernel is looked for, in bytes. They have tens of MiB.
	maxImage = 256 << 20
	// maxTries bounds at how many places one is looked for.
	maxTries = 64
)

// Payload returns the decompressed kernel that lies somewhere in a boot image: the first compressed data that hold a
// vmlinux or have the banner of a kernel.
func Payload(image io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(image, maxImage+1))
	if err != nil {
		return nil, fmt.Errorf("reading the boot image: %w", err)
	}
	if len(data) > maxImage {
		return nil, fmt.Errorf("the boot image has more than %d bytes", maxImage)
	}
	search := payloadSearch{data: data, budget: maxKernel}
	for _, at := range search.places() {
		if kernel := search.try(data[at:]); kernel != nil {
			return kernel, nil
		}
	}
	return nil, cmp.Or(search.err, errors.New("no compressed kernel was found in the boot image"))
}

// payloadSearch looks for a compressed kernel.
type payloadSearch struct {
	data []byte
	// budget is how many bytes may still be decompressed.
	budget int64
	// err is why the best place was none.
	err error
}

// places returns where compressed data may begin, at most maxTries of each compression.
func (s *payloadSearch) places() []int {
	var places []int
	for _, magic := range codec.KernelMagics() {
		for at, tries := 0, 0; tries < maxTries; tries++ {
			i := bytes.Index(s.data[at:], []byte(magic))
			if i < 0 {
				break
			}
			places = append(places, at+i)
			at += i + 1
		}
	}
	slices.Sort(places)
	return places
}

// try decompresses data, and returns them if they are a kernel. What follows the compressed data, the decoder may
// take for a part of them that is damaged: that all came out shows the size, which comes after them in 4 bytes.
func (s *payloadSearch) try(data []byte) []byte {
	c, ok := codec.Of(data)
	if !ok || s.budget <= 0 || c.Weak && !isLZMA(data) {
		return nil
	}
	r, err := c.Open(bytes.NewReader(data))
	if err != nil {
		s.note(c, err)
		return nil
	}
	var kernel bytes.Buffer
	n, err := io.Copy(&kernel, io.LimitReader(r, s.budget))
	s.budget -= n
	if !isPayload(kernel.Bytes()) {
		s.note(c, err)
		return nil
	}
	size := binary.LittleEndian.AppendUint32(nil, uint32(n))
	if err != nil && !bytes.Contains(data, size) {
		s.err = fmt.Errorf("decompressing the kernel (%s): %w", c.Name, err)
		return nil
	}
	return kernel.Bytes()
}

// isLZMA checks the size in the header of LZMA, whose mark is little more than a zero: all ones, or that of a kernel.
func isLZMA(data []byte) bool {
	const offsetSize, unknown = 5, 1<<64 - 1
	if len(data) < offsetSize+8 {
		return false
	}
	size := binary.LittleEndian.Uint64(data[offsetSize:])
	return size == unknown || size <= maxKernel
}

// note keeps an error about a mark that is too long to be there by chance.
func (s *payloadSearch) note(c codec.Format, err error) {
	if err != nil && c.Name == "lzo" {
		s.err = fmt.Errorf("decompressing the kernel (%s): %w", c.Name, err)
	}
}

func isPayload(b []byte) bool {
	release, _ := FindBanner(bytes.NewReader(b))
	return release != "" || KindOf(bytes.NewReader(b), int64(len(b))) == KindVmlinux
}
