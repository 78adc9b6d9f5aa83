// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/sys/unix"

	"rules_modhash/tools/cli/progress"
)

// layer is the only layer of the image, compressed in a temporary file. Its methods are those of partial.CompressedLayer.
type layer struct {
	file           string
	digest, diffID v1.Hash
	// size is that of the file, unpacked that of its contents.
	size, unpacked int64
}

// Digest returns the digest of the compressed layer.
func (l layer) Digest() (v1.Hash, error) { return l.digest, nil }

// DiffID returns the digest of the contents: partial would decompress the file for it.
func (l layer) DiffID() (v1.Hash, error) { return l.diffID, nil }

// Compressed opens the file.
func (l layer) Compressed() (io.ReadCloser, error) { return os.Open(l.file) }

// Size returns the size of the compressed layer.
func (l layer) Size() (int64, error) { return l.size, nil }

// MediaType is gzip: the one compression that all container runtimes and workers read.
func (l layer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }

func (l layer) remove() { _ = os.Remove(l.file) }

// meter counts and hashes what is written to it.
type meter struct {
	hash hash.Hash
	size int64
}

func (m *meter) Write(p []byte) (int, error) {
	m.size += int64(len(p))
	return m.hash.Write(p)
}

func (m *meter) sum() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(m.hash.Sum(nil))}
}

// pack writes entries to a temporary file in the scratch directory.
func pack(ctx context.Context, o options, info manifest, entries []entry, bar *progress.Phases) (layer, error) {
	f, err := os.CreateTemp(o.scratch, "layer.*.tmp")
	if err != nil {
		return layer{}, fmt.Errorf("writing the layer: %w", err)
	}
	l := layer{file: f.Name()}
	err = l.fill(f, func(w *tar.Writer) error {
		bar.Begin("packing the world", len(entries))
		defer bar.End()
		h := headers{date: info.date, first: map[inode]string{}}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			if err := h.write(w, o.root, e); err != nil {
				return err
			}
			bar.Step()
		}
		return nil
	})
	if err := errors.Join(err, f.Close()); err != nil {
		l.remove()
		return layer{}, fmt.Errorf("writing the layer: %w", err)
	}
	return l, nil
}

// fill has write make the contents, and compresses them to f at the same time.
func (l *layer) fill(f io.Writer, write func(*tar.Writer) error) error {
	contents, compressed := &meter{hash: sha256.New()}, &meter{hash: sha256.New()}
	from, to := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := compress(io.MultiWriter(f, compressed), from)
		from.CloseWithError(err)
		done <- err
	}()
	w := tar.NewWriter(io.MultiWriter(contents, to))
	err := write(w)
	if err == nil {
		err = w.Close()
	}
	to.CloseWithError(err)
	if compressing := <-done; err == nil {
		err = compressing
	}
	l.digest, l.size, l.diffID, l.unpacked = compressed.sum(), compressed.size, contents.sum(), contents.size
	return err
}

// compress compresses r to w: the header has no name and no timestamp.
func compress(w io.Writer, r io.Reader) error {
	z := gzip.NewWriter(w)
	if _, err := io.CopyBuffer(struct{ io.Writer }{z}, r, make([]byte, 1<<20)); err != nil {
		return err
	}
	return z.Close()
}

// write writes an entry with its contents.
func (h *headers) write(w *tar.Writer, root string, e entry) error {
	header, err := h.of(e)
	if err != nil {
		return err
	}
	if err := w.WriteHeader(header); err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	if header.Typeflag != tar.TypeReg {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(root, e.name), os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	n, err := io.Copy(w, f)
	if err = errors.Join(err, f.Close()); err != nil && !errors.Is(err, tar.ErrWriteTooLong) {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	if err != nil || n != header.Size {
		return fmt.Errorf("%s changed while it was read: it had %d bytes before. Next: run it again while no build runs", e.name, header.Size)
	}
	return nil
}
