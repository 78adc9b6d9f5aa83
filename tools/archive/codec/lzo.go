// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/adler32"
	"hash/crc32"
	"io"

	"github.com/anchore/go-lzo"
)

// lzoMagic begins what lzop writes. The rest of its format is as lib/decompress_unlzo.c in the kernel's source reads
// it, but that one skips the checksums.
const lzoMagic = "\x89LZO\x00\r\n\x1a\n"

// lzoBlock is the size of a block, decompressed: what lzop writes, and the most that the kernel takes.
const lzoBlock = 256 << 10

// The flags of an lzop file that decide how it is read.
const (
	lzoAdlerOfContents   = 1 << 0
	lzoAdlerOfCompressed = 1 << 1
	lzoExtraField        = 1 << 6
	lzoCRCOfContents     = 1 << 8
	lzoCRCOfCompressed   = 1 << 9
	lzoMultipart         = 1 << 10
	lzoFilter            = 1 << 11
	lzoCRCOfHeader       = 1 << 12
)

func (d *Decoders) openLZO(r *bufio.Reader) (io.Reader, error) {
	if err := checkMagic(r, lzoMagic); err != nil {
		return nil, err
	}
	f := &lzoFile{r: r}
	if err := f.header(); err != nil {
		return nil, err
	}
	f.block, f.compressed = make([]byte, lzoBlock), make([]byte, lzoBlock)
	return f, nil
}

// lzoFile reads one file that lzop wrote.
type lzoFile struct {
	r     *bufio.Reader
	flags uint32
	// block and compressed are buffers, contents what is left of the current block.
	block, compressed, contents []byte
	ended                       bool
}

// Read reads contents.
func (f *lzoFile) Read(p []byte) (int, error) {
	for len(f.contents) == 0 {
		if f.ended {
			return 0, io.EOF
		}
		if err := f.next(); err != nil {
			return 0, noEOF(err)
		}
	}
	n := copy(p, f.contents)
	f.contents = f.contents[n:]
	return n, nil
}

// has reports whether a flag is set.
func (f *lzoFile) has(flag uint32) bool { return f.flags&flag != 0 }

// header reads what comes before the blocks: versions and method, flags, mode, times and name, and a checksum.
func (f *lzoFile) header() error {
	const newVersion = 0x0940
	if _, err := f.r.Discard(len(lzoMagic)); err != nil {
		return err
	}
	in := &summed{r: f.r, sum: adler32.New(), other: crc32.NewIEEE()}
	version := in.number(2)
	in.skip(2)
	if version >= newVersion {
		in.skip(2)
	}
	method := in.number(1)
	if version >= newVersion {
		in.skip(1)
	}
	f.flags = in.number(4)
	in.skip(8)
	if version >= newVersion {
		in.skip(4)
	}
	in.skip(int64(in.number(1)))
	if err := in.check(f.has(lzoCRCOfHeader)); err != nil {
		return fmt.Errorf("header of an lzop file: %w", err)
	}
	return f.supported(method)
}

// supported checks the method and flags, and skips the extra field.
func (f *lzoFile) supported(method uint32) error {
	const methods = 3 // all are LZO1X, which decompresses in one way
	if method == 0 || method > methods {
		return fmt.Errorf("compression method %d of an lzop file, want 1 to %d", method, methods)
	}
	if f.has(lzoFilter) || f.has(lzoMultipart) {
		return fmt.Errorf("flags %#x of an lzop file: filters and parts are not supported", f.flags)
	}
	if !f.has(lzoExtraField) {
		return nil
	}
	in := &summed{r: f.r, sum: adler32.New(), other: crc32.NewIEEE()}
	in.skip(int64(in.number(4)))
	return in.check(f.has(lzoCRCOfHeader))
}

// next reads a block: its sizes, checksums as the flags state, and data, which is not compressed if both sizes are the
// same.
func (f *lzoFile) next() error {
	size, err := f.size()
	if err != nil || size == 0 {
		f.ended = true
		return err
	}
	compressed, err := f.size()
	if err != nil {
		return err
	}
	if compressed == 0 || compressed > size {
		return fmt.Errorf("a block of %d bytes, want between 1 and %d", compressed, size)
	}
	ofContents, err := f.sums(lzoAdlerOfContents, lzoCRCOfContents)
	if err != nil {
		return err
	}
	data := f.compressed[:compressed]
	if compressed == size {
		if _, err := io.ReadFull(f.r, data); err != nil {
			return err
		}
		f.contents = append(f.block[:0], data...)
		return checkSums(ofContents, f.contents)
	}
	return f.decompress(data, f.block[:size], ofContents)
}

// decompress reads a compressed block.
func (f *lzoFile) decompress(data, contents []byte, ofContents []lzoSum) error {
	ofData, err := f.sums(lzoAdlerOfCompressed, lzoCRCOfCompressed)
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(f.r, data); err != nil {
		return err
	}
	if err := checkSums(ofData, data); err != nil {
		return err
	}
	n, err := lzo.Decompress(data, contents)
	if err != nil {
		return err
	}
	if n != len(contents) {
		return fmt.Errorf("a block has %d bytes decompressed, want %d", n, len(contents))
	}
	f.contents = contents
	return checkSums(ofContents, contents)
}

// size reads the size of a block.
func (f *lzoFile) size() (uint32, error) {
	var b [4]byte
	if _, err := io.ReadFull(f.r, b[:]); err != nil {
		return 0, err
	}
	size := binary.BigEndian.Uint32(b[:])
	if size > lzoBlock {
		return 0, fmt.Errorf("a block of %d bytes, want at most %d", size, lzoBlock)
	}
	return size, nil
}

// lzoSum is a checksum and what it should be.
type lzoSum struct {
	hash hash.Hash32
	want uint32
}

// sums reads the checksums of a block that the flags announce.
func (f *lzoFile) sums(adler, crc uint32) ([]lzoSum, error) {
	var sums []lzoSum
	for _, s := range []struct {
		flag uint32
		hash hash.Hash32
	}{{adler, adler32.New()}, {crc, crc32.NewIEEE()}} {
		if !f.has(s.flag) {
			continue
		}
		var b [4]byte
		if _, err := io.ReadFull(f.r, b[:]); err != nil {
			return nil, err
		}
		sums = append(sums, lzoSum{s.hash, binary.BigEndian.Uint32(b[:])})
	}
	return sums, nil
}

func checkSums(sums []lzoSum, data []byte) error {
	for _, s := range sums {
		s.hash.Write(data)
		if got := s.hash.Sum32(); got != s.want {
			return fmt.Errorf("the checksum of a block is %08x, want %08x", got, s.want)
		}
	}
	return nil
}

// summed reads numbers and keeps both checksums that may follow them.
type summed struct {
	r          io.Reader
	sum, other hash.Hash32
	err        error
}

// number reads a number of n bytes, at most 4.
func (s *summed) number(n int) uint32 {
	var b [4]byte
	if s.err == nil {
		_, s.err = io.ReadFull(io.TeeReader(s.r, io.MultiWriter(s.sum, s.other)), b[4-n:])
	}
	return binary.BigEndian.Uint32(b[:])
}

// skip reads n bytes.
func (s *summed) skip(n int64) {
	if s.err == nil {
		_, s.err = io.CopyN(io.MultiWriter(s.sum, s.other), s.r, n)
	}
}

// check reads the checksum of what was read before.
func (s *summed) check(other bool) error {
	got := s.sum.Sum32()
	if other {
		got = s.other.Sum32()
	}
	want := s.number(4)
	if s.err != nil {
		return noEOF(s.err)
	}
	if got != want {
		return fmt.Errorf("the checksum is %08x, want %08x", got, want)
	}
	return nil
}
