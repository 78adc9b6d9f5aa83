// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Archive is an archive of which parts can be read. Its entries are in the order of Compare.
type Archive struct {
	r io.ReaderAt
	// chunks are those with entries, and the last one.
	chunks []chunk
}

// Open reads where the chunks of an archive of size bytes are.
func Open(r io.ReaderAt, size int64) (*Archive, error) {
	a := &Archive{r: r}
	for offset := int64(0); ; {
		c, err := readHeader(r, offset)
		if err == nil {
			err = a.checkNext(c, size)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the tree archive: %w", err)
		}
		a.chunks = append(a.chunks, c)
		if c.first == "" {
			return a, nil
		}
		offset = c.offset + c.size
	}
}

// checkNext returns an error for a chunk that cannot be the next one.
func (a *Archive) checkNext(c chunk, size int64) error {
	if c.size < 0 || c.size > size-c.offset {
		return fmt.Errorf("got a chunk of %d bytes at byte %d of %d", c.size, c.offset, size)
	}
	if n := len(a.chunks); n > 0 && c.first != "" && Compare(a.chunks[n-1].first, c.first) >= 0 {
		return fmt.Errorf("got a chunk that starts with %s after one that starts with %s, want them in order", c.first, a.chunks[n-1].first)
	}
	return nil
}

// entries returns the chunks with entries.
func (a *Archive) entries() []chunk { return a.chunks[:len(a.chunks)-1] }

// after returns the first path after those of a chunk, or nothing if there is none.
func (a *Archive) after(i int) string { return a.chunks[i+1].first }

// Near is a part of the archive's tree, which has at least all symbolic links, the entries of the given paths, and those
// below them.
func (a *Archive) Near(paths map[string]bool) Tree {
	var near []chunk
	for i, c := range a.entries() {
		if c.hasLinks || a.mayHave(i, paths) {
			near = append(near, c)
		}
	}
	return a.tree(near)
}

// mayHave reports whether a chunk may have an entry of one of the paths, or below one.
func (a *Archive) mayHave(i int, paths map[string]bool) bool {
	for path := range paths {
		if a.isWithin(path, i, i+1) || strings.HasPrefix(a.chunks[i].first, path+"/") {
			return true
		}
	}
	return false
}

// isWithin reports whether an entry of a path belongs to the chunks from i to end.
func (a *Archive) isWithin(path string, i, end int) bool {
	after := a.after(end - 1)
	return (i == 0 || Compare(a.chunks[i].first, path) <= 0) && (after == "" || Compare(path, after) < 0)
}

// tree is the tree in chunks.
func (a *Archive) tree(chunks []chunk) Tree {
	return func(wanted func(Entry) bool, visit func(Entry, io.Reader) error) error {
		decompressor, err := zstd.NewReader(nil)
		if err != nil {
			return err
		}
		defer decompressor.Close()
		for _, c := range chunks {
			err := decompressor.Reset(io.NewSectionReader(a.r, c.offset, c.size))
			if err == nil {
				err = readTar(decompressor, wanted, visit)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// WriteChanged writes the archive of the tree with changes. Chunks that stay the same are copied.
func (a *Archive) WriteChanged(w io.Writer, changes *Changes) error {
	return Create(w, func(writer *Writer) error {
		if len(a.entries()) == 0 {
			return changes.Apply(a.tree(nil))(All, writer.Put)
		}
		paths := changes.paths()
		for i, end := 0, 0; i < len(a.entries()); i = end {
			for end = i; end < len(a.entries()) && a.isChanged(end, paths); end++ {
			}
			var err error
			if end > i {
				err = a.changed(i, end, changes)(All, writer.Put)
			} else {
				end = i + 1
				err = writer.putChunk(a.r, a.chunks[i])
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// isChanged reports whether a chunk has other bytes when the entries of paths are other ones. If that of the next chunk's
// first entry is, the next chunk may become a part of this one.
func (a *Archive) isChanged(i int, paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		return a.isWithin(path, i, i+1) || path == a.after(i)
	})
}

// changed is the tree in the chunks from i to end, with the changes of paths that belong there.
func (a *Archive) changed(i, end int, changes *Changes) Tree {
	within := changes.Within(func(path string) bool { return a.isWithin(path, i, end) })
	return within.Apply(a.tree(a.chunks[i:end]))
}

// putChunk copies a chunk of another archive.
func (w *Writer) putChunk(r io.ReaderAt, c chunk) error {
	if err := errors.Join(w.endChunk(), c.writeHeader(w.out)); err != nil {
		return err
	}
	_, err := io.Copy(w.out, io.NewSectionReader(r, c.offset, c.size))
	return err
}
