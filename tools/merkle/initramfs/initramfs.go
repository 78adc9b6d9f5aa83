// SPDX-License-Identifier: Apache-2.0

// Package initramfs reads an initramfs as the kernel unpacks it (init/initramfs.c): cpio archives in the "newc"
// format one after another, each of which may be compressed, with zero bytes between them
// (Documentation/driver-api/early-userspace/buffer-format.rst). The first one is often a small one with CPU
// microcode that is not compressed.
//
// What is read is not trusted. Memory is bounded whatever headers say: u-root's reader, whose writer makes our
// own archives, allocates as much as a header's name size asks for, up to 4 GiB, so it is not used here.
package initramfs

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"rules_modhash/tools/merkle/decompress"
)

const (
	// maxUnpacked bounds what all archives of an initramfs may have together, decompressed, in bytes: it would
	// have to fit into memory.
	maxUnpacked = 4 << 30
	// maxName is PATH_MAX: the kernel skips entries with longer names.
	maxName = 4096
	// headerSize is the size of a newc header: magic and 13 numbers of 8 hex digits.
	headerSize = 110
	// trailer is the name of the entry that ends an archive.
	trailer = "TRAILER!!!"
)

// magics of newc, without and with checksums.
var magics = []string{"070701", "070702"}

// Segment is one archive of an initramfs, or several in one compressed stream.
type Segment struct {
	// Offset is where it begins in the file.
	Offset int64 `json:"offset"`
	// Compression is "none", "gzip", "xz", "zstd" or "lz4".
	Compression string `json:"compression"`
	// Entries is the number of files, directories and so on.
	Entries int `json:"entries"`
}

// Entry is a file, directory or other entry of an archive.
type Entry struct {
	// Name is a clean relative path.
	Name string
	// Mode is st_mode: type and permissions.
	Mode uint32
	// Links is the number of names that a file has. All but one of them have size 0.
	Links uint32
	// LinkOf is the name under which the contents of this file were visited, if not under its own.
	LinkOf string
	// Size is the number of bytes of contents.
	Size int64
}

// IsRegular reports whether the entry is a regular file.
func (e Entry) IsRegular() bool {
	const typeMask, regular = 0o170000, 0o100000
	return e.Mode&typeMask == regular
}

// Read reads the initramfs of size bytes in r, and calls visit for each entry with its contents, which visit may
// leave unread. It returns the archives it came across, also with an error.
func Read(r io.ReaderAt, size int64, visit func(Entry, io.Reader) error) ([]Segment, error) {
	in := &reader{file: r, size: size, visit: visit, left: maxUnpacked}
	for {
		at, err := in.skipZeros(in.offset)
		if err != nil || at == size {
			return in.segments, err
		}
		in.offset = at
		in.segments = append(in.segments, Segment{Offset: at, Compression: "none"})
		if err := in.segment(); err != nil {
			return in.segments, fmt.Errorf("archive at byte %d: %w", at, err)
		}
	}
}

type reader struct {
	file     io.ReaderAt
	size     int64
	visit    func(Entry, io.Reader) error
	segments []Segment
	// offset is where the next segment begins.
	offset int64
	// left is how many more bytes archives may have.
	left int64
}

// skipZeros returns the offset of the first byte from offset on that is not 0, or the size of the file.
func (in *reader) skipZeros(offset int64) (int64, error) {
	buffer := make([]byte, 4096)
	for offset < in.size {
		n, err := in.file.ReadAt(buffer[:min(int64(len(buffer)), in.size-offset)], offset)
		if rest := bytes.TrimLeft(buffer[:n], "\x00"); len(rest) > 0 {
			return offset + int64(n-len(rest)), nil
		}
		offset += int64(n)
		if err != nil && err != io.EOF || n == 0 {
			return offset, fmt.Errorf("reading at byte %d of %d: %w", offset, in.size, noEOF(err))
		}
	}
	return in.size, nil
}

// rest returns the file from offset on.
func (in *reader) rest(offset int64) *io.SectionReader {
	return io.NewSectionReader(in.file, offset, in.size-offset)
}

// segment reads the segment at in.offset and sets in.offset behind it.
func (in *reader) segment() error {
	head := make([]byte, 6)
	n, err := in.file.ReadAt(head, in.offset)
	if err != nil && err != io.EOF {
		return err
	}
	head = head[:n]
	if isNewc(head) {
		s := in.stream(in.rest(in.offset))
		err := in.entries(s, true)
		in.offset += s.offset
		return err
	}
	format, ok := decompress.Of(head)
	if !ok {
		return fmt.Errorf("it starts with %x, want a cpio archive (newc, 070701), or one compressed by gzip, xz, zstd "+
			"or lz4", head)
	}
	return in.compressed(format.Name)
}

func isNewc(head []byte) bool {
	return bytes.HasPrefix(head, []byte(magics[0])) || bytes.HasPrefix(head, []byte(magics[1]))
}

// compressed reads a compressed segment.
func (in *reader) compressed(format string) error {
	in.segments[len(in.segments)-1].Compression = format
	open, ok := members[format]
	if !ok {
		return fmt.Errorf("it is compressed by %s, want gzip, xz, zstd or lz4", format)
	}
	m, err := open(in)
	if err != nil {
		return fmt.Errorf("decompressing %s data: %w", format, noEOF(err))
	}
	if err := in.entries(in.stream(namedErrors{m.contents, format}), false); err != nil {
		return err
	}
	if in.offset, err = m.end(); err != nil {
		return fmt.Errorf("looking for the end of %s data: %w", format, err)
	}
	return nil
}

// namedErrors names the compression in the errors of a decompressor.
type namedErrors struct {
	io.Reader
	format string
}

// Read is the decompressor's.
func (n namedErrors) Read(p []byte) (int, error) {
	got, err := n.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("decompressing %s data: %w", n.format, err)
	}
	return got, err
}

// noEOF gives the end of data that should go on its usual name.
func noEOF(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// stream is the contents of a segment.
type stream struct {
	in     *reader
	r      *bufio.Reader
	offset int64
}

func (in *reader) stream(r io.Reader) *stream {
	return &stream{in: in, r: bufio.NewReaderSize(&budget{in, r}, 64<<10)}
}

// budget counts what is read against what all archives may have.
type budget struct {
	in *reader
	r  io.Reader
}

// Read fails once the archives have more than they may have.
func (b *budget) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.in.left -= int64(n); b.in.left < 0 {
		return 0, fmt.Errorf("the archives have more than %d bytes, more than an initramfs may have", int64(maxUnpacked))
	}
	return n, err
}

// Read counts what is read.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.offset += int64(n)
	return n, err
}

func (s *stream) skip(n int64) error {
	skipped, err := io.CopyN(io.Discard, s.r, n)
	s.offset += skipped
	return err
}

// entries visits the entries of the archives in a stream. What comes behind the last archive is left unread if
// plain is set, and is an error else.
func (in *reader) entries(s *stream, plain bool) error {
	for {
		head, err := s.r.Peek(len(magics[0]))
		switch {
		case len(head) == 0 && err == io.EOF:
			return nil
		case err != nil && err != io.EOF:
			return err
		case head[0] == 0:
			if err := s.skip(1); err != nil {
				return err
			}
		case isNewc(head):
			if err := in.entry(s); err != nil {
				return err
			}
		case plain:
			return nil
		default:
			return notNewc(head)
		}
	}
}

// notNewc says what is in a compressed segment instead of a cpio archive.
func notNewc(head []byte) error {
	if format, ok := decompress.Of(head); ok {
		return fmt.Errorf("it is compressed twice, the second time by %s: the kernel decompresses once", format.Name)
	}
	return fmt.Errorf("got %x where an entry should begin, want 070701", head)
}

// header is what a newc header tells that is of use here.
type header struct {
	mode, links, fileSize, nameSize uint32
}

// entry visits one entry.
func (in *reader) entry(s *stream) error {
	at := s.offset
	h, err := readHeader(s)
	if err != nil {
		return fmt.Errorf("entry at byte %d: %w", at, err)
	}
	name, err := readName(s, h.nameSize)
	if err != nil {
		return fmt.Errorf("entry at byte %d: %w", at, err)
	}
	if name == trailer {
		return s.align()
	}
	in.segments[len(in.segments)-1].Entries++
	clean, err := checkName(name)
	if err != nil {
		return fmt.Errorf("entry at byte %d: the path %q %w", at, name, err)
	}
	return in.contents(s, Entry{Name: clean, Mode: h.mode, Links: h.links, Size: int64(h.fileSize)})
}

// contents has an entry visited and skips what was left unread.
func (in *reader) contents(s *stream, e Entry) error {
	if err := s.align(); err != nil && e.Size > 0 {
		return fmt.Errorf("%s: %w", e.Name, noEOF(err))
	}
	contents := &io.LimitedReader{R: s, N: e.Size}
	if err := in.visit(e, contents); err != nil {
		return err
	}
	if err := s.skip(contents.N); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%q says that it has %d bytes, but the archive ends before", e.Name, e.Size)
		}
		return fmt.Errorf("%q: %w", e.Name, err)
	}
	return s.align()
}

// align skips to a multiple of 4. The end of the archive is fine.
func (s *stream) align() error {
	if err := s.skip(-s.offset & 3); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func readHeader(s *stream) (header, error) {
	b := make([]byte, headerSize)
	if _, err := io.ReadFull(s, b); err != nil {
		return header{}, fmt.Errorf("reading its header: %w", noEOF(err))
	}
	numbers := make([]byte, hex.DecodedLen(headerSize-len(magics[0])))
	if _, err := hex.Decode(numbers, b[len(magics[0]):]); err != nil {
		return header{}, fmt.Errorf("reading its header: %w", err)
	}
	field := func(i int) uint32 { return binary.BigEndian.Uint32(numbers[4*i:]) }
	return header{mode: field(1), links: field(4), fileSize: field(6), nameSize: field(11)}, nil
}

func readName(s *stream, size uint32) (string, error) {
	if size == 0 || size > maxName {
		return "", fmt.Errorf("its name has %d bytes, want between 1 and %d", size, maxName)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(s, b); err != nil {
		return "", fmt.Errorf("reading its name: %w", noEOF(err))
	}
	name, ok := strings.CutSuffix(string(b), "\x00")
	if !ok || strings.Contains(name, "\x00") {
		return "", fmt.Errorf("its name %q does not end with its only NUL", b)
	}
	return name, nil
}

// checkName returns a name as a clean relative path.
func checkName(name string) (string, error) {
	clean := path.Clean(name)
	switch {
	case path.IsAbs(name):
		return "", errors.New("is absolute, want one relative to the root of the initramfs")
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return "", errors.New("leads out of the initramfs")
	}
	return clean, nil
}
