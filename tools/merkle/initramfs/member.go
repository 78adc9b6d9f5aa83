// SPDX-License-Identifier: Apache-2.0

package initramfs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/mikelolasagasti/xz"

	"rules_modhash/tools/merkle/decompress"
)

// member is one compressed stream among others: decompressors read on behind its end, or take what follows for
// more of it, so where it ends is found out by the means of each format.
type member struct {
	contents io.Reader
	// end returns the offset in the file of what follows. Contents have been read by then.
	end func() (int64, error)
}

// members open the stream at in.offset.
var members = map[string]func(in *reader) (*member, error){
	"gzip": openGzip, "xz": openXZ, "zstd": openZstd, "lz4": openLZ4,
}

// counter counts what is read, byte by byte where need be.
type counter struct {
	r *bufio.Reader
	n int64
}

// Read reads and counts.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// ReadByte keeps the decompressor from reading ahead.
func (c *counter) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func openGzip(in *reader) (*member, error) {
	c := &counter{r: bufio.NewReader(in.rest(in.offset))}
	z, err := gzip.NewReader(c)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &member{z, func() (int64, error) { return in.offset + c.n, nil }}, nil
}

// feed counts what is read and tells whether the end was reached. It reads at most step bytes at a time.
type feed struct {
	r    io.Reader
	step int
	n    int64
	eof  bool
}

// Read reads at most step bytes.
func (f *feed) Read(p []byte) (int, error) {
	n, err := f.r.Read(p[:min(len(p), f.step)])
	f.n += int64(n)
	f.eof = f.eof || err == io.EOF
	return n, err
}

func newXZ(in *reader, step int) (*xz.Reader, *feed, error) {
	f := &feed{r: in.rest(in.offset), step: step}
	z, err := xz.NewReader(decompress.LateEOF{Reader: f}, decompress.MaxDictionary)
	if err != nil {
		return nil, nil, err
	}
	z.Multistream(false)
	return z, f, nil
}

// openXZ reads in large steps. The reader then has read on behind the end of the stream and of the zeros that
// follow; unless the file ends there, the stream is read again, byte by byte: then it has read one byte more.
func openXZ(in *reader) (*member, error) {
	z, f, err := newXZ(in, 64<<10)
	if err != nil {
		return nil, err
	}
	return &member{z, func() (int64, error) {
		if f.eof {
			return in.size, nil
		}
		again, f, err := newXZ(in, 1)
		if err != nil {
			return 0, err
		}
		if _, err := io.Copy(io.Discard, again); err != nil {
			return 0, err
		}
		if f.eof {
			return in.size, nil
		}
		return in.offset + f.n - 1, nil
	}}, nil
}

// framed is a member whose end its framing tells.
func framed(in *reader, format string, end int64) (*member, error) {
	section := io.NewSectionReader(in.file, in.offset, end-in.offset)
	head := make([]byte, 6)
	if _, err := section.ReadAt(head, 0); err != nil {
		return nil, err
	}
	f, ok := decompress.Of(head)
	if !ok {
		return nil, fmt.Errorf("is no %s data", format)
	}
	contents, err := f.Open(section)
	return &member{contents, func() (int64, error) { return end, nil }}, err
}

// cursor reads little numbers out of a file.
type cursor struct {
	in     *reader
	offset int64
	err    error
}

// number reads n bytes, little endian, 0 after an error.
func (c *cursor) number(n int) uint64 {
	var b [8]byte
	if c.err != nil {
		return 0
	}
	if c.in.size-c.offset < int64(n) {
		c.err = io.ErrUnexpectedEOF
		return 0
	}
	_, err := c.in.file.ReadAt(b[:n], c.offset)
	if err != nil && err != io.EOF {
		c.err = err
	}
	c.offset += int64(n)
	return binary.LittleEndian.Uint64(b[:])
}

// skip goes on by n bytes, which the file must have.
func (c *cursor) skip(n int64) {
	if c.err == nil && c.in.size-c.offset < n {
		c.err = io.ErrUnexpectedEOF
	}
	c.offset += n
}

// openZstd finds the end of one frame by its blocks (RFC 8878, 3.1.1).
func openZstd(in *reader) (*member, error) {
	const singleSegment, checksum = 1 << 5, 1 << 2
	c := &cursor{in: in, offset: in.offset + 4}
	descriptor := c.number(1)
	contentSize := []int64{0, 2, 4, 8}[descriptor>>6]
	if descriptor&singleSegment != 0 {
		contentSize = max(contentSize, 1)
	} else {
		c.skip(1)
	}
	c.skip([]int64{0, 1, 2, 4}[descriptor&3] + contentSize)
	for last := false; !last && c.err == nil; {
		block := c.number(3)
		last = block&1 != 0
		switch block >> 1 & 3 {
		case 1: // one byte, repeated
			c.skip(1)
		case 3:
			return nil, errors.New("a block of the reserved type 3")
		default:
			c.skip(int64(block >> 3))
		}
	}
	if descriptor&checksum != 0 {
		c.skip(4)
	}
	if c.err != nil {
		return nil, c.err
	}
	return framed(in, "zstd", c.offset)
}

// openLZ4 finds the end of the legacy format, which has no mark for it: what cannot be the size of a block
// (lib/decompress_unlz4.c in the kernel's source).
func openLZ4(in *reader) (*member, error) {
	const legacyMagic = 0x184c2102
	// A block has 8 MiB, and a little more if they cannot be compressed (LZ4_compressBound).
	const block = 8 << 20
	const maxBlock = block + block/255 + 16
	c := &cursor{in: in, offset: in.offset}
	if c.number(4) != legacyMagic {
		return nil, errors.New("it is in the lz4 frame format, which the kernel does not read: want the legacy one (lz4 -l)")
	}
	for in.size-c.offset >= 4 {
		size := c.number(4)
		if c.err != nil || size == 0 || size > maxBlock && size != legacyMagic {
			c.offset -= 4
			break
		}
		if size != legacyMagic {
			c.skip(int64(size))
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	return framed(in, "lz4", c.offset)
}
