// SPDX-License-Identifier: Apache-2.0

package module_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
)

// gzipMember returns a member with any of the optional fields of its header (RFC 1952, 2.3).
func gzipMember(t testing.TB, random *rand.Rand, b []byte) []byte {
	t.Helper()
	const text, headerCRC, extra, name, comment = 1, 2, 4, 8, 16
	flags := byte(random.IntN(32))
	out := []byte{0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3}
	if flags&extra != 0 {
		out = append(out, "\x06\x00AB\x02\x00xy"...)
	}
	if flags&name != 0 {
		out = append(out, "m.ko\x00"...)
	}
	if flags&comment != 0 {
		out = append(out, "a comment\x00"...)
	}
	if flags&headerCRC != 0 {
		out = binary.LittleEndian.AppendUint16(out, uint16(crc32.ChecksumIEEE(out)))
	}
	var body bytes.Buffer
	w, err := flate.NewWriter(&body, random.IntN(10))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out = binary.LittleEndian.AppendUint32(append(out, body.Bytes()...), crc32.ChecksumIEEE(b))
	return binary.LittleEndian.AppendUint32(out, uint32(len(b)))
}

// zstdFrames returns frames, and maybe skippable ones ahead of them.
func zstdFrames(t testing.TB, random *rand.Rand, b []byte) []byte {
	t.Helper()
	var out []byte
	for range random.IntN(3) {
		size := random.IntN(300)
		out = binary.LittleEndian.AppendUint32(out, 0x184d2a50+random.Uint32N(16))
		out = binary.LittleEndian.AppendUint32(out, uint32(size))
		out = append(out, make([]byte, size)...)
	}
	return append(out, zstandard(t, b, zstd.WithEncoderCRC(random.IntN(2) == 0), zstd.WithSingleSegment(random.IntN(2) == 0),
		zstd.WithEncoderLevel(zstd.EncoderLevel(1+random.IntN(2))), zstd.WithEncoderConcurrency(1))...)
}

// TestCompressedForms reads modules as several members or frames with all optional fields: .ko.gz with header fields of
// any kind, .ko.zst with skippable frames first and between.
func TestCompressedForms(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	var s module.Scanner
	for file, form := range map[string]func(testing.TB, *rand.Rand, []byte) []byte{"m.ko.gz": gzipMember, "m.ko.zst": zstdFrames} {
		for range 25 {
			want, data := []byte{}, []byte{}
			for range 1 + random.IntN(4) {
				body := pattern(1 + random.IntN(5000))
				want, data = append(want, body...), append(data, form(t, random, body)...)
			}
			d, err := s.Scan(bytes.NewReader(data), file, raw(2))
			if err != nil || d.Leaf != merkle.LeafHash(2, want) {
				t.Fatalf("%s: leaf of %d bytes, %v, want %d bytes; data %x", file, d.Size, err, len(want), data[:min(len(data), 100)])
			}
		}
	}
}
