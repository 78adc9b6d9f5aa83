// SPDX-License-Identifier: Apache-2.0

package image

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The header of U-Boot's older images: include/image.h in U-Boot's source.
const (
	ubootMagic      = 0x27051956
	ubootHeaderSize = 64
	offsetUBootSize = 12
	offsetUBootType = 30
	ubootKernel     = 2
	ubootInitramfs  = 3
	ubootMulti      = 4
	ubootNoLoad     = 14
)

// UBootKernel returns the kernel in an image of KindUBoot. One that has other parts as well is an error.
func UBootKernel(image io.ReaderAt) (*io.SectionReader, error) {
	head := make([]byte, ubootHeaderSize)
	if _, err := image.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("reading the U-Boot header: %w", noEOF(err))
	}
	if head[offsetUBootType] == ubootMulti {
		return nil, errors.New("it consists of several files")
	}
	return io.NewSectionReader(image, ubootHeaderSize, int64(binary.BigEndian.Uint32(head[offsetUBootSize:]))), nil
}

func isUBoot(head []byte) bool {
	return len(head) >= ubootHeaderSize && binary.BigEndian.Uint32(head) == ubootMagic
}

func kindOfUBoot(head []byte) Kind {
	switch head[offsetUBootType] {
	case ubootKernel, ubootMulti, ubootNoLoad:
		return KindUBoot
	case ubootInitramfs:
		return KindUBootInitramfs
	}
	return KindUBootOther
}

// The flattened device tree: https://devicetree-specification.readthedocs.io, chapter 5.
const (
	deviceTreeMagic  = 0xd00dfeed
	deviceTreeStruct = 8 // where the offset of the tokens is
	tokenBegin       = 1
	tokenEnd         = 2
	tokenProperty    = 3
	tokenNothing     = 4
	// maxTokens bounds how much of a tree is read. Those of boards have some ten thousand.
	maxTokens = 1 << 18
)

func isDeviceTree(head []byte) bool {
	return len(head) >= deviceTreeStruct+4 && binary.BigEndian.Uint32(head) == deviceTreeMagic
}

// kindOfDeviceTree looks for the node "images" right below the root.
func kindOfDeviceTree(file io.ReaderAt) Kind {
	r := tokenReader{file: file, offset: deviceTreeStruct}
	r.offset = int64(r.word())
	for depth := 0; r.tokens < maxTokens && r.err == nil; {
		switch r.word() {
		case tokenBegin:
			if depth++; depth == 2 && r.text() == "images" {
				return KindFIT
			} else if depth != 2 {
				r.text()
			}
		case tokenEnd:
			depth--
		case tokenProperty:
			length := r.word()
			r.offset += 4 + (int64(length)+3)&^3 // the place of its name, and the value
		case tokenNothing:
		default:
			return KindDTB
		}
	}
	return KindDTB
}

// tokenReader reads the tokens of a device tree. After an error all is 0.
type tokenReader struct {
	file   io.ReaderAt
	offset int64
	tokens int
	err    error
}

func (r *tokenReader) word() uint32 {
	var b [4]byte
	if r.err == nil {
		_, r.err = r.file.ReadAt(b[:], r.offset)
	}
	if r.err != nil {
		return 0
	}
	r.offset += int64(len(b))
	r.tokens++
	return binary.BigEndian.Uint32(b[:])
}

// text reads a name and the padding after it.
func (r *tokenReader) text() string {
	var name []byte
	for r.err == nil && r.tokens < maxTokens {
		var b [4]byte
		if _, r.err = r.file.ReadAt(b[:], r.offset); r.err != nil {
			return ""
		}
		r.offset += int64(len(b))
		r.tokens++
		if end := slices.Index(b[:], 0); end >= 0 {
			return string(append(name, b[:end]...))
		}
		name = append(name, b[:]...)
	}
	return ""
}
