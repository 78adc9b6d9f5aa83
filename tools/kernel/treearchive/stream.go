// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// An Entry is a file or a symbolic link of an archive.
type Entry struct {
	// Path is local and relative to the tree.
	Path string
	// Mode has permissions only. Link is the target of a symbolic link, else empty.
	Mode fs.FileMode
	Link string
	// Size of Contents, in bytes.
	Size int64
	// Contents can be read until the next entry is asked for. .cmd files have a placeholder for the tree's path.
	Contents io.Reader
}

// Read calls visit for each entry of an archive, in its order.
func Read(r io.Reader, visit func(Entry) error) error {
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
		entry, err := entryOf(header, reader)
		if err != nil {
			return err
		}
		if err := visit(entry); err != nil {
			return err
		}
	}
}

func entryOf(header *tar.Header, contents io.Reader) (Entry, error) {
	if !filepath.IsLocal(header.Name) {
		return Entry{}, fmt.Errorf("tree archive: got the path %q, want one below the tree", header.Name)
	}
	entry := Entry{Path: header.Name, Mode: fs.FileMode(header.Mode), Size: header.Size, Contents: contents}
	switch header.Typeflag {
	case tar.TypeSymlink:
		entry.Link = header.Linkname
	case tar.TypeReg:
	default:
		return Entry{}, fmt.Errorf("tree archive: %s: got an entry of type %q, want a file or a symbolic link", header.Name, header.Typeflag)
	}
	return entry, nil
}

// A Writer writes an archive.
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

// Add writes an entry. Of its mode, only whether it is executable counts.
func (w *Writer) Add(entry Entry) error {
	header := &tar.Header{Name: entry.Path, ModTime: packedTime, Mode: packedMode(entry), Format: tar.FormatPAX}
	if entry.Link != "" {
		header.Typeflag, header.Linkname = tar.TypeSymlink, entry.Link
		return w.tar.WriteHeader(header)
	}
	header.Typeflag, header.Size = tar.TypeReg, entry.Size
	if err := w.tar.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(w.tar, entry.Contents)
	return err
}

// Close completes the archive.
func (w *Writer) Close() error {
	return errors.Join(w.tar.Close(), w.compressor.Close())
}
