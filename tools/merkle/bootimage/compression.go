// SPDX-License-Identifier: Apache-2.0

package bootimage

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

// maxDictionary bounds dictionaries and windows, in bytes: scripts/xz_wrap.sh and
// `zstd --ultra -22` use as much.
const maxDictionary = 128 << 20

// compression is one way kernels are compressed (CONFIG_KERNEL_GZIP, …).
type compression struct {
	name  string
	magic string
	// endsWithSize says that the format itself ends with the uncompressed size.
	endsWithSize bool
	open         func(io.Reader) (io.Reader, error)
}

var compressions = []compression{
	{"gzip", "\x1f\x8b", true, openGzip},
	{"xz", "\xfd7zXZ\x00", false, openXZ},
	{"zstd", "\x28\xb5\x2f\xfd", false, openZstd},
	{"lz4", "\x02\x21\x4c\x18", false, openLZ4},
	{"bzip2", "BZh", false, openBzip2},
	{"lzma", "\x5d\x00\x00", false, openLZMA},
	{"lzo", "\x89LZO", false, refuseLZO},
}

func compressionOf(data []byte) (compression, error) {
	for _, c := range compressions {
		if bytes.HasPrefix(data, []byte(c.magic)) {
			return c, nil
		}
	}
	return compression{}, fmt.Errorf("the kernel is compressed in an unknown way: it starts with %x", data[:min(len(data), 6)])
}

func openGzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

func openXZ(r io.Reader) (io.Reader, error) { return xz.NewReader(r, maxDictionary) }

func openZstd(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxDictionary))
}

// openLZ4 reads the legacy format too, which is what `lz4 -l` writes.
func openLZ4(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }

func openBzip2(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }

// openLZMA checks the dictionary's size, which is in the header behind the
// properties, before anything of that size is allocated.
func openLZMA(r io.Reader) (io.Reader, error) {
	head := make([]byte, lzma.HeaderLen)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	if size := binary.LittleEndian.Uint32(head[1:]); size > maxDictionary {
		return nil, fmt.Errorf("dictionary of %d bytes, want at most %d", size, maxDictionary)
	}
	return lzma.NewReader(io.MultiReader(bytes.NewReader(head), r))
}

func refuseLZO(io.Reader) (io.Reader, error) {
	return nil, errors.New("no decompressor for it here: give the vmlinux that the image was made from")
}
