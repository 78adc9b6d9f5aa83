// SPDX-License-Identifier: Apache-2.0

// Package codec is the table of compressions that kernels, modules, archives and packages come in, with what reads and
// writes them. A compression is
// recognized by the first bytes of the data.
//
// What is read is not trusted: no decoder takes more memory than MaxDictionary and a little, whatever its input asks
// for, and none reads past the end of the compressed data, so that what follows it can be read or reported. How much
// comes out is for the caller to bound.
package codec

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
)

// MaxDictionary bounds dictionaries (xz, lzma) and windows (zstd) of everything that is read, in bytes:
// scripts/xz_wrap.sh in the kernel's source and `zstd --ultra -22` use as much.
const MaxDictionary = 128 << 20

// Format is one way of compressing: a row of the table.
type Format struct {
	// Name is the usual one: "gzip".
	Name string
	// Suffix ends the names of compressed files: ".gz". It is "" for a second format of the same name.
	Suffix string
	// EndsWithSize reports that the format itself ends with the uncompressed size, 4 bytes.
	EndsWithSize bool
	// Weak reports that other data may well begin with the same bytes.
	Weak bool
	// Modules reports that kernels and kmod load modules that are compressed so.
	Modules bool
	// RestIgnored reports that bytes after the compressed data of a module are ignored. kmod reads modules with zlib's
	// gzread, which ignores them, and with liblzma and libzstd, which take them for an error (libkmod/libkmod-file*.c
	// in its source).
	RestIgnored bool

	// magic begins all data, kernelMagic what the kernel's Makefiles write (scripts/Makefile.lib) if that has more
	// bytes in common.
	magic, kernelMagic string
	// open reads one member, and nothing of what follows it.
	open func(*Decoders, *bufio.Reader) (io.Reader, error)
	// more skips what may stand between members, and reports whether another member follows. It is nil if the
	// format has one member.
	more func(*bufio.Reader) (bool, error)
	// write compresses an initramfs. It is nil if none is written in this format.
	write func(io.Writer) (io.WriteCloser, error)
}

// formats is the table. The constants of compressions.bzl are generated from it (bazel run
// //tools/archive/codec:update).
var formats = []Format{
	{
		Name: "gzip", Suffix: ".gz", EndsWithSize: true, Modules: true, RestIgnored: true,
		magic: gzipMagic, kernelMagic: gzipMagic + "\x08",
		open: (*Decoders).openGzip, more: moreOf(gzipMagic), write: writeGzip,
	},
	{
		Name: "xz", Suffix: ".xz", Modules: true,
		magic: xzMagic, open: (*Decoders).openXZ, more: moreXZ,
	},
	{
		Name: "zstd", Suffix: ".zst", Modules: true,
		magic: zstdMagic, open: (*Decoders).openZstd, more: moreFrames(zstdMagic), write: writeZstd,
	},
	{
		Name: "lz4", Suffix: ".lz4",
		magic: lz4Magic, open: (*Decoders).openLZ4, more: moreFrames(lz4Magic),
	},
	{
		Name:  "lz4",
		magic: lz4LegacyMagic, open: (*Decoders).openLZ4Legacy, more: moreOf(lz4LegacyMagic),
	},
	{
		Name: "bzip2", Suffix: ".bz2",
		magic: bzip2Magic, kernelMagic: bzip2Magic + "91AY&SY", open: (*Decoders).openBzip2, // it reads all members
	},
	{
		Name: "lzma", Suffix: ".lzma", Weak: true,
		magic: lzmaMagic, open: (*Decoders).openLZMA,
	},
	{
		Name: "lzo", Suffix: ".lzo",
		magic: lzoMagic[:4], kernelMagic: lzoMagic, open: (*Decoders).openLZO, more: moreOf(lzoMagic),
	},
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

// Names returns the names of all formats, each once.
func Names() []string {
	var names []string
	for _, f := range formats {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// Suffixes returns the suffixes of all formats.
func Suffixes() []string {
	var suffixes []string
	for _, f := range formats {
		if f.Suffix != "" {
			suffixes = append(suffixes, f.Suffix)
		}
	}
	return suffixes
}

// OfModules returns the formats of modules that kernels and kmod load.
func OfModules() []Format {
	return slices.DeleteFunc(slices.Clone(formats), func(f Format) bool { return !f.Modules })
}

// ModuleSuffixes returns what the names of modules end with: ".ko", and that with the suffixes of OfModules.
func ModuleSuffixes() []string {
	suffixes := []string{".ko"}
	for _, f := range OfModules() {
		suffixes = append(suffixes, ".ko"+f.Suffix)
	}
	return suffixes
}

// KernelMagics returns what compressed kernels begin with.
func KernelMagics() []string {
	magics := make([]string, len(formats))
	for i, f := range formats {
		magics[i] = cmp.Or(f.kernelMagic, f.magic)
	}
	return magics
}

// Open returns the decompressed contents of r: of all members (frames, streams) that follow each other. Errors,
// those of reading too, do not name the format.
func (f Format) Open(r io.Reader) (*Reader, error) {
	return new(Decoders).Open(f, r)
}

// checkDictionary rejects a dictionary or window of size bytes before it is allocated.
func checkDictionary(kind string, size uint64) error {
	if size > MaxDictionary {
		return fmt.Errorf("%s of %d bytes, want at most %d", kind, size, MaxDictionary)
	}
	return nil
}
