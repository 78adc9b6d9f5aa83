// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
)

// bufferSize is how much of a compressed file is read at once.
const bufferSize = 64 << 10

// Decoders opens one file after another with the same decoders and buffers: setting them up costs more than to
// decompress a small module. The zero value is ready for use. It is not safe for concurrent use.
type Decoders struct {
	file   counter
	buffer *bufio.Reader
	gzip   *gzip.Reader
	lzma2  *xz.Reader
	zstd   *zstd.Decoder
	lz4    *lz4.Reader
}

// Open returns the contents of r as Format.Open does. The reader before is not valid any more.
func (d *Decoders) Open(f Format, r io.Reader) (*Reader, error) {
	return d.open(f, r, f.more)
}

// OpenMember returns the contents of the first member in r alone. A bzip2 stream that follows another one
// directly counts as one member with it. The reader before is not valid any more.
func (d *Decoders) OpenMember(f Format, r io.Reader) (*Reader, error) {
	return d.open(f, r, nil)
}

func (d *Decoders) open(f Format, r io.Reader, more func(*bufio.Reader) (bool, error)) (*Reader, error) {
	d.file = counter{r: r}
	if d.buffer == nil {
		d.buffer = bufio.NewReaderSize(&d.file, bufferSize)
	} else {
		d.buffer.Reset(&d.file)
	}
	member, err := f.open(d, d.buffer)
	if err != nil {
		return nil, noEOF(err)
	}
	return &Reader{d: d, format: f, member: member, more: more}, nil
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

// Read reads and counts.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Reader reads decompressed contents. They end with the last member: whatever follows it in the file and is not a
// member is neither read nor an error here, as it is not for gzip, boot loaders and the kernel. Rest and InputOffset
// are there to check or report it.
type Reader struct {
	d      *Decoders
	format Format
	member io.Reader
	more   func(*bufio.Reader) (bool, error)
	err    error
}

// Read reads contents. Data that ends within a member is an error.
func (r *Reader) Read(p []byte) (int, error) {
	for r.err == nil {
		n, err := r.member.Read(p)
		if err == io.EOF {
			err = r.next()
		}
		r.err = err
		if n > 0 || len(p) == 0 {
			return n, nil
		}
	}
	return 0, r.err
}

// next goes on to the next member.
func (r *Reader) next() error {
	if r.more == nil {
		return io.EOF
	}
	more, err := r.more(r.d.buffer)
	if err != nil {
		return err
	}
	if !more {
		return io.EOF
	}
	r.member, err = r.format.open(r.d, r.d.buffer)
	return noEOF(err)
}

// unreader is a member whose decoder has to read some bytes of what follows it.
type unreader interface{ unread() []byte }

// unread returns what the decoder read of what follows the contents.
func (r *Reader) unread() []byte {
	if u, ok := r.member.(unreader); ok {
		return u.unread()
	}
	return nil
}

// InputOffset returns how many bytes of the file the contents were decompressed from, once Read has returned io.EOF.
func (r *Reader) InputOffset() int64 {
	return r.d.file.n - int64(r.d.buffer.Buffered()) - int64(len(r.unread()))
}

// Rest returns the bytes of the file that follow the compressed data, once Read has returned io.EOF.
func (r *Reader) Rest() io.Reader {
	if unread := r.unread(); len(unread) > 0 {
		return io.MultiReader(bytes.NewReader(unread), r.d.buffer)
	}
	return r.d.buffer
}

// RestSize returns how many bytes Rest has, and reads them.
func (r *Reader) RestSize() (int64, error) {
	return io.Copy(io.Discard, r.Rest())
}

// noEOF gives the end of data that should go on its usual name.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
