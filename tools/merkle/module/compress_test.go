// SPDX-License-Identifier: Apache-2.0

package module_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
)

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstandard(t testing.TB, b []byte, options ...zstd.EOption) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

// testdata reads a file that xz wrote; testdata/README states how.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hello is what the files in testdata hold.
var hello = []byte(strings.Repeat("module bytes, compressed\n", 400))

func TestDecompression(t *testing.T) {
	var s module.Scanner
	half := len(hello) / 2
	for _, c := range []struct {
		name, file string
		data       []byte
	}{
		{"gzip", "m.ko.gz", gzipped(t, hello)},
		{"gzip, two members", "m.ko.gz", join(gzipped(t, hello[:half]), gzipped(t, hello[half:]))},
		{"zstd", "m.ko.zst", zstandard(t, hello)},
		{"zstd, two frames", "m.ko.zst", join(zstandard(t, hello[:half]), zstandard(t, hello[half:]))},
		{"zstd, skippable frame", "m.ko.zst", join([]byte("\x50\x2a\x4d\x18\x02\x00\x00\x00ab"), zstandard(t, hello))},
		{"xz", "m.ko.xz", testdata(t, "hello.xz")},
		{"xz, as the kernel does it", "m.ko.xz", testdata(t, "hello-kernel.xz")},
		{"xz, two streams and padding", "m.ko.xz", join(testdata(t, "hello-1.xz"), make([]byte, 8), testdata(t, "hello-2.xz"))},
		{"xz, SHA-256 check", "m.ko.xz", testdata(t, "hello-sha256.xz")},
		{"xz, dictionary of 96 MiB", "m.ko.xz", testdata(t, "hello-96mib.xz")},
		{"zstd, window of 128 MiB", "m.ko.zst", zstandard(t, hello, zstd.WithWindowSize(128<<20), zstd.WithSingleSegment(false))},
		{"not compressed", "m.ko", hello},
		{"not a module's name", "m.xz", hello},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := s.Scan(bytes.NewReader(c.data), c.file, raw(3))
			if err != nil {
				t.Fatal(err)
			}
			if want := merkle.LeafHash(3, hello); d.Leaf != want || d.Size != int64(len(hello)) {
				t.Errorf("leaf is %s of %d bytes, want %s of %d", d.Leaf, d.Size, want, len(hello))
			}
		})
	}
}

// TestDecompressionLateEOF reads a file whose end is reported together with its last bytes.
func TestDecompressionLateEOF(t *testing.T) {
	half := len(hello) / 2
	for file, data := range map[string][]byte{
		"m.ko.gz":  join(gzipped(t, hello[:half]), gzipped(t, hello[half:])),
		"m.ko.zst": join(zstandard(t, hello[:half]), zstandard(t, hello[half:])),
		"m.ko.xz":  join(testdata(t, "hello-1.xz"), testdata(t, "hello-2.xz")),
	} {
		d, err := new(module.Scanner).Scan(iotest.DataErrReader(bytes.NewReader(data)), file, raw(3))
		if want := merkle.LeafHash(3, hello); err != nil || d.Leaf != want {
			t.Errorf("%s: leaf is %s of %d bytes, %v, want %s of %d",
				file, d.Leaf, d.Size, err, want, len(hello))
		}
	}
}

// TestBytesAfter has bytes after the compressed data: kmod ignores them after gzip data, and the module is what comes
// before. They are there to report.
func TestBytesAfter(t *testing.T) {
	var s module.Scanner
	gz := gzipped(t, hello)
	for _, c := range []struct {
		file string
		data []byte
		want int64
	}{
		{"m.ko.gz", join(gz, []byte{7}), 1},
		{"m.ko.gz", join(gz, []byte{0x1f}), 1}, // not enough for another member
		{"m.ko.gz", join(gz, []byte("garbage, long enough")), 20},
		{"m.ko.gz", join(gz, make([]byte, 100_000)), 100_000},
		{"m.ko.xz", testdata(t, "hello.xz"), 0},
		{"m.ko", hello, 0},
		{"m.ko.gz", join(gz, []byte{7}), 1},
		{"m.ko", hello, 0},
		{"m.ko.gz", gz, 0},
	} {
		d, err := s.Scan(bytes.NewReader(c.data), c.file, raw(3))
		if want := merkle.LeafHash(3, hello); err != nil || d.Leaf != want {
			t.Errorf("%s, %d bytes after: leaf is %s, %v, want %s", c.file, c.want, d.Leaf, err, want)
		}
		if got := s.BytesAfter(); got != c.want {
			t.Errorf("%s: %d bytes after it, want %d", c.file, got, c.want)
		}
	}
}

// xz192MiB returns a file with a dictionary of 192 MiB: its header, with a checksum that fits.
func xz192MiB(t *testing.T) []byte {
	const header, properties, sum, dictionary = 12, 16, 20, 31
	b := bytes.Clone(testdata(t, "hello.xz"))
	b[properties] = dictionary
	binary.LittleEndian.PutUint32(b[sum:], crc32.ChecksumIEEE(b[header:sum]))
	return b
}

// TestDecompressionErrors uses one Scanner, so that each case also shows that the one
// before left no trace, and reads a good file after each.
func TestDecompressionErrors(t *testing.T) {
	var s module.Scanner
	gz, zst, xz := gzipped(t, hello), zstandard(t, hello), testdata(t, "hello.xz")
	good := map[string][]byte{"m.ko.gz": gz, "m.ko.zst": zst, "m.ko.xz": xz}
	for _, c := range []struct {
		name, file string
		data       []byte
		want       string
	}{
		{"gzip, empty", "m.ko.gz", nil, "decompressing gzip data: unexpected EOF"},
		{"gzip, truncated", "m.ko.gz", gz[:len(gz)-1], "decompressing gzip data: unexpected EOF"},
		{"gzip, header alone", "m.ko.gz", gz[:10], "decompressing gzip data: unexpected EOF"},
		{"gzip, not compressed", "m.ko.gz", hello, "decompressing gzip data: gzip: invalid header"},
		{"gzip, broken second member", "m.ko.gz", join(gz, []byte("\x1f\x8bgarbage, long enough")), "decompressing gzip data: gzip: invalid header"},
		{"gzip, bad checksum", "m.ko.gz", edit(gz, len(gz)-8, gz[len(gz)-8]^1), "decompressing gzip data: gzip: invalid checksum"},
		{"zstd, empty", "m.ko.zst", nil, "decompressing zstd data: unexpected EOF"},
		{"zstd, truncated", "m.ko.zst", zst[:len(zst)-1], "decompressing zstd data: unexpected EOF"},
		{"zstd, not compressed", "m.ko.zst", hello, "decompressing zstd data: it starts with 6d6f6475, want 28b52ffd"},
		{"zstd, trailing garbage", "m.ko.zst", join(zst, []byte("garbage")), "decompressing zstd data: 7 bytes follow the compressed data"},
		{"zstd, one byte more", "m.ko.zst", join(zst, []byte{7}), "decompressing zstd data: 1 bytes follow the compressed data"},
		{"zstd, bad checksum", "m.ko.zst", edit(zst, len(zst)-1, zst[len(zst)-1]^1), "decompressing zstd data: CRC check failed"},
		{"zstd, window of 144 MiB", "m.ko.zst", []byte("\x28\xb5\x2f\xfd\x00\x89\x01\x00\x00"), "decompressing zstd data: window of 150994944 bytes, want at most 134217728"},
		{"xz, empty", "m.ko.xz", nil, "decompressing xz data: unexpected EOF"},
		{"xz, truncated", "m.ko.xz", xz[:len(xz)-1], "decompressing xz data: unexpected EOF"},
		{"xz, not compressed", "m.ko.xz", hello, "decompressing xz data: it starts with 6d6f64756c65, want fd377a585a00"},
		{"xz, trailing garbage", "m.ko.xz", join(xz, []byte("garbage, long enough")), "decompressing xz data: 20 bytes follow the compressed data"},
		{"xz, one byte more", "m.ko.xz", join(xz, []byte{7}), "decompressing xz data: 1 bytes follow the compressed data"},
		{"xz, three bytes of padding", "m.ko.xz", join(xz, make([]byte, 3)), "decompressing xz data: 3 bytes follow the compressed data"},
		{"xz, corrupt", "m.ko.xz", edit(xz, len(xz)/2, xz[len(xz)/2]^1), "decompressing xz data: xz: data is corrupt"},
		{"xz, dictionary of 192 MiB", "m.ko.xz", xz192MiB(t), "decompressing xz data: dictionary of 201326592 bytes, want at most 134217728"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Scan(bytes.NewReader(c.data), c.file, raw(0))
			wantError(t, err, c.want)
			d, err := s.Scan(bytes.NewReader(good[c.file]), c.file, raw(0))
			if err != nil || d.Leaf != merkle.LeafHash(0, hello) {
				t.Errorf("good file afterwards: got %s, %v", d.Leaf, err)
			}
		})
	}
}

// FuzzDecompression reads data as each kind of compressed module: whatever it is, the
// second reading, by a Scanner used before, must end like the first.
func FuzzDecompression(f *testing.F) {
	f.Add(gzipped(f, []byte("module")))
	f.Add(zstandard(f, []byte("module")))
	f.Add(testdata(f, "hello-kernel.xz"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s module.Scanner
		for _, name := range []string{"m.ko.gz", "m.ko.zst", "m.ko.xz"} {
			first, firstErr := s.Scan(limited(data), name, raw(1))
			second, secondErr := s.Scan(limited(data), name, raw(1))
			if first != second || (firstErr == nil) != (secondErr == nil) {
				t.Errorf("%s: first %+v, %v, then %+v, %v", name, first, firstErr, second, secondErr)
			}
		}
	})
}

func limited(data []byte) *bytes.Reader {
	return bytes.NewReader(data[:min(len(data), 1<<12)])
}
