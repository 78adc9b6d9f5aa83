// SPDX-License-Identifier: Apache-2.0

package module

import (
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"

	"rules_modhash/tools/merkle/decompress"
)

// Suffix ends the name of a module that is not compressed.
const Suffix = ".ko"

// maxDictionary is the largest dictionary (xz) or window (zstd) taken, in bytes.
// It is what the highest preset of xz uses; the kernel's own Makefiles ask xz for
// 1 MiB. A file that asks for more is refused before anything is allocated.
const maxDictionary = 64 << 20

// compression is one way modules are compressed.
type compression struct {
	name, suffix string
	magic        []byte
	open         func(*decoders, io.Reader) (io.Reader, error)
}

// compressions are those that the kernel and kmod know.
var compressions = []*compression{
	{"xz", ".xz", []byte("\xfd7zXZ\x00"), (*decoders).openXZ},
	{"zstd", ".zst", []byte("\x28\xb5\x2f\xfd"), (*decoders).openZstd},
	{"gzip", ".gz", []byte("\x1f\x8b"), (*decoders).openGzip},
}

// compressionOf returns the compression that a file's name gives away, or nil.
func compressionOf(name string) *compression {
	for _, c := range compressions {
		if strings.HasSuffix(name, Suffix+c.suffix) {
			return c
		}
	}
	return nil
}

// TrimCompression returns name without the .xz, .zst or .gz that follows .ko.
func TrimCompression(name string) string {
	if c := compressionOf(name); c != nil {
		return strings.TrimSuffix(name, c.suffix)
	}
	return name
}

// HasModuleName reports whether name ends in .ko, .ko.xz, .ko.zst or .ko.gz.
func HasModuleName(name string) bool {
	return strings.HasSuffix(TrimCompression(name), Suffix)
}

// decoders holds one decoder of each kind for reuse: setting one up costs more
// than a small module.
type decoders struct {
	xz   *xz.Reader
	zstd *zstd.Decoder
	gzip *gzip.Reader
}

func (d *decoders) openXZ(r io.Reader) (io.Reader, error) {
	var err error
	r = decompress.LateEOF{Reader: r}
	if d.xz == nil {
		d.xz, err = xz.NewReader(r, maxDictionary)
	} else {
		err = d.xz.Reset(r)
	}
	if err != nil {
		// A reader whose first header was bad is not fit for reuse.
		d.xz = nil
		return nil, err
	}
	return d.xz, nil
}

func (d *decoders) openZstd(r io.Reader) (io.Reader, error) {
	if d.zstd != nil {
		return d.zstd, d.zstd.Reset(r)
	}
	var err error
	d.zstd, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxDictionary))
	return d.zstd, err
}

func (d *decoders) openGzip(r io.Reader) (io.Reader, error) {
	if d.gzip == nil {
		d.gzip = new(gzip.Reader)
	}
	return d.gzip, d.gzip.Reset(r)
}

// errReader names the compression in the errors of a decoder.
type errReader struct {
	r    io.Reader
	name string
}

// Read is the decoder's.
func (e errReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("decompressing %s data: %w", e.name, err)
	}
	return n, err
}
