// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// A chunk is a part of an archive that can be read, and replaced, without the others: a skippable frame of zstd
// (RFC 8878, section 3.1.2) that describes it, and one frame with complete tar entries. For programs that read tar and
// zstd, the archive is one tar.
//
// Where chunks start depends on the paths of entries alone. So an archive in which some chunks are replaced has the same
// bytes as one that was written as a whole.
type chunk struct {
	// first is the path of the first entry, or empty for the last chunk, which has none.
	first string
	// hasLinks reports whether there are symbolic links in it.
	hasLinks bool
	// offset is where the frame with entries is in the archive, and size its size in bytes.
	offset, size int64
}

// entriesPerChunk is how many entries a chunk has, on average: for kernel source, a chunk is 5 MB.
const entriesPerChunk = 256

// startsChunk reports whether an entry is the first one of a chunk. The first entry of an archive always is.
func startsChunk(path string) bool {
	hash := fnv.New32a()
	_, _ = io.WriteString(hash, path) // never fails
	return hash.Sum32()%entriesPerChunk == 0
}

const (
	// skippable is the magic number of a skippable frame.
	skippable = 0x184d2a50
	// frameHeader is the size of its header, and fixedHeader that of the contents before the path: a size of 8 bytes, and
	// one byte that is 1 if there are links.
	frameHeader, fixedHeader = 8, 9
	// maxPath bounds paths, as Linux does.
	maxPath = 4096
)

// writeHeader writes the frame that describes the chunk.
func (c *chunk) writeHeader(w io.Writer) error {
	b := binary.LittleEndian.AppendUint32(nil, skippable)
	b = binary.LittleEndian.AppendUint32(b, uint32(fixedHeader+len(c.first)))
	b = binary.LittleEndian.AppendUint64(b, uint64(c.size))
	links := byte(0)
	if c.hasLinks {
		links = 1
	}
	b = append(append(b, links), c.first...)
	_, err := w.Write(b)
	return err
}

// readHeader reads the frame at an offset that describes a chunk.
func readHeader(r io.ReaderAt, offset int64) (chunk, error) {
	var fixed [frameHeader + fixedHeader]byte
	if _, err := r.ReadAt(fixed[:], offset); err != nil {
		return chunk{}, noEOF(err)
	}
	size := binary.LittleEndian.Uint32(fixed[4:])
	if binary.LittleEndian.Uint32(fixed[:]) != skippable || size < fixedHeader || size > fixedHeader+maxPath {
		return chunk{}, fmt.Errorf("got no description of a chunk at byte %d", offset)
	}
	path := make([]byte, size-fixedHeader)
	if _, err := r.ReadAt(path, offset+int64(len(fixed))); err != nil && len(path) > 0 {
		return chunk{}, noEOF(err)
	}
	return chunk{
		first: string(path), hasLinks: fixed[frameHeader+8] == 1,
		offset: offset + frameHeader + int64(size), size: int64(binary.LittleEndian.Uint64(fixed[frameHeader:])),
	}, nil
}

// noEOF makes the end of a file an error, where more is expected.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
