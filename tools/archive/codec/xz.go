// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
)

// The xz library knows no filter for ARM64 and RISC-V, which Kbuild uses for them (scripts/xz_wrap.sh in the kernel's
// source), and rejects streams that use one. Its decoder is therefore used block by block (lzma2.go), and the file
// around the blocks is read here, as doc/xz-file-format.txt in xz's source describes it. That also shows where a
// stream ends to the byte.

const (
	xzMagic       = "\xfd7zXZ\x00"
	xzFooterMagic = "YZ"
)

// xzCheck is an integrity check: of which type, how many bytes it has, and how it is computed.
type xzCheck struct {
	id   byte
	size int
	open func() hash.Hash
}

var xzChecks = []xzCheck{
	{0, 0, nil},
	{1, 4, func() hash.Hash { return crc32.NewIEEE() }},
	{4, 8, func() hash.Hash { return crc64.New(xzCRC64) }},
	{10, 32, sha256.New},
}

var xzCRC64 = crc64.MakeTable(crc64.ECMA)

// moreXZ is Format.more: zero bytes between streams, and after the last one, come in fours.
func moreXZ(r *bufio.Reader) (bool, error) {
	for {
		padding, err := starts(r, "\x00\x00\x00\x00")
		if err != nil || !padding {
			break
		}
		if _, err := r.Discard(4); err != nil {
			return false, err
		}
	}
	return starts(r, xzMagic)
}

// xzStream reads one stream.
type xzStream struct {
	d     *Decoders
	r     *bufio.Reader
	flags [2]byte
	check xzCheck
	// block is the current block, sum its check, which is nil if there is none.
	block *xzBlock
	sum   hash.Hash
	// blocks and index are what was found of blocks, and what the index states of them.
	blocks, index xzRecords
}

func (d *Decoders) openXZ(r *bufio.Reader) (io.Reader, error) {
	const size = len(xzMagic) + 2 + crc32.Size
	if err := checkMagic(r, xzMagic); err != nil {
		return nil, err
	}
	b, err := peek(r, size)
	if err != nil {
		return nil, err
	}
	s := &xzStream{d: d, r: r, flags: [2]byte(b[len(xzMagic):])}
	if err := checkCRC32("stream header", b[len(xzMagic):]); err != nil {
		return nil, err
	}
	if s.check, err = xzCheckOf(s.flags); err != nil {
		return nil, err
	}
	if s.check.open != nil {
		s.sum = s.check.open()
	}
	s.blocks.init()
	s.index.init()
	_, err = r.Discard(size)
	return s, err
}

func xzCheckOf(flags [2]byte) (xzCheck, error) {
	for _, c := range xzChecks {
		if flags == [2]byte{0, c.id} {
			return c, nil
		}
	}
	return xzCheck{}, fmt.Errorf("stream flags %x: the type of check is not supported", flags)
}

// checkCRC32 checks the CRC32 at the end of b.
func checkCRC32(what string, b []byte) error {
	data := b[:len(b)-crc32.Size]
	if got, want := crc32.ChecksumIEEE(data), binary.LittleEndian.Uint32(b[len(data):]); got != want {
		return fmt.Errorf("%s: the checksum is %08x, want %08x", what, got, want)
	}
	return nil
}

// Read reads contents.
func (s *xzStream) Read(p []byte) (int, error) {
	for len(p) > 0 {
		if s.block == nil {
			if err := s.next(); err != nil {
				return 0, err
			}
		}
		n, err := s.block.contents.Read(p)
		if s.sum != nil {
			s.sum.Write(p[:n])
		}
		if err == io.EOF {
			err = s.endBlock()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}

// next opens the next block. It returns io.EOF at the end of the stream.
func (s *xzStream) next() error {
	b, err := peek(s.r, 1)
	if err != nil {
		return err
	}
	if b[0] == 0 {
		if err := s.end(); err != nil {
			return noEOF(err)
		}
		return io.EOF
	}
	header, err := peek(s.r, (int(b[0])+1)*4)
	if err != nil {
		return err
	}
	h, err := parseXZBlock(header)
	if err != nil {
		return fmt.Errorf("block header: %w", err)
	}
	if _, err := s.r.Discard(len(header)); err != nil {
		return err
	}
	s.block, err = s.d.openBlock(s.r, h)
	return err
}

// endBlock checks the sizes and the check of a block.
func (s *xzStream) endBlock() error {
	b := s.block
	s.block = nil
	compressed, size := b.data.passed, b.sizes.contents
	if b.compressed.differs(compressed) || b.uncompressed.differs(size) {
		return fmt.Errorf("a block has %d bytes, %d decompressed, and its header states %d and %d",
			compressed, size, b.compressed.value, b.uncompressed.value)
	}
	if err := s.padding(compressed); err != nil {
		return err
	}
	s.blocks.add(uint64(b.size)+uint64(compressed)+uint64(s.check.size), uint64(size))
	if s.sum == nil {
		return nil
	}
	want := make([]byte, s.check.size)
	if _, err := io.ReadFull(s.r, want); err != nil {
		return noEOF(err)
	}
	if got := s.checksum(); !bytes.Equal(got, want) {
		return fmt.Errorf("the checksum of a block is %x, want %x", got, want)
	}
	s.sum.Reset()
	return nil
}

// checksum returns the check as it is written: SHA-256 is bytes, a CRC a little-endian number.
func (s *xzStream) checksum() []byte {
	sum := s.sum.Sum(nil)
	if len(sum) != sha256.Size {
		for i, j := 0, len(sum)-1; i < j; i, j = i+1, j-1 {
			sum[i], sum[j] = sum[j], sum[i]
		}
	}
	return sum
}

// padding reads the zeros after size bytes.
func (s *xzStream) padding(size int64) error {
	for range -size & 3 {
		b, err := s.r.ReadByte()
		if err != nil {
			return noEOF(err)
		}
		if b != 0 {
			return fmt.Errorf("padding is %#02x, want 0", b)
		}
	}
	return nil
}

// end reads index and footer.
func (s *xzStream) end() error {
	sum := crc32.NewIEEE()
	in := &xzNumbers{r: s.r, sum: sum}
	in.byte() // the mark of an index
	for range in.number() {
		unpadded, size := in.number(), in.number()
		if in.err != nil {
			return in.err
		}
		s.index.add(unpadded, size)
	}
	for in.err == nil && in.n%4 != 0 {
		if in.byte() != 0 {
			return errors.New("the index is not padded with zeros")
		}
	}
	if in.err != nil {
		return in.err
	}
	footer := make([]byte, crc32.Size+12)
	if _, err := io.ReadFull(s.r, footer); err != nil {
		return err
	}
	return s.checkEnd(in.n, sum.Sum32(), footer)
}

// checkEnd checks what follows the size bytes of an index: its checksum, and the footer with a checksum, the size of
// the index in units of 4 bytes less one, and the flags of the header.
func (s *xzStream) checkEnd(size int64, sum uint32, b []byte) error {
	if got := binary.LittleEndian.Uint32(b); got != sum {
		return fmt.Errorf("index: the checksum is %08x, want %08x", sum, got)
	}
	if !s.blocks.equal(&s.index) {
		return fmt.Errorf("the index does not list the %d blocks of the stream", s.blocks.count)
	}
	footer := b[crc32.Size:]
	content := footer[crc32.Size : crc32.Size+6]
	if got, want := crc32.ChecksumIEEE(content), binary.LittleEndian.Uint32(footer); got != want {
		return fmt.Errorf("stream footer: the checksum is %08x, want %08x", got, want)
	}
	want := append(binary.LittleEndian.AppendUint32(nil, uint32(size/4)), s.flags[:]...)
	if want = append(want, xzFooterMagic...); !bytes.Equal(footer[crc32.Size:], want) {
		return fmt.Errorf("stream footer: got %x, want %x", footer[crc32.Size:], want)
	}
	return nil
}

// xzRecords are the sizes of the blocks of a stream, as a hash: there may be any number of them.
type xzRecords struct {
	count uint64
	sum   hash.Hash
}

func (x *xzRecords) init() { x.sum = sha256.New() }

func (x *xzRecords) add(unpadded, size uint64) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], unpadded)
	binary.LittleEndian.PutUint64(b[8:], size)
	x.sum.Write(b[:])
	x.count++
}

func (x *xzRecords) equal(y *xzRecords) bool {
	return x.count == y.count && bytes.Equal(x.sum.Sum(nil), y.sum.Sum(nil))
}

// xzNumbers reads numbers of variable length: 7 bits a byte, the least significant ones first.
type xzNumbers struct {
	r   io.ByteReader
	sum hash.Hash32
	n   int64
	err error
}

func (x *xzNumbers) byte() byte {
	if x.err != nil {
		return 0
	}
	var b byte
	if b, x.err = x.r.ReadByte(); x.err != nil {
		return 0
	}
	x.n++
	if x.sum != nil {
		x.sum.Write([]byte{b})
	}
	return b
}

// number returns 0 after an error.
func (x *xzNumbers) number() uint64 {
	const maxBytes = 9
	var value uint64
	for i := range maxBytes {
		b := x.byte()
		value |= uint64(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			if b == 0 && i > 0 && x.err == nil {
				break
			}
			return value
		}
	}
	if x.err == nil {
		x.err = errors.New("a number is malformed")
	}
	return 0
}
