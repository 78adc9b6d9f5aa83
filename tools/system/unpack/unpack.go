// SPDX-License-Identifier: Apache-2.0

// Package unpack takes the kernel modules out of what they are shipped in: a tar, compressed or not, or a
// Debian package (an ar archive that holds a tar, deb(5)). Archives are not trusted: names that lead out of
// them are rejected, sizes are bounded, and nothing but modules, and links between directories with modules, is
// written. Each entry is accounted for: what may hold modules and is not looked into is reported.
package unpack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"rules_modhash/tools/archive/ar"
	"rules_modhash/tools/archive/codec"
	"rules_modhash/tools/archive/container"
)

// The kinds of archive.
const (
	FormatTar    = "tar"
	FormatDebian = "Debian package"
)

// HeadSize is how many of a file's first bytes FormatOf wants to see: the header of a tar.
const HeadSize = 512

// Limits that no modules of a kernel reach, modules with debug information among them.
const (
	maxUnpacked = 16 << 30
	maxEntries  = 1 << 20
	// maxMembers is how many members an ar archive may have.
	maxMembers = 1024
)

const (
	// tarMagic stands in each header of a POSIX or GNU tar, at tarMagicOffset.
	tarMagic       = "ustar"
	tarMagicOffset = 257
)

// FormatOf returns the kind of archive that begins with head, "" if it is none. Whatever is compressed is
// taken for a tar.
func FormatOf(head []byte) string {
	if bytes.HasPrefix(head, []byte(ar.Magic)) {
		return FormatDebian
	}
	if _, ok := codec.Of(head); ok || isTar(head) {
		return FormatTar
	}
	return ""
}

// isTar knows a tar by its magic, and one of the old format, which has none, by its checksum.
func isTar(head []byte) bool {
	return container.Of(head) == container.Tar || len(head) > tarMagicOffset && bytes.HasPrefix(head[tarMagicOffset:], []byte(tarMagic))
}

// Contents is what an archive has apart from modules.
type Contents struct {
	// Others is how many entries are not modules and were not looked into, directories not counted.
	Others int
	// NotExamined are those entries that may hold modules.
	NotExamined []Unexamined
}

// Unexamined is an entry that may hold modules and was not examined.
type Unexamined struct {
	// Path in the archive, Reason why it was not.
	Path, Reason string
}

// Modules writes the modules in the archive f below the directory dir, which is empty, at their paths in the
// archive, and reports what else there is. Errors do not name the archive.
func Modules(f *os.File, dir string) (Contents, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Contents{}, err
	}
	defer root.Close()
	d := newDirectory(root, maxUnpacked)
	err = modules(f, d)
	return d.Contents, err
}

func modules(f io.ReaderAt, d *directory) error {
	head := make([]byte, HeadSize)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	if FormatOf(head[:n]) == FormatDebian {
		return debian(f, d)
	}
	return compressedTar(io.NewSectionReader(f, 0, 1<<63-1), d)
}

// debian unpacks the member data.tar of a Debian package.
func debian(f io.ReaderAt, d *directory) error {
	members := ar.NewReader(f)
	found := false
	for range maxMembers {
		member, err := members.Next()
		switch {
		case errors.Is(err, io.EOF) && found:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("is an ar archive without data.tar, want a Debian package (deb(5))")
		case err != nil:
			return fmt.Errorf("reading an ar archive: %w", err)
		}
		isData := strings.HasPrefix(member.Name, "data.tar")
		if err := d.member(member, isData && !found); err != nil {
			return err
		}
		found = found || isData
	}
	return fmt.Errorf("reading an ar archive: it has more than %d members", maxMembers)
}

// member unpacks a member of a Debian package if it is its data, and accounts for it else.
func (d *directory) member(member ar.Member, isData bool) error {
	name := member.Name
	if isData {
		if err := compressedTar(member.Data, d); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	d.Others++
	reason := ""
	switch {
	case name == "debian-binary" || strings.HasPrefix(name, "control.tar"):
		return nil
	case strings.HasPrefix(name, "data.tar"):
		reason = "is a second data.tar of the package"
	case strings.HasPrefix(name, "_"):
		// dpkg ignores these; signatures have such names (deb(5)).
		reason = Holds(name, member.Data)
	default:
		reason = "is not a known part of a Debian package (deb(5))"
	}
	return d.notExamined(name, reason)
}

// compressedTar unpacks a tar that may be compressed.
func compressedTar(archive *io.SectionReader, d *directory) error {
	r, err := openTar(archive)
	if err == nil {
		err = d.unpackTar(r)
	}
	if err != nil || len(d.wanted) == 0 {
		return err
	}
	// Hard links and links with names of modules lead to files without: these are read again, now that they are known.
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if r, err = openTar(archive); err != nil {
		return err
	}
	return d.fetch(r)
}

// openTar returns the contents of an archive, decompressed.
func openTar(archive *io.SectionReader) (io.Reader, error) {
	head := make([]byte, HeadSize)
	n, err := archive.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	format, ok := codec.Of(head[:n])
	if !ok {
		return archive, nil
	}
	contents, err := format.Open(archive)
	if err != nil {
		return nil, fmt.Errorf("decompressing %s data: %w", format.Name, noEOF(err))
	}
	return &namedErrors{contents, format.Name}, nil
}

// noEOF gives the end of data that should go on its usual name.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// namedErrors names the compression in the errors of a decompressor.
type namedErrors struct {
	*codec.Reader
	format string
}

// Read is the decompressor's.
func (n *namedErrors) Read(p []byte) (int, error) {
	got, err := n.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("decompressing %s data: %w", n.format, err)
	}
	return got, err
}
