// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"
)

// packedTime is the timestamp of files in archives: nobody reads it.
var packedTime = time.Unix(0, 0)

// Create writes an archive of what fill puts into it, in the order of Compare.
func Create(w io.Writer, fill func(*Writer) error) error {
	writer, err := newWriter(w)
	if err != nil {
		return err
	}
	return errors.Join(fill(writer), writer.close())
}

// Write writes a tree as an archive.
func Write(w io.Writer, tree Tree) error {
	return Create(w, func(archive *Writer) error { return tree(All, archive.Put) })
}

// Writer writes an archive, one entry after the other, in chunks.
type Writer struct {
	out io.Writer
	// compressed is the chunk that is being written, and chunk what is known of it.
	compressed bytes.Buffer
	chunk      chunk
	compressor *zstd.Encoder
	tar        *tar.Writer
}

func newWriter(w io.Writer) (*Writer, error) {
	compressor, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	return &Writer{out: w, compressor: compressor}, err
}

// Put writes an entry.
func (w *Writer) Put(entry Entry, contents io.Reader) error {
	if w.tar == nil || startsChunk(entry.Path) {
		if err := w.endChunk(); err != nil {
			return err
		}
		w.startChunk(entry.Path)
	}
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: entry.Path, Size: entry.Size, Mode: entry.mode(), ModTime: packedTime, Format: tar.FormatPAX,
	}
	if entry.IsLink() {
		w.chunk.hasLinks = true
		header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, entry.Target, 0
		return w.tar.WriteHeader(header)
	}
	if err := w.tar.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(w.tar, contents)
	return err
}

func (w *Writer) startChunk(first string) {
	w.chunk = chunk{first: first}
	w.compressed.Reset()
	w.compressor.Reset(&w.compressed)
	w.tar = tar.NewWriter(w.compressor)
}

// endChunk writes the chunk, if one was started. The next entry starts another.
func (w *Writer) endChunk() error {
	if w.tar == nil {
		return nil
	}
	end := w.tar.Flush
	if w.chunk.first == "" {
		end = w.tar.Close
	}
	err := errors.Join(end(), w.compressor.Close())
	w.tar = nil
	if err != nil {
		return err
	}
	w.chunk.size = int64(w.compressed.Len())
	if err := w.chunk.writeHeader(w.out); err != nil {
		return err
	}
	_, err = w.compressed.WriteTo(w.out)
	return err
}

// close writes the end of the tar as a last chunk, whose first path is empty.
func (w *Writer) close() error {
	if err := w.endChunk(); err != nil {
		return err
	}
	w.startChunk("")
	return w.endChunk()
}
