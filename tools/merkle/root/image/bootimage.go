// SPDX-License-Identifier: Apache-2.0

// Package image knows boot images by their contents, and takes the kernel out of them: an x86 boot image (bzImage),
// which is a compressed vmlinux after the boot loader's code; an Image of arm64, riscv64 or loongarch64, which is the
// kernel's memory; a zImage and an s390x boot image, which have the kernel's memory compressed; and a unified kernel
// image, which holds any of these.
//
// The header of a bzImage is that of the x86 boot protocol, Documentation/arch/x86/boot.rst in
// the kernel's source; compressions are those of arch/x86/boot/compressed/Makefile.
package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"rules_modhash/tools/archive/codec"
)

// Places in the boot protocol's header, from the beginning of the file.
const (
	offsetSetupSects    = 0x1f1
	offsetMagic         = 0x202
	offsetVersion       = 0x206
	offsetKernelVersion = 0x20e
	offsetPayload       = 0x248
	offsetPayloadLength = 0x24c
	headerSize          = 0x250
)

const (
	magic      = "HdrS"
	sectorSize = 512
	// payloadVersion is the first protocol that states where the kernel is (2.08).
	payloadVersion = 0x208
	// defaultSetupSects is what 0 in the header stands for.
	defaultSetupSects = 4
	// sizeSize is the size of the number after the compressed kernel: the
	// uncompressed kernel's size. gzip's own format ends with it.
	sizeSize = 4
	// maxKernel bounds what is decompressed. Kernels have tens of MiB.
	maxKernel = 1 << 30
	// maxRelease is how long a release may be, in bytes: 64 in the kernel (__NEW_UTS_LEN).
	maxRelease = 65
)

// HeadSize is how many of a file's first bytes Is wants to see.
const HeadSize = offsetVersion

// Is reports whether a file that begins with head is an x86 boot image.
func Is(head []byte) bool {
	return len(head) >= HeadSize && string(head[offsetMagic:offsetMagic+len(magic)]) == magic
}

// Kernel returns the decompressed kernel of a boot image: an ELF file without
// symbols, with relocations after it. Images without a kernel at the place that
// their header states, and compressions it does not know, are errors.
func Kernel(image io.ReaderAt) ([]byte, error) {
	header := make([]byte, headerSize)
	if _, err := image.ReadAt(header, 0); err != nil {
		return nil, fmt.Errorf("reading the boot header: %w", err)
	}
	payload, err := findPayload(header)
	if err != nil {
		return nil, err
	}
	// What the header states is not allocated before the file has shown to have it.
	data, err := io.ReadAll(io.NewSectionReader(image, payload.offset, payload.length))
	if err == nil && int64(len(data)) < payload.length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("reading the compressed kernel (%d bytes at %d): %w", payload.length, payload.offset, err)
	}
	return unpack(data)
}

// Release returns the kernel release that a boot image names, "" if it names none: the first word of the text
// that kernel_version points to, counted from the end of the boot sector.
func Release(image io.ReaderAt) string {
	var pointer [2]byte
	if _, err := image.ReadAt(pointer[:], offsetKernelVersion); err != nil {
		return ""
	}
	offset := int64(binary.LittleEndian.Uint16(pointer[:]))
	if offset == 0 {
		return ""
	}
	return firstWord(image, offset+sectorSize)
}

// firstWord returns the release ahead of the first blank at a place, "" if there is none.
func firstWord(image io.ReaderAt, offset int64) string {
	text := make([]byte, maxRelease)
	n, err := image.ReadAt(text, offset)
	if err != nil && err != io.EOF {
		return ""
	}
	end := bytes.IndexAny(text[:n], " \x00")
	if end < 0 {
		return ""
	}
	return validRelease(text[:end])
}

// span is a part of a file, in bytes.
type span struct{ offset, length int64 }

func findPayload(header []byte) (span, error) {
	if !Is(header) {
		return span{}, fmt.Errorf("is not an x86 boot image: want %q at offset %#x", magic, offsetMagic)
	}
	if v := binary.LittleEndian.Uint16(header[offsetVersion:]); v < payloadVersion {
		return span{}, fmt.Errorf("is a boot image of protocol %d.%02d, want 2.08 or newer, which has the offset of the kernel", v>>8, v&0xff)
	}
	sectors := int64(header[offsetSetupSects])
	if sectors == 0 {
		sectors = defaultSetupSects
	}
	length := int64(binary.LittleEndian.Uint32(header[offsetPayloadLength:]))
	if length <= sizeSize || length > maxKernel {
		return span{}, fmt.Errorf("is a boot image with a kernel of %d bytes, want between %d and %d", length, sizeSize+1, maxKernel)
	}
	// The boot sector comes before the sectors of the setup code.
	offset := (sectors+1)*sectorSize + int64(binary.LittleEndian.Uint32(header[offsetPayload:]))
	return span{offset, length}, nil
}

func unpack(payload []byte) ([]byte, error) {
	c, ok := codec.Of(payload)
	if !ok {
		return nil, fmt.Errorf("the kernel is compressed in an unknown way: it starts with %x", payload[:min(len(payload), 6)])
	}
	size := int64(binary.LittleEndian.Uint32(payload[len(payload)-sizeSize:]))
	if size > maxKernel {
		return nil, fmt.Errorf("the compressed kernel states a decompressed size of %d bytes, want at most %d", size, maxKernel)
	}
	data := payload
	if !c.EndsWithSize {
		data = payload[:len(payload)-sizeSize]
	}
	r, err := c.Open(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decompressing the kernel (%s): %w", c.Name, err)
	}
	// One byte more than it should have shows that it has more.
	kernel, err := io.ReadAll(io.LimitReader(r, size+1))
	if err != nil {
		return nil, fmt.Errorf("decompressing the kernel (%s): %w", c.Name, err)
	}
	if int64(len(kernel)) != size {
		return nil, fmt.Errorf("decompressing the kernel (%s): got %s bytes, want %d",
			c.Name, atLeast(int64(len(kernel)), size), size)
	}
	return kernel, nil
}

func atLeast(got, want int64) string {
	if got > want {
		return fmt.Sprintf("more than %d", want)
	}
	return fmt.Sprint(got)
}
