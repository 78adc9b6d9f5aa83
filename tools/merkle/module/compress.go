// SPDX-License-Identifier: Apache-2.0

package module

import (
	"fmt"
	"io"
	"strings"

	"rules_modhash/tools/archive/codec"
)

// Suffix ends the name of a module that is not compressed.
const Suffix = ".ko"

// formats are those of modules that the kernel and kmod load.
var formats = codec.OfModules()

// formatOf returns the compression that a file's name gives away.
func formatOf(name string) (codec.Format, bool) {
	for _, f := range formats {
		if strings.HasSuffix(name, Suffix+f.Suffix) {
			return f, true
		}
	}
	return codec.Format{}, false
}

// TrimCompression returns name without the .xz, .zst or .gz that follows .ko.
func TrimCompression(name string) string {
	if f, ok := formatOf(name); ok {
		return strings.TrimSuffix(name, f.Suffix)
	}
	return name
}

// HasModuleName reports whether name ends in .ko, .ko.xz, .ko.zst or .ko.gz.
func HasModuleName(name string) bool {
	return strings.HasSuffix(TrimCompression(name), Suffix)
}

// decoders are those of a Scanner. What follows the compressed data is kept for BytesAfter.
type decoders struct {
	codec.Decoders
	rest int64
}

// open returns the module in r. Its end is an error if other bytes follow that kmod does not ignore.
func (d *decoders) open(f codec.Format, r io.Reader) (io.Reader, error) {
	in, err := d.Decoders.Open(f, r)
	if err != nil {
		return nil, err
	}
	return &wholeFile{in, d, f.RestIgnored}, nil
}

// wholeFile reads a module and counts what follows it in the file.
type wholeFile struct {
	*codec.Reader
	d           *decoders
	restIgnored bool
}

// Read reads the module.
func (w *wholeFile) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != io.EOF {
		return n, err
	}
	rest, restErr := w.RestSize()
	w.d.rest += rest
	switch {
	case restErr != nil:
		return n, restErr
	case w.d.rest > 0 && !w.restIgnored:
		return n, fmt.Errorf("%d bytes follow the compressed data, with which kmod does not load a module: remove them", w.d.rest)
	}
	return n, err
}

// BytesAfter returns how many bytes follow the compressed data in the file that was scanned last without an error.
// They are not part of the module: kmod ignores them.
func (s *Scanner) BytesAfter() int64 { return s.dec.rest }

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
