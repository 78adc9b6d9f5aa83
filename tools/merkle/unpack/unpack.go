// SPDX-License-Identifier: Apache-2.0

// Package unpack takes the kernel modules out of what they are shipped in: a tar, compressed or not, or a
// Debian package (an ar archive that holds a tar, deb(5)). Archives are not trusted: names that lead out of
// them are refused, sizes are bounded, and nothing but modules is written.
package unpack

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"pault.ag/go/debian/deb"

	"rules_modhash/tools/merkle/decompress"
	"rules_modhash/tools/merkle/module"
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
)

const (
	arMagic = "!<arch>\n"
	// tarMagic stands in each header of a POSIX or GNU tar, at tarMagicOffset.
	tarMagic       = "ustar"
	tarMagicOffset = 257
)

// FormatOf returns the kind of archive that begins with head, "" if it is none. Whatever is compressed is
// taken for a tar.
func FormatOf(head []byte) string {
	if bytes.HasPrefix(head, []byte(arMagic)) {
		return FormatDebian
	}
	if _, ok := decompress.Of(head); ok || isTar(head) {
		return FormatTar
	}
	return ""
}

func isTar(head []byte) bool {
	return len(head) > tarMagicOffset && bytes.HasPrefix(head[tarMagicOffset:], []byte(tarMagic))
}

// Modules writes the modules in the archive f below the directory dir, which is empty, at their paths in the
// archive. Errors do not name the archive.
func Modules(f *os.File, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return modules(f, &directory{root: root, limit: maxUnpacked})
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
	return compressedTar(io.NewSectionReader(f, 0, 1<<63-1), head[:n], d)
}

// debian unpacks the member data.tar of a Debian package.
func debian(f io.ReaderAt, d *directory) error {
	ar, err := deb.LoadAr(f)
	if err != nil {
		return fmt.Errorf("reading an ar archive: %w", err)
	}
	for {
		member, err := ar.Next()
		if errors.Is(err, io.EOF) {
			return errors.New("is an ar archive without data.tar, want a Debian package (deb(5))")
		}
		if err != nil {
			return fmt.Errorf("reading an ar archive: %w", err)
		}
		if member.Size < 0 {
			return fmt.Errorf("reading an ar archive: member %q has %d bytes", member.Name, member.Size)
		}
		if suffix, ok := strings.CutPrefix(member.Name, "data.tar"); ok {
			return dataTar(member.Data, suffix, d)
		}
	}
}

// dataTar unpacks the data.tar of a Debian package. Suffix is the rest of its name.
func dataTar(data *io.SectionReader, suffix string, d *directory) error {
	head := make([]byte, HeadSize)
	n, err := data.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	if err := compressedTar(data, head[:n], d); err != nil {
		return fmt.Errorf("data.tar%s: %w", suffix, err)
	}
	return nil
}

// compressedTar unpacks a tar, which begins with head if it is not compressed.
func compressedTar(r io.Reader, head []byte, d *directory) error {
	format, ok := decompress.Of(head)
	if !ok {
		return unpackTar(r, d)
	}
	contents, err := format.Open(r)
	if err != nil {
		return fmt.Errorf("decompressing %s data: %w", format.Name, noEOF(err))
	}
	return unpackTar(&namedErrors{contents, format.Name}, d)
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
	io.Reader
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

func unpackTar(r io.Reader, d *directory) error {
	// What is skipped in the archive is decompressed as well, and counts.
	bounded := &io.LimitedReader{R: r, N: d.limit + 1}
	err := d.entries(tar.NewReader(bounded))
	if bounded.N <= 0 || d.written > d.limit {
		return fmt.Errorf("holds more than %d bytes: too much for the modules of a kernel", d.limit)
	}
	return err
}

// directory is where modules are written.
type directory struct {
	root *os.Root
	// limit is how many bytes an archive may have, and how many may be written: more in sparse files.
	limit, written int64
}

// errTooLarge ends the reading of an archive; unpackTar says why.
var errTooLarge = errors.New("is too large")

// entries writes the modules of a tar.
func (d *directory) entries(in *tar.Reader) error {
	for range maxEntries {
		header, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a tar archive: %w", err)
		}
		if err := d.entry(header, in); err != nil {
			return fmt.Errorf("%q in the archive %w", header.Name, err)
		}
	}
	return fmt.Errorf("holds more than %d entries: too many for the modules of a kernel", maxEntries)
}

// entry writes one entry of a tar, if it is a module.
func (d *directory) entry(header *tar.Header, contents io.Reader) error {
	name, err := entryPath(header.Name)
	if err != nil || !module.HasModuleName(name) {
		return err
	}
	if header.Typeflag == tar.TypeDir {
		return errors.New("has the name of a module, but is a directory")
	}
	if err := d.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeReg:
		return d.write(name, header.Size, contents)
	case tar.TypeLink:
		return d.link(name, header.Linkname)
	}
	return fmt.Errorf("has the name of a module, but is neither a regular file nor a hard link (tar type %q)", header.Typeflag)
}

// entryPath returns a name in an archive as a clean relative path.
func entryPath(name string) (string, error) {
	if path.IsAbs(name) {
		return "", errors.New("is an absolute path: it leads out of the archive")
	}
	clean := path.Clean(name)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", errors.New("leads out of the archive")
	}
	return clean, nil
}

func (d *directory) write(name string, size int64, contents io.Reader) error {
	if size > module.MaxSize {
		return fmt.Errorf("has %d bytes, more than the kernel loads (%d)", size, module.MaxSize)
	}
	if d.written += size; d.written > d.limit {
		return errTooLarge
	}
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return errors.New("is there twice")
	}
	if err != nil {
		return err
	}
	if _, err = io.Copy(f, contents); err != nil {
		err = fmt.Errorf("cannot be copied: %w", err)
	}
	return errors.Join(err, f.Close())
}

// link gives a module that was written already a second name.
func (d *directory) link(name, target string) error {
	target, err := entryPath(target)
	if err != nil {
		return fmt.Errorf("is a hard link to a path that %w", err)
	}
	if err := d.root.Link(target, name); err != nil {
		return fmt.Errorf("is a hard link to %q, which comes later or is no module: %w", target, err)
	}
	return nil
}
