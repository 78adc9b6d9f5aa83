// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// poem is what the files in testdata have: the second block of lzop is too short to be compressed.
func poem() []byte {
	const size = lzoBlock + 5
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%d modules sat on a wall of %x bytes\n", i/20, uint32(i/20)*2654435761)
	}
	return b.Bytes()[:size]
}

// file reads a file of testdata.
func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// written returns what a writer of out makes of data.
func written(t testing.TB, data []byte, open func(out io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// lz4With returns a writer of lz4.
func lz4With(options ...lz4.Option) func(io.Writer) (io.WriteCloser, error) {
	return func(out io.Writer) (io.WriteCloser, error) {
		w := lz4.NewWriter(out)
		return w, w.Apply(options...)
	}
}

// zstdWith returns a writer of zstd.
func zstdWith(options ...zstd.EOption) func(io.Writer) (io.WriteCloser, error) {
	return func(out io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(out, options...) }
}

// sample is a compressed poem.
type sample struct {
	name, format string
	data         []byte
}

func samples(t testing.TB) []sample {
	text := poem()
	return []sample{
		{"gzip", "gzip", written(t, text, func(out io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(out), nil })},
		{"gzip, all header fields", "gzip", written(t, text, func(out io.Writer) (io.WriteCloser, error) {
			w := gzip.NewWriter(out)
			w.Name, w.Comment, w.Extra, w.OS = "m.ko", "comment", []byte("ab\x04\x00data"), 3
			return w, nil
		})},
		{"xz", "xz", written(t, text, func(out io.Writer) (io.WriteCloser, error) { return xz.NewWriter(out) })},
		{"zstd", "zstd", written(t, text, zstdWith())},
		{"zstd, no checksum", "zstd", written(t, text, zstdWith(zstd.WithEncoderCRC(false)))},
		{"zstd, single segment", "zstd", written(t, text, zstdWith(zstd.WithSingleSegment(true)))},
		{"lz4", "lz4", written(t, text, lz4With())},
		{"lz4, checksums and size", "lz4", written(t, text, lz4With(lz4.ChecksumOption(true), lz4.BlockChecksumOption(true),
			lz4.SizeOption(uint64(len(text))), lz4.BlockSizeOption(lz4.Block64Kb)))},
		{"lz4, legacy", "lz4", written(t, text, lz4With(lz4.LegacyOption(true)))},
		{"bzip2", "bzip2", file(t, "poem.bz2")},
		{"lzma", "lzma", written(t, text, func(out io.Writer) (io.WriteCloser, error) { return lzma.NewWriter(out) })},
		{"lzma, size in the header", "lzma", written(t, text, func(out io.Writer) (io.WriteCloser, error) {
			return lzma.WriterConfig{SizeInHeader: true, Size: int64(len(text))}.NewWriter(out)
		})},
		{"lzo", "lzo", file(t, "poem.lzo")},
		{"lzo, fast", "lzo", file(t, "poem-1.lzo")},
		{"lzo, all checksums", "lzo", file(t, "poem-sums.lzo")},
	}
}

// TestBytesAfter puts other bytes after the compressed data, as in `cat Image.gz board.dtb`: they are neither read
// nor an error, and are there to report.
func TestBytesAfter(t *testing.T) {
	var d Decoders
	for _, s := range samples(t) {
		for _, rest := range []string{"", "x", "B", "BA", "\x00", "\x00\x00", "\x1f", "\xd0\x0d\xfe\xed a device tree",
			strings.Repeat("rest", 50_000)} {
			image := s.data
			image = append(image[:len(image):len(image)], rest...)
			f, ok := Of(image)
			if !ok || f.Name != s.format {
				t.Fatalf("%s: format is %q, want %q", s.name, f.Name, s.format)
			}
			checkContents(t, fmt.Sprintf("%s, then %.5q", s.name, rest), image, len(s.data), func(r io.Reader) (*Reader, error) {
				return d.Open(f, r)
			})
		}
	}
}

// checkContents checks that an image has one poem, in the first size bytes.
func checkContents(t *testing.T, name string, image []byte, size int, open func(io.Reader) (*Reader, error)) {
	t.Helper()
	in, err := open(iotest.DataErrReader(bytes.NewReader(image)))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	got, err := io.ReadAll(in)
	if err != nil || !bytes.Equal(got, poem()) {
		t.Errorf("%s: got %d bytes, %v, want %d", name, len(got), err, len(poem()))
	}
	if in.InputOffset() != int64(size) {
		t.Errorf("%s: ends at %d, want %d", name, in.InputOffset(), size)
	}
	if rest, err := io.ReadAll(in.Rest()); err != nil || string(rest) != string(image[size:]) {
		t.Errorf("%s: %d bytes follow, %v, want %d", name, len(rest), err, len(image)-size)
	}
}

// TestMembers reads several members that follow each other: as one file, and each alone.
func TestMembers(t *testing.T) {
	all := samples(t)
	for _, first := range all {
		for _, second := range all {
			image := append(first.data[:len(first.data):len(first.data)], second.data...)
			f, _ := Of(image)
			legacy := first.name == "lz4, legacy" && second.format != "zstd" && second.format != "xz" && second.format != "lzo"
			if legacy || first.format == "bzip2" && second.format == "bzip2" {
				continue // what follows can be one more block; one more stream is read together with the first
			}
			checkContents(t, first.name+", then "+second.name, image, len(first.data), func(r io.Reader) (*Reader, error) {
				return new(Decoders).OpenMember(f, r)
			})
		}
	}
}

// TestConcatenated reads what the command-line tools read as one file: members of one format, and what may stand
// between them.
func TestConcatenated(t *testing.T) {
	const skippable = "\x50\x2a\x4d\x18\x02\x00\x00\x00ab"
	for _, s := range samples(t) {
		between := []string{""}
		switch s.format {
		case "xz":
			between = []string{"", "\x00\x00\x00\x00", strings.Repeat("\x00", 100_000)}
		case "zstd":
			between = []string{"", skippable, skippable + "\x5f" + skippable[1:]}
		case "lz4":
			if s.name != "lz4, legacy" {
				between = []string{"", skippable}
			}
		case "lzma":
			continue // has no members
		}
		for _, b := range between {
			image := bytes.Join([][]byte{s.data, []byte(b), s.data, []byte(b)}, nil)
			got, err := readAll(bytes.NewReader(image))
			if want := append(poem(), poem()...); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, %d bytes between: got %d bytes, %v, want %d", s.name, len(b), len(got), err, len(want))
			}
		}
	}
}

// TestTruncated cuts data: that is an error wherever it is cut.
func TestTruncated(t *testing.T) {
	for _, s := range samples(t) {
		for _, cut := range []int{1, 2, 3, 4, 5, 7, 8, 12, 40, len(s.data) / 2, len(s.data) - 20} {
			if s.name == "lz4, legacy" && cut < 4 {
				continue
			}
			if got, err := readAll(bytes.NewReader(s.data[:len(s.data)-cut])); err == nil {
				t.Errorf("%s, without the last %d of %d bytes: got %d bytes, want an error", s.name, cut, len(s.data), len(got))
			}
		}
	}
}

// TestLargestWindow reads data with a window of 128 MiB.
func TestLargestWindow(t *testing.T) {
	data := written(t, poem(), zstdWith(zstd.WithWindowSize(MaxDictionary)))
	got, err := readAll(bytes.NewReader(data))
	if err != nil || !bytes.Equal(got, poem()) {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(poem()))
	}
}

// TestLimits asks for more memory than there is for it: the error names how much, and the limit.
func TestLimits(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"zstd, window of 144 MiB", "\x28\xb5\x2f\xfd\x00\x89\x01\x00\x00", "window of 150994944 bytes, want at most 134217728"},
		{"zstd, window of 3.75 TiB", "\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00", "window of 4123168604160 bytes, want at most 134217728"},
		{"zstd, single segment", "\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\xff", "window of 18446744073709551615 bytes, want at most"},
		{"lzma", "\x5d\x00\x00\x00\x10\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00", "dictionary of 268435456 bytes, want at most 134217728"},
		{"lzo, header", "\x89LZO\x00\r\n\x1a\n\x10\x40\x20\x80\x09\x40\x01\x05\x03\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff", "header of an lzop file: unexpected EOF"},
	} {
		if _, err := readAll(strings.NewReader(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.name, err, c.want)
		}
	}
}

// TestLZOErrors changes bytes of what lzop wrote.
func TestLZOErrors(t *testing.T) {
	data := file(t, "poem.lzo")
	const header = 9 + 7 + 1 + 4 + 4 + 8
	name := int(data[header])
	block := header + 1 + name + 4
	for _, c := range []struct {
		name string
		at   int
		b    byte
		want string
	}{
		{"header", 10, data[10] ^ 1, "header of an lzop file: the checksum is"},
		{"large block", block, 1, "a block of 17"},
		{"empty block", block + 4, 4, "a block of 6"},
		{"checksum", block + 8, data[block+8] ^ 1, "the checksum of a block is"},
		{"data", block + 12, 17, "lzo: "},
	} {
		changed := bytes.Clone(data)
		changed[c.at] = c.b
		if _, err := readAll(bytes.NewReader(changed)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.name, err, c.want)
		}
	}
}

// TestReadError checks that errors of the file's reader are returned.
func TestReadError(t *testing.T) {
	broken := errors.New("broken disk")
	for _, s := range samples(t) {
		f, _ := Of(s.data)
		in, err := f.Open(io.MultiReader(bytes.NewReader(s.data[:len(s.data)/2]), iotest.ErrReader(broken)))
		if err == nil {
			_, err = io.Copy(io.Discard, in)
		}
		if !errors.Is(err, broken) {
			t.Errorf("%s: error is %v, want %v", s.name, err, broken)
		}
	}
}

// TestNamed finds each format by its name.
func TestNamed(t *testing.T) {
	for _, f := range formats {
		if got, ok := Named(f.Name); !ok || got.Name != f.Name || got.Suffix == "" {
			t.Errorf("%s: got %q with suffix %q", f.Name, got.Name, got.Suffix)
		}
	}
	if f, ok := Named("lzip"); ok {
		t.Errorf("got %q, want none", f.Name)
	}
}

// FuzzOpen reads anything as each format: it must end, without a panic, and twice in the same way.
func FuzzOpen(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.data[:min(len(s.data), 3000)])
	}
	f.Add([]byte("\x28\xb5\x2f\xfd\x00")) // zstd's decoder takes an unexpected end there for the end
	for name := range xzFiles {
		f.Add(file(f, name))
	}
	var d Decoders
	f.Fuzz(func(t *testing.T, data []byte) {
		format, ok := Of(data)
		if !ok {
			return
		}
		first, firstErr := drain(&d, format, data)
		second, secondErr := drain(new(Decoders), format, data)
		if first != second || (firstErr == nil) != (secondErr == nil) {
			t.Errorf("first %d bytes, %v, then %d bytes, %v", first, firstErr, second, secondErr)
		}
	})
}

// drain returns how many bytes come out, of at most 1 MiB.
func drain(d *Decoders, f Format, data []byte) (int64, error) {
	in, err := d.Open(f, bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, io.LimitReader(in, 1<<20))
	if err == nil && n < 1<<20 && (in.InputOffset() < 0 || in.InputOffset() > int64(len(data))) {
		return n, fmt.Errorf("ends at byte %d of %d", in.InputOffset(), len(data))
	}
	return n, err
}

// BenchmarkReuse opens a small file again and again.
func BenchmarkReuse(b *testing.B) {
	for _, s := range samples(b) {
		f, _ := Of(s.data)
		b.Run(s.name, func(b *testing.B) {
			var d Decoders
			b.SetBytes(int64(len(poem())))
			b.ReportAllocs()
			for b.Loop() {
				in, err := d.Open(f, bytes.NewReader(s.data))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
