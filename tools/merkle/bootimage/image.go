// SPDX-License-Identifier: Apache-2.0

package bootimage

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"rules_modhash/tools/merkle/decompress"
)

// An arm64 Image is the kernel's memory as it lies from the symbol _text on, without any table: only System.map tells
// what is where. Its header is that of Documentation/arch/arm64/booting.rst in the kernel's source.
const (
	offsetImageFlags = 0x18
	imageBigEndian   = 1
	offsetImageMagic = 0x38
	imageMagic       = "ARM\x64"
	imageBase        = "_text"
)

// ImageHeadSize is how many of a file's first bytes IsImage and IsZboot want to see.
const ImageHeadSize = offsetImageMagic + len(imageMagic)

// IsImage reports whether a file that begins with head is an arm64 Image.
func IsImage(head []byte) bool {
	return len(head) >= ImageHeadSize && string(head[offsetImageMagic:ImageHeadSize]) == imageMagic
}

// ImageByteOrder is the byte order of an Image that begins with head, which IsImage took.
func ImageByteOrder(head []byte) binary.ByteOrder {
	if head[offsetImageFlags]&imageBigEndian != 0 {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// ImageSymbol reads size bytes at a symbol of an arm64 Image. Where that lies is told by the System.map of the
// same build; one without the symbol, and one that leads out of the image, are errors.
func ImageSymbol(image io.ReaderAt, systemMap io.Reader, symbol string, size int) ([]byte, error) {
	addresses, err := findSymbols(systemMap, imageBase, symbol)
	if err != nil {
		return nil, err
	}
	offset := addresses[symbol] - addresses[imageBase]
	if addresses[symbol] < addresses[imageBase] || offset > maxKernel {
		return nil, fmt.Errorf("System.map: %s lies at %#x, %s at %#x: not in one image",
			symbol, addresses[symbol], imageBase, addresses[imageBase])
	}
	b := make([]byte, size)
	if _, err := image.ReadAt(b, int64(offset)); err != nil {
		return nil, fmt.Errorf("reading %s, %d bytes at %d: %w. Is this the System.map of the same build?",
			symbol, size, offset, err)
	}
	return b, nil
}

// findSymbols returns the addresses of symbols in a System.map: lines of address, type and name.
func findSymbols(systemMap io.Reader, names ...string) (map[string]uint64, error) {
	addresses := map[string]uint64{}
	lines := bufio.NewScanner(systemMap)
	for lines.Scan() {
		for _, name := range names {
			address, ok := strings.CutSuffix(lines.Text(), " "+name)
			if !ok {
				continue
			}
			address, _, _ = strings.Cut(address, " ")
			value, err := strconv.ParseUint(address, 16, 64)
			if err != nil {
				return nil, fmt.Errorf("System.map: got %q, want the address of %s", lines.Text(), name)
			}
			addresses[name] = value
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading System.map: %w", err)
	}
	for _, name := range names {
		if _, ok := addresses[name]; !ok {
			return nil, fmt.Errorf("System.map has no symbol %s: was the kernel built with CONFIG_MODULE_HASHES?", name)
		}
	}
	return addresses, nil
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

// magicSize is how many bytes tell compressions from each other.
const magicSize = 6

// Decompressed returns a kernel that is compressed as a file of its own (Image.gz).
func Decompressed(r io.Reader) ([]byte, error) {
	buffered := bufio.NewReader(r)
	head, err := buffered.Peek(magicSize)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading the compressed kernel: %w", err)
	}
	c, ok := decompress.Of(head)
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
