// SPDX-License-Identifier: Apache-2.0

// Package initramfs writes an initramfs, and reads one as the kernel unpacks it (init/initramfs.c): cpio archives in the "newc"
// format one after another, each of which may be compressed, with zero bytes between them
// (Documentation/driver-api/early-userspace/buffer-format.rst), and a boot configuration at the end. The first archive
// is often a small one with CPU microcode that is not compressed.
//
// Input is not trusted. Memory is bounded, whatever headers state.
package initramfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"rules_modhash/tools/archive/codec"
)

// maxUnpacked bounds what all archives of an initramfs may have together, decompressed, in bytes: it would have to
// fit into memory.
const maxUnpacked = 4 << 30

// KindBootConfig is the kind of the segment that is not an archive.
const KindBootConfig = "boot configuration"

// Segment is a part of an initramfs: an archive, several archives in one compressed stream, or the boot configuration.
type Segment struct {
	// Kind is "" for archives, or KindBootConfig.
	Kind string `json:"kind,omitempty"`
	// Offset is where it begins in the file.
	Offset int64 `json:"offset"`
	// Size is how many bytes a boot configuration has, with its header and what a boot loader added.
	Size int64 `json:"size,omitempty"`
	// Compression is "none", or the name of one of package codec.
	Compression string `json:"compression"`
	// Entries is the number of files, directories and so on.
	Entries int `json:"entries"`
	// Ignored is how many of them the kernel does not unpack.
	Ignored int `json:"ignored,omitempty"`
}

// Entry is a file, directory or other entry of an archive.
type Entry struct {
	// Name is a clean path relative to the root: absolute names and ".." lead to where they do in a chroot.
	Name string
	// Mode is st_mode: type and permissions.
	Mode uint32
	// Links is the number of names that the file has, as its header or earlier ones state. Contents of a file with 2 or
	// more may be those of other names too, which are visited later.
	Links uint32
	// Size is the number of bytes of contents.
	Size int64
	// LinkOf is a name that was visited before, with contents or as a link itself: its contents are those of this name
	// too. It is "" for an entry that comes with its contents.
	LinkOf string
	// Ignored states why the kernel does not unpack the entry. It is "" if it does.
	Ignored string
}

// The types in st_mode.
const (
	typeMask       = 0o170000
	typeCharDevice = 0o020000
	typeDirectory  = 0o040000
	typeFile       = 0o100000
	typeLink       = 0o120000
)

// IsRegular reports whether the entry is a regular file.
func (e Entry) IsRegular() bool { return e.Mode&typeMask == typeFile }

// IsSymlink reports whether the entry is a symbolic link. Its contents are the target.
func (e Entry) IsSymlink() bool { return e.Mode&typeMask == typeLink }

// Read reads the initramfs of size bytes in r, and calls visit for each entry with its contents, which visit may
// leave unread. Each header in an archive is visited once, in order, but for names of a file that come without
// contents: any of its names may have them, in any place. These names are visited with LinkOf after all archives, in
// order, or before the name that LinkOf is gets other contents. A name is visited again if its contents are replaced
// under another name. A file of which no name has contents is visited as an empty one. Contents of an entry that the
// kernel ignores are not those of its name.
//
// Read returns the segments it came across, also with an error. Only an error of visit leaves out what is left to
// visit of what was read.
func Read(r io.ReaderAt, size int64, visit func(Entry, io.Reader) error) ([]Segment, error) {
	config, configErr := findBootConfig(r, size)
	in := &reader{file: r, size: size, visit: visit, left: maxUnpacked}
	if config != nil {
		in.size = config.Offset
	}
	err := in.archives()
	if !in.stopped {
		if linkErr := in.visitLinks(); err == nil || in.stopped {
			err = linkErr
		}
	}
	if config != nil {
		in.segments = append(in.segments, *config)
	}
	if err == nil || in.stopped || configErr == nil {
		return in.segments, firstOf(err, configErr)
	}
	return in.segments, fmt.Errorf("%w; %w", err, configErr)
}

// firstOf returns the first error that is one.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

type reader struct {
	file     io.ReaderAt
	size     int64
	visit    func(Entry, io.Reader) error
	segments []Segment
	decoders codec.Decoders
	links    links
	// offset is where the next segment begins.
	offset int64
	// left is how many more bytes archives may have.
	left int64
	// stopped reports that visit returned an error.
	stopped bool
}

// archives reads all segments but the boot configuration.
func (in *reader) archives() error {
	for {
		at, err := in.skipZeros(in.offset)
		if err != nil || at == in.size {
			return err
		}
		in.offset = at
		in.segments = append(in.segments, Segment{Offset: at, Compression: "none"})
		if err := in.segment(); err != nil {
			return fmt.Errorf("archive at byte %d: %w", at, err)
		}
	}
}

// current returns the segment that is being read.
func (in *reader) current() *Segment { return &in.segments[len(in.segments)-1] }

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

// segment reads the segment at in.offset and sets in.offset to its end.
func (in *reader) segment() error {
	head := make([]byte, min(6, in.size-in.offset))
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
	format, ok := codec.Of(head)
	if !ok {
		names := codec.Names()
		last := len(names) - 1
		return fmt.Errorf("it starts with %x, want a cpio archive (newc, 070701), or one compressed by %s or %s",
			head, strings.Join(names[:last], ", "), names[last])
	}
	return in.compressed(format)
}

// compressed reads a compressed segment. The kernel too goes on after the end of one stream (frame, member).
func (in *reader) compressed(format codec.Format) error {
	in.current().Compression = format.Name
	contents, err := in.decoders.OpenMember(format, in.rest(in.offset))
	if err != nil {
		return fmt.Errorf("decompressing %s data: %w", format.Name, err)
	}
	if err := in.entries(in.stream(namedErrors{contents, format.Name}), false); err != nil {
		return err
	}
	in.offset += contents.InputOffset()
	return nil
}

// noEOF gives the end of data that should go on its usual name.
func noEOF(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
