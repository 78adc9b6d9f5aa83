// SPDX-License-Identifier: Apache-2.0

package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"rules_modhash/tools/archive/names"
	"rules_modhash/tools/merkle/module"
)

const (
	// maxPaths is how many bytes all paths together may have, which are held in memory.
	maxPaths = 128 << 20
	// maxNotExamined is how many entries that may hold modules are reported.
	maxNotExamined = 10_000
)

// kind is what a path in an archive is.
type kind int

const (
	absent kind = iota
	isDirectory
	isModule
	isFile
	isOther
)

// directory is where modules are written.
type directory struct {
	root *os.Root
	// limit is how many bytes an archive may have, and how many may be written: more in sparse files.
	limit, written int64
	Contents
	// kinds has the paths of all entries and of the directories that they are in.
	kinds map[string]kind
	paths int
	// sameAs has the first name of each file that a hard link has a further name for.
	sameAs map[string]string
	// links are the symbolic links, by their paths, names these in the order of the archive.
	links map[string]string
	names []string
	// steps counts the parts of paths that links led through.
	steps int
	// wanted are files that are not modules by their name, but by the names of links to them, which it lists.
	wanted map[string][]string
}

func newDirectory(root *os.Root, limit int64) *directory {
	return &directory{
		root: root, limit: limit, kinds: map[string]kind{".": isDirectory}, sameAs: map[string]string{},
		links: map[string]string{}, wanted: map[string][]string{},
	}
}

// notExamined reports an entry, unless the reason is "".
func (d *directory) notExamined(name, reason string) error {
	if reason == "" {
		return nil
	}
	if len(d.NotExamined) == maxNotExamined {
		return fmt.Errorf("contains more than %d entries that may contain modules and are not examined", maxNotExamined)
	}
	d.NotExamined = append(d.NotExamined, Unexamined{name, reason})
	return nil
}

// unpackTar writes the modules of a tar.
func (d *directory) unpackTar(archive io.Reader) error {
	return d.bounded(archive, func(r io.Reader) error {
		if err := d.entries(tar.NewReader(r), d.entry); err != nil {
			return err
		}
		if err := d.rest(r); err != nil {
			return err
		}
		if err := d.after(archive); err != nil {
			return err
		}
		return d.resolveLinks()
	})
}

// bounded bounds what is read. What is skipped in the archive is decompressed as well, and counts.
func (d *directory) bounded(r io.Reader, do func(io.Reader) error) error {
	bounded := &io.LimitedReader{R: r, N: d.limit + 1}
	err := do(bounded)
	if bounded.N <= 0 || d.written > d.limit {
		return fmt.Errorf("contains more than %d bytes: too much for the modules of a kernel", d.limit)
	}
	return err
}

// errTooLarge ends the reading of an archive; bounded states why.
var errTooLarge = errors.New("is too large")

// entries calls do for each entry of a tar.
func (d *directory) entries(in *tar.Reader, do func(*tar.Header, string, io.Reader) error) error {
	for range maxEntries {
		header, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a tar archive: %w", err)
		}
		name, err := names.Inside(header.Name)
		if err == nil {
			err = do(header, name, in)
		}
		if err != nil {
			return fmt.Errorf("%q in the archive %w", header.Name, err)
		}
	}
	return fmt.Errorf("contains more than %d entries: too many for the modules of a kernel", maxEntries)
}

// rest reads what comes after the end of a tar: tar(1) ignores it, and pads with NUL.
func (d *directory) rest(r io.Reader) error {
	const where = "(after the end of the tar)"
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.Read(buffer)
		switch {
		case strings.Trim(string(buffer[:n]), "\x00") != "":
			return d.notExamined(where, "is data that tar ignores")
		case err == io.EOF:
			return nil
		case err != nil:
			return d.notExamined(where, fmt.Sprintf("is data that cannot be read: %v", err))
		}
	}
}

// after reports what follows compressed data in the file: nothing decompresses it.
func (d *directory) after(r io.Reader) error {
	compressed, ok := r.(*namedErrors)
	if !ok {
		return nil
	}
	if _, err := compressed.Reader.Read(make([]byte, 1)); err != io.EOF {
		return nil // it was not read to its end: that is reported
	}
	n, err := compressed.RestSize()
	if err != nil || n == 0 {
		return err
	}
	return d.notExamined("(after the compressed data)", fmt.Sprintf("is %d bytes that are not %s data", n, compressed.format))
}

// entry writes one entry of a tar, if it is a module, and accounts for it else.
func (d *directory) entry(header *tar.Header, name string, contents io.Reader) error {
	switch header.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil
	case tar.TypeDir, gnuDirectory:
		if module.HasModuleName(name) {
			d.Others++
			return errors.Join(d.enter(name, isDirectory), d.notExamined(name, "has the name of a module, but is a directory"))
		}
		return d.enter(name, isDirectory)
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		return d.file(header, name, contents)
	case tar.TypeLink:
		return d.hardLink(name, header.Linkname)
	case tar.TypeSymlink:
		return d.symbolicLink(name, header.Linkname)
	}
	d.Others++
	return errors.Join(d.enter(name, isOther), d.notExamined(name, special(header.Typeflag)))
}

// gnuDirectory is the type of directories in archives of `tar --incremental`.
const gnuDirectory = 'D'

// special states what an entry is that has no contents, or contents of an unknown kind.
func special(typeflag byte) string {
	switch typeflag {
	case tar.TypeChar, tar.TypeBlock:
		return "is a device"
	case tar.TypeFifo:
		return "is a named pipe"
	}
	return fmt.Sprintf("has the unknown tar type %q", typeflag)
}

// enter enters what a path is, and that the directories that it is in are directories.
func (d *directory) enter(name string, k kind) error {
	for ; d.kinds[name] == absent || k != isDirectory; name, k = path.Dir(name), isDirectory {
		if d.kinds[name] == absent {
			d.paths += len(name)
		}
		if d.paths > maxPaths {
			return fmt.Errorf("exceeds the limit for paths: all paths together have more than %d bytes", maxPaths)
		}
		d.kinds[name] = k
	}
	return nil
}

// file writes a module, and looks at the beginning of another file.
func (d *directory) file(header *tar.Header, name string, contents io.Reader) error {
	if module.HasModuleName(name) {
		return errors.Join(d.enter(name, isModule), d.write(name, header.Size, contents))
	}
	d.Others++
	if err := d.enter(name, isFile); err != nil {
		return err
	}
	return d.notExamined(name, Holds(name, contents))
}

func (d *directory) write(name string, size int64, contents io.Reader) error {
	if size > module.MaxSize {
		return fmt.Errorf("has %d bytes, more than the kernel loads (%d)", size, module.MaxSize)
	}
	if d.written += size; d.written > d.limit {
		return errTooLarge
	}
	if err := d.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return errors.New("is listed twice")
	}
	if err != nil {
		return err
	}
	if _, err = io.Copy(f, contents); err != nil {
		err = fmt.Errorf("cannot be copied: %w", err)
	}
	return errors.Join(err, f.Close())
}
