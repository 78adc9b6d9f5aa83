// SPDX-License-Identifier: Apache-2.0

package initramfs

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"rules_modhash/tools/archive/codec"
	"rules_modhash/tools/archive/names"
)

const (
	// maxName: the kernel skips entries with longer names, and links with longer targets.
	maxName = names.Max
	// headerSize is the size of a newc header: magic and 13 numbers of 8 hex digits.
	headerSize = 110
	// trailer is the name of the entry that ends an archive.
	trailer = "TRAILER!!!"
)

// magics of newc, without and with checksums.
var magics = []string{"070701", "070702"}

func isNewc(head []byte) bool {
	return bytes.HasPrefix(head, []byte(magics[0])) || bytes.HasPrefix(head, []byte(magics[1]))
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

// entries visits the entries of the archives in a stream. What comes after the last archive is left unread if
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
			at := s.offset
			if err := in.entry(s); err != nil {
				return fmt.Errorf("entry at byte %d: %w", at, err)
			}
		case plain:
			return nil
		default:
			return notNewc(head)
		}
	}
}

// notNewc states what is in a compressed segment instead of a cpio archive.
func notNewc(head []byte) error {
	if format, ok := codec.Of(head); ok {
		return fmt.Errorf("it is compressed twice, the second time by %s: the kernel decompresses once", format.Name)
	}
	return fmt.Errorf("got %x where an entry should begin, want 070701", head)
}

// header is the part of a newc header that is of use here.
type header struct {
	id                              fileID
	mode, links, fileSize, nameSize uint32
}

// fileID is the same in the headers of all names of a file, within an archive.
type fileID struct{ inode, major, minor uint32 }

// entry visits one entry.
func (in *reader) entry(s *stream) error {
	h, err := readHeader(s)
	if err != nil {
		return err
	}
	name, ignored, err := readName(s, h)
	if err != nil {
		return err
	}
	e := Entry{Name: names.Rooted(name), Mode: h.mode, Links: h.links, Size: int64(h.fileSize), Ignored: ignored}
	if name == trailer && ignored == "" && !e.IsSymlink() {
		in.links.endArchive()
		if e.Size == 0 {
			return s.align()
		}
		e.Ignored = "it ends the archive"
	}
	return in.contents(s, e, h.id)
}

// contents visits an entry, unless it is a name whose contents may be elsewhere, and skips what was left unread.
func (in *reader) contents(s *stream, e Entry, id fileID) error {
	if err := s.align(); err != nil && e.Size > 0 {
		return fmt.Errorf("%q: %w", e.Name, noEOF(err))
	}
	n, err := in.links.enter(&e, id)
	if err != nil {
		return err
	}
	in.count(e)
	switch {
	case n == nil:
		return in.visitContents(s, e, nil)
	case e.Size == 0 && e.Links >= 2:
		n.pending++
		return nil
	}
	e.Links = max(e.Links, uint32(len(n.file.users)))
	if err := in.visitContents(s, e, n.file); err != nil {
		return err
	}
	if e.Size > 0 {
		in.links.setContents(n)
	}
	return nil
}

// count counts an entry of the current segment.
func (in *reader) count(e Entry) {
	segment := &in.segments[len(in.segments)-1]
	segment.Entries++
	if e.Ignored != "" {
		segment.Ignored++
	}
}

// visitContents visits an entry with its contents, which are those of file f if it may have several names.
func (in *reader) visitContents(s *stream, e Entry, f *linkedFile) error {
	if e.Ignored == "" && e.Size > 0 {
		if err := in.release(e.Name, f); err != nil {
			return err
		}
	}
	contents := &io.LimitedReader{R: s, N: e.Size}
	if err := in.call(e, contents); err != nil {
		return err
	}
	if err := in.skipContents(s, e, contents.N); err != nil {
		return err
	}
	return s.align()
}

// call calls visit.
func (in *reader) call(e Entry, contents io.Reader) error {
	err := in.visit(e, contents)
	in.stopped = err != nil
	return err
}

// skipContents skips the last n bytes of an entry's contents.
func (in *reader) skipContents(s *stream, e Entry, n int64) error {
	err := s.skip(n)
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%q has %d bytes according to its header, but the archive ends before that", e.Name, e.Size)
	case err != nil:
		return fmt.Errorf("%q: %w", e.Name, err)
	}
	return nil
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
	return header{id: fileID{field(0), field(7), field(8)},
		mode: field(1), links: field(4), fileSize: field(6), nameSize: field(11)}, nil
}

// readName reads a name, of one that is too long its first bytes, and returns why the kernel ignores the entry
// (do_header and do_name in init/initramfs.c).
func readName(s *stream, h header) (name, ignored string, err error) {
	const shown = 64
	size := int64(h.nameSize)
	if size > maxName {
		size = shown
	}
	b := make([]byte, size)
	if _, err = io.ReadFull(s, b); err == nil {
		err = s.skip(int64(h.nameSize) - size)
	}
	if err != nil {
		return "", "", fmt.Errorf("reading its name: %w", noEOF(err))
	}
	name, _, terminated := strings.Cut(string(b), "\x00")
	switch {
	case h.nameSize > maxName:
		return name + "…", fmt.Sprintf("its name has %d bytes, the kernel accepts %d", h.nameSize, maxName), nil
	case size == 0 || terminated && name == "":
		return name, "it has no name", nil
	case b[size-1] != 0:
		return "", "", fmt.Errorf("its name %q does not end with NUL", b)
	}
	return name, ignoredFor(h), nil
}

// ignoredFor returns why the kernel ignores an entry with a good name.
func ignoredFor(h header) string {
	switch h.mode & typeMask {
	case typeFile:
		return ""
	case typeLink:
		if h.fileSize > maxName {
			return fmt.Sprintf("it is a link to a path of %d bytes, the kernel accepts %d", h.fileSize, maxName)
		}
		return ""
	}
	if h.fileSize > 0 {
		return fmt.Sprintf("it has %d bytes, but is not a file", h.fileSize)
	}
	return ""
}
