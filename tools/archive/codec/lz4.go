// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/pierrec/lz4/v4"
)

// The two formats of lz4: frames, and the legacy one (`lz4 -l`), which is the one that the kernel reads.
const (
	lz4Magic       = "\x04\x22\x4d\x18"
	lz4LegacyMagic = "\x02\x21\x4c\x18"
)

func (d *Decoders) openLZ4(r *bufio.Reader) (io.Reader, error) {
	return d.lz4Member(r, lz4Magic, (&lz4Frame{r: r}).next)
}

func (d *Decoders) openLZ4Legacy(r *bufio.Reader) (io.Reader, error) {
	return d.lz4Member(r, lz4LegacyMagic, func() (int64, error) { return lz4LegacyPart(r) })
}

func (d *Decoders) lz4Member(r *bufio.Reader, magic string, next func() (int64, error)) (io.Reader, error) {
	if err := checkMagic(r, magic); err != nil {
		return nil, err
	}
	member := &framing{r: r, next: next}
	if d.lz4 == nil {
		d.lz4 = lz4.NewReader(member)
		return &framed{d.lz4, member}, d.lz4.Apply(lz4.ConcurrencyOption(1))
	}
	d.lz4.Reset(member)
	return &framed{d.lz4, member}, nil
}

// lz4Frame finds the parts of a frame (doc/lz4_Frame_format.md in lz4's source): header, blocks, a block size of 0,
// and a checksum if the header states so.
type lz4Frame struct {
	r      *bufio.Reader
	blocks bool
	ended  bool
	flags  byte
}

// The bits of a frame's flags that decide what its parts have.
const (
	lz4Dictionary      = 1 << 0
	lz4ContentChecksum = 1 << 2
	lz4ContentSize     = 1 << 3
	lz4BlockChecksum   = 1 << 4
)

func (f *lz4Frame) next() (int64, error) {
	switch {
	case f.ended:
		return 0, io.EOF
	case f.blocks:
		return f.block()
	}
	f.blocks = true
	return f.header()
}

// header returns the size of a frame's header: magic number, flags, block size, what the flags state, and a checksum.
func (f *lz4Frame) header() (int64, error) {
	b, err := peek(f.r, len(lz4Magic)+1)
	if err != nil {
		return 0, err
	}
	f.flags = b[len(lz4Magic)]
	return 7 + 8*f.has(lz4ContentSize) + 4*f.has(lz4Dictionary), nil
}

// has returns 1 if a flag is set.
func (f *lz4Frame) has(flag byte) int64 {
	if f.flags&flag != 0 {
		return 1
	}
	return 0
}

// block returns the size of the block that comes next, or of what ends the frame.
func (f *lz4Frame) block() (int64, error) {
	b, err := peek(f.r, 4)
	if err != nil {
		return 0, err
	}
	const uncompressed = 1 << 31
	size := binary.LittleEndian.Uint32(b)
	if size == 0 {
		f.ended = true
		return 4 + 4*f.has(lz4ContentChecksum), nil
	}
	return 4 + int64(size&^uncompressed) + 4*f.has(lz4BlockChecksum), nil
}

// lz4LegacyPart returns the size of the next part of the legacy format, which has no mark for its end: what cannot
// be the size of a block ends it (lib/decompress_unlz4.c in the kernel's source).
func lz4LegacyPart(r *bufio.Reader) (int64, error) {
	// A block has 8 MiB, and a little more if they cannot be compressed (LZ4_compressBound).
	const block = 8 << 20
	const maxBlock = block + block/255 + 16
	b, err := r.Peek(4)
	if len(b) < 4 {
		if err == io.EOF { // too few bytes for a size
			return 0, io.EOF
		}
		return 0, err
	}
	if string(b) == lz4LegacyMagic {
		return 4, nil
	}
	size := binary.LittleEndian.Uint32(b)
	if size == 0 || size > maxBlock {
		return 0, io.EOF
	}
	return 4 + int64(size), nil
}
