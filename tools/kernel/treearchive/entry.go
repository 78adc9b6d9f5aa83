// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"
)

// packedTime is the timestamp of files in archives: nobody reads it.
var packedTime = time.Unix(0, 0)

// Entry is a file or a symbolic link of a tree.
type Entry struct {
	// Path is relative to the top of the tree.
	Path string
	// Target is what a symbolic link points to. It is empty for a file.
	Target string
	// Executable is all that an archive has of a file's permissions.
	Executable bool
	// Size is the size of a file in bytes.
	Size int64
}

// IsLink reports whether the entry is a symbolic link.
func (e Entry) IsLink() bool { return e.Target != "" }

func (e Entry) mode() int64 {
	if e.IsLink() {
		return 0o777
	}
	if e.Executable {
		return 0o755
	}
	return 0o644
}

// Compare compares paths as archives order them: bytewise within each directory. The files of a directory are where the
// directory's name is.
func Compare(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] == b[i] {
			continue
		}
		if a[i] == '/' || b[i] != '/' && a[i] < b[i] {
			return -1
		}
		return 1
	}
	return len(a) - len(b)
}

// Tree calls visit for each entry of a tree for which wanted holds, in the order of Compare. visit may leave contents
// unread. The contents of a symbolic link are nil.
type Tree func(wanted func(Entry) bool, visit func(entry Entry, contents io.Reader) error) error

// All holds for all entries.
func All(Entry) bool { return true }

// Read is the Tree of an archive that can be read once.
func Read(r io.Reader, wanted func(Entry) bool, visit func(entry Entry, contents io.Reader) error) error {
	decompressor, err := zstd.NewReader(r)
	if err != nil {
		return err
	}
	defer decompressor.Close()
	reader := tar.NewReader(decompressor)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the tree archive: %w", err)
		}
		entry, err := entryOf(header)
		if err != nil {
			return err
		}
		if !wanted(entry) {
			continue
		}
		if err := visit(entry, reader); err != nil {
			return err
		}
	}
}

func entryOf(header *tar.Header) (Entry, error) {
	if !filepath.IsLocal(header.Name) {
		return Entry{}, fmt.Errorf("tree archive: got the path %q, want one below the tree", header.Name)
	}
	if header.Typeflag == tar.TypeSymlink && header.Linkname != "" {
		return Entry{Path: header.Name, Target: header.Linkname}, nil
	}
	if header.Typeflag != tar.TypeReg {
		return Entry{}, fmt.Errorf("tree archive: %s: got an entry of type %q, want a file or a symbolic link", header.Name, header.Typeflag)
	}
	return Entry{Path: header.Name, Executable: header.Mode&0o111 != 0, Size: header.Size}, nil
}

// Write writes a tree as an archive.
func Write(w io.Writer, tree Tree) error {
	writer, err := NewWriter(w)
	if err != nil {
		return err
	}
	return errors.Join(tree(All, writer.Put), writer.Close())
}

// Writer writes an archive, one entry after the other.
type Writer struct {
	compressor *zstd.Encoder
	tar        *tar.Writer
}

// NewWriter returns a writer to w. Close completes the archive.
func NewWriter(w io.Writer) (*Writer, error) {
	compressor, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return &Writer{compressor: compressor, tar: tar.NewWriter(compressor)}, nil
}

// Put writes an entry.
func (w *Writer) Put(entry Entry, contents io.Reader) error {
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: entry.Path, Size: entry.Size, Mode: entry.mode(), ModTime: packedTime, Format: tar.FormatPAX,
	}
	if entry.IsLink() {
		header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, entry.Target, 0
		return w.tar.WriteHeader(header)
	}
	if err := w.tar.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(w.tar, contents)
	return err
}

// Close completes the archive.
func (w *Writer) Close() error { return errors.Join(w.tar.Close(), w.compressor.Close()) }
