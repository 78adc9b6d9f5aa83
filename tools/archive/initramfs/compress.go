// SPDX-License-Identifier: Apache-2.0

package initramfs

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// compressors by name. Each writes the same bytes on any machine: no names, no time stamps, one
// goroutine.
var compressors = map[string]func(io.Writer) (io.WriteCloser, error){
	"none": func(w io.Writer) (io.WriteCloser, error) { return nopCloser{w}, nil },
	"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) },
	"zstd": func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	},
}

// Compressor returns a writer that compresses what it is given into w. The kernel needs
// CONFIG_RD_GZIP for gzip, CONFIG_RD_ZSTD for zstd, nothing for none.
func Compressor(name string, w io.Writer) (io.WriteCloser, error) {
	compressor, ok := compressors[name]
	if !ok {
		return nil, fmt.Errorf("compression: got %q, want one of %s",
			name, strings.Join(slices.Sorted(maps.Keys(compressors)), ", "))
	}
	return compressor(w)
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
