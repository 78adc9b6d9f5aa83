// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

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
	return readTar(decompressor, wanted, visit)
}

func readTar(r io.Reader, wanted func(Entry) bool, visit func(entry Entry, contents io.Reader) error) error {
	reader := tar.NewReader(r)
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
