// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// None is the name that stands for no compression.
const None = "none"

// NewWriter returns a writer that compresses what it is given into w, in the format of a name, or None. It writes the
// same bytes on any machine: no names, no timestamps, one goroutine. The kernel needs CONFIG_RD_GZIP for gzip,
// CONFIG_RD_ZSTD for zstd, nothing for None.
func NewWriter(name string, w io.Writer) (io.WriteCloser, error) {
	if name == None {
		return nopCloser{w}, nil
	}
	if f, ok := Named(name); ok && f.write != nil {
		return f.write(w)
	}
	return nil, fmt.Errorf("compression: got %q, want one of %s", name, strings.Join(Written(), ", "))
}

// Written returns the names that NewWriter takes, in bytewise order.
func Written() []string {
	names := []string{None}
	for _, f := range formats {
		if f.write != nil {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}

func writeGzip(w io.Writer) (io.WriteCloser, error) {
	return gzip.NewWriterLevel(w, gzip.BestCompression)
}

func writeZstd(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
}

type nopCloser struct{ io.Writer }

// Close does nothing.
func (nopCloser) Close() error { return nil }
