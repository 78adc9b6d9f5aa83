// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/mikelolasagasti/xz"
)

// The identifiers of filters in a block of an xz stream.
const (
	xzDelta = 0x03
	xzLZMA2 = 0x21
	xzARM64 = 0x0a
	xzRISCV = 0x0b
)

// ownFilters are those that the xz library does not know, with the alignment of their instructions.
var ownFilters = map[uint64]struct {
	align uint32
	undo  func(pos uint32, b []byte) int
}{
	xzARM64: {4, undoARM64},
	xzRISCV: {2, undoRISCV},
}

// xzFilter is a filter as a block's header has it.
type xzFilter struct {
	id         uint64
	properties []byte
}

// optional is a number that a header may have.
type optional struct {
	set   bool
	value uint64
}

// differs reports whether a number is another one than the header has.
func (o optional) differs(n int64) bool { return o.set && o.value != uint64(n) }

// xzBlockHeader is what the header of a block states.
type xzBlockHeader struct {
	size                     int
	compressed, uncompressed optional
	// filters in the order in which they were applied. LZMA2 is the last one.
	filters []xzFilter
}

// parseXZBlock parses a whole header.
func parseXZBlock(b []byte) (xzBlockHeader, error) {
	const filters, reserved, hasCompressed, hasUncompressed = 0x03, 0x3c, 0x40, 0x80
	h := xzBlockHeader{size: len(b)}
	if err := checkCRC32("header", b); err != nil {
		return h, err
	}
	flags := b[1]
	if flags&reserved != 0 {
		return h, fmt.Errorf("flags %#02x are not supported", flags)
	}
	rest := bytes.NewReader(b[2 : len(b)-crc32.Size])
	in := &xzNumbers{r: rest}
	for _, size := range []struct {
		flag byte
		to   *optional
	}{{hasCompressed, &h.compressed}, {hasUncompressed, &h.uncompressed}} {
		if flags&size.flag != 0 {
			*size.to = optional{true, in.number()}
		}
	}
	for range flags&filters + 1 {
		h.filters = append(h.filters, parseXZFilter(in, rest))
	}
	for in.err == nil && rest.Len() > 0 {
		if in.byte() != 0 {
			return h, errors.New("it is not padded with zeros")
		}
	}
	return h, noEOF(in.err)
}

func parseXZFilter(in *xzNumbers, rest *bytes.Reader) xzFilter {
	f := xzFilter{id: in.number()}
	size := in.number()
	if in.err == nil && size > uint64(rest.Len()) {
		in.err = io.ErrUnexpectedEOF
	}
	for i := uint64(0); i < size && in.err == nil; i++ {
		f.properties = append(f.properties, in.byte())
	}
	return f
}

// xzBlock reads a block.
type xzBlock struct {
	xzBlockHeader
	contents io.Reader
	// data is the LZMA2 data.
	data  *framing
	sizes *lzma2Chunks
}

// openBlock opens the block whose header was read.
func (d *Decoders) openBlock(r *bufio.Reader, h xzBlockHeader) (*xzBlock, error) {
	last := h.filters[len(h.filters)-1]
	if last.id != xzLZMA2 || len(last.properties) != 1 {
		return nil, fmt.Errorf("the last filter of a block is %#x, want LZMA2 (%#x)", last.id, xzLZMA2)
	}
	if err := checkLZMA2(last.properties[0]); err != nil {
		return nil, err
	}
	if err := checkFilters(h.filters); err != nil {
		return nil, err
	}
	b := &xzBlock{xzBlockHeader: h, sizes: &lzma2Chunks{r: r}}
	b.data = &framing{r: r, next: b.sizes.next}
	contents, filters, err := d.decode(h.filters, b.data, b.sizes)
	for err == nil && len(filters) > 0 {
		if contents, filters, err = undoOwn(contents, filters); err == nil && len(filters) > 0 {
			contents, filters, err = stored(contents, filters)
		}
	}
	b.contents = contents
	return b, err
}

// checkLZMA2 checks the dictionary's size, for which a byte of properties stands.
func checkLZMA2(properties byte) error {
	const maxProperties = 40
	if properties > maxProperties {
		return fmt.Errorf("properties of LZMA2 are %#02x, want at most %#02x", properties, maxProperties)
	}
	return checkDictionary("dictionary", uint64(2|properties&1)<<(properties/2+11))
}

// checkFilters names a filter that neither the library nor this package knows.
func checkFilters(filters []xzFilter) error {
	for _, f := range filters {
		if f.id != xzLZMA2 && (f.id < xzDelta || f.id > xzRISCV) {
			return fmt.Errorf("filter %#x is not supported", f.id)
		}
	}
	return nil
}

// undoOwn undoes the last filter, which is one that the library does not know. It returns the filters before.
func undoOwn(r io.Reader, filters []xzFilter) (io.Reader, []xzFilter, error) {
	f := filters[len(filters)-1]
	var pos uint32
	switch len(f.properties) {
	case 0:
	case 4:
		pos = binary.LittleEndian.Uint32(f.properties)
	default:
		return nil, nil, fmt.Errorf("filter %#x has %d bytes of properties, want 0 or 4", f.id, len(f.properties))
	}
	own := ownFilters[f.id]
	if pos%own.align != 0 {
		return nil, nil, fmt.Errorf("filter %#x starts at %d, want a multiple of %d", f.id, pos, own.align)
	}
	return newBranches(r, pos, own.undo), filters[:len(filters)-1], nil
}

// decode decompresses LZMA2 data and undoes as many of the last filters as the library knows. It returns those
// before.
func (d *Decoders) decode(filters []xzFilter, data io.Reader, sizes sized) (io.Reader, []xzFilter, error) {
	n := len(filters)
	for n > 0 && ownFilters[filters[n-1].id].undo == nil {
		n--
	}
	stream := newContainer(filters[n:], data, sizes)
	if d.lzma2 == nil {
		var err error
		if d.lzma2, err = xz.NewReader(stream, MaxDictionary); err != nil {
			d.lzma2 = nil // it cannot be used again
			return nil, nil, err
		}
		return d.lzma2, filters[:n], nil
	}
	if err := d.lzma2.Reset(stream); err != nil {
		d.lzma2 = nil
		return nil, nil, err
	}
	return d.lzma2, filters[:n], nil
}

// stored undoes filters that were applied before one of ownFilters: the library gets the data as LZMA2 data that is
// not compressed.
func stored(r io.Reader, filters []xzFilter) (io.Reader, []xzFilter, error) {
	const smallest = 0 // dictionary
	chunks := &storedChunks{r: r}
	all := append(filters[:len(filters):len(filters)], xzFilter{xzLZMA2, []byte{smallest}})
	return new(Decoders).decode(all, chunks, chunks)
}

// sized is LZMA2 data that was read.
type sized interface {
	// lengths returns the number of its bytes, and of what it decompresses to.
	lengths() (compressed, contents int64)
}

// lzma2Chunks finds the parts of LZMA2 data, which are chunks and a zero byte.
type lzma2Chunks struct {
	r                    *bufio.Reader
	ended                bool
	compressed, contents int64
}

func (l *lzma2Chunks) lengths() (int64, int64) { return l.compressed, l.contents }

func (l *lzma2Chunks) next() (int64, error) {
	if l.ended {
		return 0, io.EOF
	}
	size, err := l.chunk()
	l.compressed += size
	return size, err
}

// chunk returns the size of the chunk that comes next. Its first byte decides the rest of its header: the size
// decompressed, then, of a chunk that is compressed, the size, and properties where they change.
func (l *lzma2Chunks) chunk() (int64, error) {
	const storedHeader, header, uncompressed, compressed, properties = 3, 5, 0x02, 0x80, 0xc0
	b, err := peek(l.r, 1)
	if err != nil {
		return 0, err
	}
	control := b[0]
	switch {
	case control == 0:
		l.ended = true
		return 1, nil
	case control <= uncompressed:
		if b, err = peek(l.r, storedHeader); err != nil {
			return 0, err
		}
		size := int64(binary.BigEndian.Uint16(b[1:])) + 1
		l.contents += size
		return storedHeader + size, nil
	case control < compressed:
		return 0, fmt.Errorf("an LZMA2 chunk of type %#02x", control)
	}
	if b, err = peek(l.r, header); err != nil {
		return 0, err
	}
	l.contents += int64(control&0x1f)<<16 + int64(binary.BigEndian.Uint16(b[1:])) + 1
	size := header + int64(binary.BigEndian.Uint16(b[3:])) + 1
	if control >= properties {
		size++
	}
	return size, nil
}

// storedChunks makes LZMA2 data of what r has, without compressing it.
type storedChunks struct {
	r                    io.Reader
	pending              []byte
	ended                bool
	compressed, contents int64
}

func (s *storedChunks) lengths() (int64, int64) { return s.compressed, s.contents }

// Read reads LZMA2 data.
func (s *storedChunks) Read(p []byte) (int, error) {
	if len(s.pending) == 0 {
		if s.ended {
			return 0, io.EOF
		}
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.pending)
	s.pending = s.pending[n:]
	return n, nil
}

// next makes the next chunk, or the end.
func (s *storedChunks) next() error {
	const header, dictionaryReset = 3, 1
	b := make([]byte, header+32<<10)
	n, err := s.r.Read(b[header:])
	switch {
	case n > 0: // an error comes again
		b[0] = dictionaryReset
		binary.BigEndian.PutUint16(b[1:], uint16(n-1))
		s.pending = b[:header+n]
	case err == io.EOF:
		s.pending, s.ended = []byte{0}, true
	default:
		return err
	}
	s.contents += int64(n)
	s.compressed += int64(len(s.pending))
	return nil
}

// newContainer gives LZMA2 data the form of an xz stream with one block and no check, which the library reads.
func newContainer(filters []xzFilter, data io.Reader, sizes sized) io.Reader {
	flags := []byte{0, 0}
	block := []byte{0, byte(len(filters) - 1)}
	for _, f := range filters {
		block = appendNumber(block, f.id)
		block = appendNumber(block, uint64(len(f.properties)))
		block = append(block, f.properties...)
	}
	block = appendZeros(block)
	block[0] = byte(len(block) / 4)
	block = appendCRC32(block, block)
	head := appendCRC32(append([]byte(xzMagic), flags...), flags)
	return io.MultiReader(bytes.NewReader(head), bytes.NewReader(block), data, &later{make: func() []byte {
		return containerEnd(flags, len(block), sizes)
	}})
}

// containerEnd returns what follows the data of a block: zeros, index and footer.
func containerEnd(flags []byte, header int, sizes sized) []byte {
	compressed, contents := sizes.lengths()
	end := make([]byte, -compressed&3)
	index := appendNumber([]byte{0, 1}, uint64(header)+uint64(compressed))
	index = appendZeros(appendNumber(index, uint64(contents)))
	end = appendCRC32(append(end, index...), index)
	footer := append(binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4)), flags...)
	end = binary.LittleEndian.AppendUint32(end, crc32.ChecksumIEEE(footer))
	return append(append(end, footer...), xzFooterMagic...)
}

// later reads bytes that are made when they are read.
type later struct {
	make func() []byte
	r    *bytes.Reader
}

// Read reads the bytes.
func (l *later) Read(p []byte) (int, error) {
	if l.r == nil {
		l.r = bytes.NewReader(l.make())
	}
	return l.r.Read(p)
}

// appendNumber appends a number of variable length.
func appendNumber(b []byte, n uint64) []byte { return binary.AppendUvarint(b, n) }

// appendZeros pads to a multiple of 4.
func appendZeros(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }

func appendCRC32(b, of []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(of))
}
