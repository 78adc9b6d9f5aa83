// SPDX-License-Identifier: Apache-2.0

// Package codec reads the compressions that kernels, modules, archives and packages come in. A compression is
// recognized by the first bytes of the data.
//
// What is read is not trusted: no decoder takes more memory than MaxDictionary and a little, whatever its input asks
// for, and none reads past the end of the compressed data, so that what follows it can be read or reported. How much
// comes out is for the caller to bound.
package codec

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// MaxDictionary bounds dictionaries (xz, lzma) and windows (zstd) of everything that is read, in bytes:
// scripts/xz_wrap.sh in the kernel's source and `zstd --ultra -22` use as much.
const MaxDictionary = 128 << 20

// Format is one way of compressing.
type Format struct {
	// Name is the usual one: "gzip".
	Name string
	// Suffix ends the names of compressed files: ".gz". It is "" for a second format of the same name.
	Suffix string
	// EndsWithSize says that the format itself ends with the uncompressed size, 4 bytes.
	EndsWithSize bool

	magic string
	// open reads one member, and nothing of what follows it.
	open func(*Decoders, *bufio.Reader) (io.Reader, error)
	// more skips what may stand between members, and reports whether another member follows. It is nil if the
	// format has one member.
	more func(*bufio.Reader) (bool, error)
}

var formats = []Format{
	{"gzip", ".gz", true, gzipMagic, (*Decoders).openGzip, moreOf(gzipMagic)},
	{"xz", ".xz", false, xzMagic, (*Decoders).openXZ, moreXZ},
	{"zstd", ".zst", false, zstdMagic, (*Decoders).openZstd, moreFrames(zstdMagic)},
	{"lz4", ".lz4", false, lz4Magic, (*Decoders).openLZ4, moreFrames(lz4Magic)},
	{"lz4", "", false, lz4LegacyMagic, (*Decoders).openLZ4Legacy, moreOf(lz4LegacyMagic)},
	{"bzip2", ".bz2", false, bzip2Magic, (*Decoders).openBzip2, nil}, // its decoder reads all members
	{"lzma", ".lzma", false, lzmaMagic, (*Decoders).openLZMA, nil},
	{"lzo", ".lzo", false, lzoMagic[:4], (*Decoders).openLZO, moreOf(lzoMagic)},
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

// Named returns the format of that name, and whether there is one.
func Named(name string) (Format, bool) {
	for _, f := range formats {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// Open returns the decompressed contents of r: of all members (frames, streams) that follow each other. Errors,
// those of reading too, do not name the format.
func (f Format) Open(r io.Reader) (*Reader, error) {
	return new(Decoders).Open(f, r)
}

// checkDictionary refuses a dictionary or window of size bytes before it is allocated.
func checkDictionary(kind string, size uint64) error {
	if size > MaxDictionary {
		return fmt.Errorf("%s of %d bytes, want at most %d", kind, size, MaxDictionary)
	}
	return nil
}
