// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"

	"rules_modhash/tools/archive/codec"
)

// An Image is the kernel's memory from its first symbol on, without any table: only System.map states what is where. Its
// header is that of Documentation/arch/arm64/booting.rst, Documentation/arch/riscv/boot-image-header.rst and
// arch/loongarch/kernel/head.S in the kernel's source.
const (
	offsetImageFlags = 0x18
	imageBigEndian   = 1
	offsetImageMagic = 0x38
	imageMagicSize   = 4
	offsetRISCVMagic = 0x30
	riscvMagic       = "RISCV\x00\x00\x00"
)

// ImageHeadSize is how many of a file's first bytes IsImage and IsZboot want to see.
const ImageHeadSize = offsetImageMagic + imageMagicSize

// imageMagics are the marks of the architectures. That of riscv64 is the second of its header: the first is
// "deprecated"; loongarch's means no more than that the kernel starts as an EFI program.
var imageMagics = map[string]elf.Machine{
	"ARM\x64":          elf.EM_AARCH64,
	"RSC\x05":          elf.EM_RISCV,
	"\xcd\x23\x82\x81": elf.EM_LOONGARCH,
}

// IsImage reports whether a file that begins with head is an Image. So is one for which IsZboot holds: ask that first.
func IsImage(head []byte) bool { return ImageMachine(head) != elf.EM_NONE }

// ImageMachine returns the architecture of an Image that begins with head, EM_NONE if it is not an Image.
func ImageMachine(head []byte) elf.Machine {
	if len(head) < ImageHeadSize {
		return elf.EM_NONE
	}
	machine := imageMagics[string(head[offsetImageMagic:ImageHeadSize])]
	if machine == elf.EM_NONE && string(head[offsetRISCVMagic:offsetImageMagic]) == riscvMagic {
		return elf.EM_RISCV
	}
	if machine == elf.EM_LOONGARCH && !IsPE(head) {
		return elf.EM_NONE
	}
	return machine
}

// ImageByteOrder is the byte order of an Image that begins with head, which IsImage took. Of riscv64, the header has a
// flag for it as well, which no kernel sets.
func ImageByteOrder(head []byte) binary.ByteOrder {
	if head[offsetImageFlags]&imageBigEndian != 0 && ImageMachine(head) != elf.EM_LOONGARCH {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Places in the header of a kernel that an EFI program decompresses: drivers/firmware/efi/libstub/zboot-header.S.
const (
	offsetZbootType   = 4
	zbootType         = "zimg"
	offsetZbootOffset = 8
	offsetZbootLength = 12
	zbootHeaderSize   = 16
)

// IsZboot reports whether a file that begins with head is an EFI program with a compressed kernel (vmlinuz.efi).
func IsZboot(head []byte) bool {
	return len(head) >= zbootHeaderSize && string(head[:2]) == "MZ" &&
		string(head[offsetZbootType:offsetZbootType+len(zbootType)]) == zbootType
}

// ZbootKernel returns the decompressed kernel of a file for which IsZboot holds.
func ZbootKernel(image io.ReaderAt) ([]byte, error) {
	header := make([]byte, zbootHeaderSize)
	if _, err := image.ReadAt(header, 0); err != nil {
		return nil, fmt.Errorf("reading the EFI program's header: %w", err)
	}
	offset := int64(binary.LittleEndian.Uint32(header[offsetZbootOffset:]))
	length := int64(binary.LittleEndian.Uint32(header[offsetZbootLength:]))
	return Decompressed(io.NewSectionReader(image, offset, length))
}

// magicSize is how many bytes distinguish compressions.
const magicSize = 6

// Decompressed returns a kernel that is compressed as a separate file (Image.gz).
func Decompressed(r io.Reader) ([]byte, error) {
	buffered := bufio.NewReader(r)
	head, err := buffered.Peek(magicSize)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading the compressed kernel: %w", err)
	}
	c, ok := codec.Of(head)
	if !ok {
		return nil, fmt.Errorf("the kernel is compressed in an unknown way: it starts with %x", head)
	}
	data, err := c.Open(buffered)
	if err != nil {
		return nil, fmt.Errorf("decompressing the kernel (%s): %w", c.Name, err)
	}
	var kernel bytes.Buffer
	n, err := io.Copy(&kernel, io.LimitReader(data, maxKernel+1))
	if err != nil {
		return nil, fmt.Errorf("decompressing the kernel (%s): %w", c.Name, err)
	}
	if n > maxKernel {
		return nil, fmt.Errorf("decompressing the kernel (%s): got more than %d bytes", c.Name, maxKernel)
	}
	return kernel.Bytes(), nil
}
