// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestNewWriter(t *testing.T) {
	for name, open := range map[string]func(io.Reader) (io.Reader, error){
		"none": func(r io.Reader) (io.Reader, error) { return r, nil },
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w, err := NewWriter(name, &out)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Repeat("initramfs ", 1000)
			if _, err := io.WriteString(w, text); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			r, err := open(&out)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || string(got) != text {
				t.Errorf("got %d bytes, %v, want %d", len(got), err, len(text))
			}
		})
	}
}

func TestNewWriterError(t *testing.T) {
	const want = `compression: got "lzma", want one of gzip, none, zstd`
	if _, err := NewWriter("lzma", io.Discard); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

// TestTable checks that the table is sound.
func TestTable(t *testing.T) {
	suffixes := map[string]bool{}
	for i, f := range formats {
		if f.Name == "" || f.magic == "" || f.open == nil || suffixes[f.Suffix] {
			t.Errorf("row %d (%s) has no name, no magic, no decoder, or the suffix of another one", i, f.Name)
		}
		suffixes[f.Suffix] = true
		if !strings.HasPrefix(KernelMagics()[i], f.magic) {
			t.Errorf("%s: data of kernels begin with %x, all data with %x", f.Name, KernelMagics()[i], f.magic)
		}
		if got, ok := Of([]byte(KernelMagics()[i])); !ok || got.Name != f.Name {
			t.Errorf("%s: its data are taken for %s", f.Name, got.Name)
		}
	}
}
