// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"rules_modhash/tools/arch"
)

// maker makes modules of one kind.
type maker struct {
	machine, shape, trailer string
}

// make returns the module with the install path given, trailer included.
func (m maker) make(installPath string) ([]byte, error) {
	body, err := m.body(installPath)
	if err != nil {
		return nil, err
	}
	trailer, err := m.tail()
	return slices.Concat(body, trailer), err
}

func (m maker) body(installPath string) ([]byte, error) {
	a, ok := arch.Find(m.machine)
	if !ok {
		return nil, fmt.Errorf("unknown machine %q", m.machine)
	}
	t := target{a.Target}
	switch m.shape {
	case "module":
		return t.object(elf.ET_REL, sections(installPath)), nil
	case "executable":
		return t.object(elf.ET_EXEC, sections(installPath)), nil
	case "text":
		return []byte("This is no kernel module.\n"), nil
	case "empty":
		return nil, nil
	}
	return nil, fmt.Errorf("unknown shape %q", m.shape)
}

// sections are those of a module that does nothing: code (of a length and with contents that follow
// from the path) and what modinfo shows.
func sections(installPath string) []section {
	random := rand.NewChaCha8(sha256.Sum256([]byte(installPath)))
	text := make([]byte, 100+random.Uint64()%5000)
	_, _ = random.Read(text) // never fails
	name := strings.TrimSuffix(path.Base(installPath), ".ko")
	info := "license=GPL\x00name=" + name + "\x00vermagic=7.2.0 SMP preempt mod_unload \x00"
	return []section{
		{".text", elf.SHT_PROGBITS, elf.SHF_ALLOC | elf.SHF_EXECINSTR, 16, text},
		{".modinfo", elf.SHT_PROGBITS, elf.SHF_ALLOC, 1, []byte(info)},
	}
}

// Marker and id_types as in the kernel's include/uapi/linux/module_signature.h.
const (
	marker   = "~Module signature appended~\n"
	idPKCS7  = 2
	idMerkle = 3
)

// tail returns the trailer that the maker's modules carry.
func (m maker) tail() ([]byte, error) {
	switch m.trailer {
	case "none":
		return nil, nil
	case "pkcs7":
		return signature(idPKCS7, 300), nil
	case "merkle":
		return signature(idMerkle, 4+3*sha256.Size), nil
	case "malformed":
		return signature(idPKCS7, 1<<30)[1<<30-300:], nil // all but a part of it is missing
	}
	return nil, fmt.Errorf("unknown trailer %q", m.trailer)
}

// signature returns size bytes that stand for a signature, struct module_signature, and the marker.
func signature(idType byte, size uint32) []byte {
	out := bytes.Repeat([]byte{0xa5}, int(size))
	out = append(out, 0, 0, idType, 0, 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint32(out, size)
	return append(out, marker...)
}

func trimCompression(path string) string {
	for _, suffix := range []string{".gz", ".xz", ".zst"} {
		path = strings.TrimSuffix(path, suffix)
	}
	return path
}

// compress compresses data as the file name's extension states.
func compress(extension string, data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := compressor(extension, &out)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func compressor(extension string, out io.Writer) (io.WriteCloser, error) {
	switch extension {
	case ".gz":
		return gzip.NewWriter(out), nil
	case ".xz":
		return xz.NewWriter(out)
	case ".zst":
		return zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
	}
	return nopCloser{out}, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
