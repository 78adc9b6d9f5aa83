// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bufio"
	"compress/bzip2"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/ulikunitz/xz/lzma"
)

const (
	gzipMagic  = "\x1f\x8b"
	bzip2Magic = "BZh"
	lzmaMagic  = "\x5d\x00\x00"
)

func (d *Decoders) openGzip(r *bufio.Reader) (io.Reader, error) {
	if d.gzip == nil {
		d.gzip = new(gzip.Reader)
	}
	if err := d.gzip.Reset(r); err != nil {
		return nil, err
	}
	d.gzip.Multistream(false)
	return d.gzip, nil
}

// openLZMA checks the dictionary's size, which follows the properties in the header, before it is allocated.
func (d *Decoders) openLZMA(r *bufio.Reader) (io.Reader, error) {
	head, err := peek(r, lzma.HeaderLen)
	if err != nil {
		return nil, err
	}
	if err := checkDictionary("dictionary", uint64(binary.LittleEndian.Uint32(head[1:]))); err != nil {
		return nil, err
	}
	return lzma.NewReader(r)
}

func (d *Decoders) openBzip2(r *bufio.Reader) (io.Reader, error) {
	in := &bzip2Input{r: r}
	return &bzip2Reader{in: in, r: bzip2.NewReader(in)}, nil
}

// bzip2Reader ends where the last stream ends. The standard library's decoder looks for the "BZ" of another stream
// there, and calls two other bytes an error.
type bzip2Reader struct {
	in *bzip2Input
	r  io.Reader
}

// errNoStream is the error for other bytes than "BZ" after a stream.
const errNoStream = bzip2.StructuralError("bad magic value in continuation file")

// Read reads contents.
func (b *bzip2Reader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err == errNoStream {
		b.in.ended = true
		return n, io.EOF
	}
	return n, noEOF(err)
}

// unread returns the two bytes after the last stream, as far as the file has them.
func (b *bzip2Reader) unread() []byte {
	if !b.in.ended {
		return nil
	}
	return b.in.last[:len(b.in.last)-b.in.missing]
}

// bzip2Input is the file with two zero bytes at its end: the decoder finds the two bytes that it looks for after a
// stream in any case, and io.EOF comes of a stream that is not complete alone.
type bzip2Input struct {
	r     *bufio.Reader
	last  [2]byte
	ended bool
	// missing is how many bytes were read that the file does not have.
	missing int
}

// Read is there to make an io.Reader of it: a decoder uses ReadByte.
func (b *bzip2Input) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := b.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

// ReadByte reads one byte.
func (b *bzip2Input) ReadByte() (byte, error) {
	c, err := b.r.ReadByte()
	if err == io.EOF && b.missing < 2 {
		b.missing++
		c, err = 0, nil
	}
	if err == nil {
		b.last[0], b.last[1] = b.last[1], c
	}
	return c, err
}
