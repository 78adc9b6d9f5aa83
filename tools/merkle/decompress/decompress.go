// SPDX-License-Identifier: Apache-2.0

// Package decompress undoes the compressions that kernels, archives and packages come in, told by their first
// bytes. No decoder takes more memory than MaxDictionary and a little, whatever its input asks for; how much
// comes out is for the caller to bound.
package decompress

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

// MaxDictionary bounds dictionaries and windows, in bytes: scripts/xz_wrap.sh in the kernel's source and
// `zstd --ultra -22` use as much.
const MaxDictionary = 128 << 20

// Format is one way of compressing.
type Format struct {
	// Name is the usual one: "gzip".
	Name string
	// EndsWithSize says that the format itself ends with the uncompressed size, 4 bytes.
	EndsWithSize bool
	magic        string
	open         func(io.Reader) (io.Reader, error)
}

var formats = []Format{
	{"gzip", true, "\x1f\x8b", openGzip},
	{"xz", false, "\xfd7zXZ\x00", openXZ},
	{"zstd", false, "\x28\xb5\x2f\xfd", openZstd},
	{"lz4", false, "\x04\x22\x4d\x18", openLZ4},
	{"lz4", false, "\x02\x21\x4c\x18", openLZ4},
	{"bzip2", false, "BZh", openBzip2},
	{"lzma", false, "\x5d\x00\x00", openLZMA},
	{"lzo", false, "\x89LZO", refuseLZO},
}

// Of returns the format of data that begins with head, and whether it is one that is known.
func Of(head []byte) (Format, bool) {
	for _, f := range formats {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f, true
		}
	}
	return Format{}, false
}

// Open returns the decompressed contents of r. Errors, those of reading too, do not name the format.
func (f Format) Open(r io.Reader) (io.Reader, error) {
	return f.open(r)
}

func openGzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

func openXZ(r io.Reader) (io.Reader, error) { return xz.NewReader(LateEOF{Reader: r}, MaxDictionary) }

func openZstd(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(MaxDictionary))
}

// openLZ4 reads the legacy format too, which is what `lz4 -l` writes.
func openLZ4(r io.Reader) (io.Reader, error) {
	d := lz4.NewReader(r)
	return d, d.Apply(lz4.ConcurrencyOption(1))
}

func openBzip2(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }

// openLZMA checks the dictionary's size, which is in the header behind the
// properties, before anything of that size is allocated.
func openLZMA(r io.Reader) (io.Reader, error) {
	head := make([]byte, lzma.HeaderLen)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	if size := binary.LittleEndian.Uint32(head[1:]); size > MaxDictionary {
		return nil, fmt.Errorf("dictionary of %d bytes, want at most %d", size, MaxDictionary)
	}
	return lzma.NewReader(io.MultiReader(bytes.NewReader(head), r))
}

func refuseLZO(io.Reader) (io.Reader, error) {
	return nil, errors.New("no decompressor for it here: give the file uncompressed (of a boot image, the vmlinux)")
}

// LateEOF reports the end of a file in a Read of its own. The xz reader takes an end
// that comes with data for the end of all streams, and would skip what follows the first.
type LateEOF struct{ io.Reader }

// Read reads data, or the end of the file, never both.
func (l LateEOF) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}
