// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

const zstdMagic = "\x28\xb5\x2f\xfd"

func (d *Decoders) openZstd(r *bufio.Reader) (io.Reader, error) {
	if err := skipFrames(r); err != nil {
		return nil, err
	}
	if err := checkMagic(r, zstdMagic); err != nil {
		return nil, err
	}
	frame := &framing{r: r, next: (&zstdFrame{r: r}).next}
	if d.zstd != nil {
		return &framed{d.zstd, frame}, d.zstd.Reset(frame)
	}
	var err error
	d.zstd, err = zstd.NewReader(frame, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(MaxDictionary))
	return &framed{d.zstd, frame}, err
}

// zstdFrame finds the parts of a frame (RFC 8878, 3.1.1): header, blocks, and a checksum if the header states so.
type zstdFrame struct {
	r          *bufio.Reader
	part       zstdPart
	descriptor byte
}

// zstdPart is what comes next in a frame.
type zstdPart int

const (
	zstdHeader zstdPart = iota
	zstdBlocks
	zstdChecksum
	zstdEnd
)

// The bits of the frame header descriptor that decide what follows.
const (
	zstdSingleSegment = 1 << 5
	zstdHasChecksum   = 1 << 2
)

func (f *zstdFrame) next() (int64, error) {
	switch f.part {
	case zstdHeader:
		f.part = zstdBlocks
		return f.header()
	case zstdBlocks:
		return f.block()
	case zstdChecksum:
		f.part = zstdEnd
		return 4, nil
	}
	return 0, io.EOF
}

// header returns the size of the frame's header, and checks its window.
func (f *zstdFrame) header() (int64, error) {
	const start = len(zstdMagic) + 1
	b, err := peek(f.r, start)
	if err != nil {
		return 0, err
	}
	f.descriptor = b[start-1]
	dictionary := []int{0, 1, 2, 4}[f.descriptor&3]
	content := []int{0, 2, 4, 8}[f.descriptor>>6]
	window := 1
	if f.descriptor&zstdSingleSegment != 0 {
		window, content = 0, max(content, 1)
	}
	size := start + window + dictionary + content
	if b, err = peek(f.r, size); err != nil {
		return 0, err
	}
	if window == 1 {
		return int64(size), checkDictionary("window", zstdWindow(b[start]))
	}
	var number [8]byte
	copy(number[:], b[size-content:])
	return int64(size), checkDictionary("window", binary.LittleEndian.Uint64(number[:]))
}

// zstdWindow returns the window size that a window descriptor stands for.
func zstdWindow(descriptor byte) uint64 {
	base := uint64(1) << (10 + descriptor>>3)
	return base + base/8*uint64(descriptor&7)
}

// block returns the size of the block that comes next.
func (f *zstdFrame) block() (int64, error) {
	const header = 3
	b, err := peek(f.r, header)
	if err != nil {
		return 0, err
	}
	block := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
	if block&1 != 0 { // the last one
		f.part = zstdEnd
		if f.descriptor&zstdHasChecksum != 0 {
			f.part = zstdChecksum
		}
	}
	switch block >> 1 & 3 {
	case 1: // one byte, repeated
		return header + 1, nil
	case 3:
		return 0, errors.New("a block of the reserved type 3")
	}
	return header + int64(block>>3), nil
}
