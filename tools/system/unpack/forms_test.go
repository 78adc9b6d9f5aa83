// SPDX-License-Identifier: Apache-2.0

package unpack

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// through returns data as a compressor writes it.
func through[W io.WriteCloser](t testing.TB, data []byte, open func(io.Writer) (W, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPackages reads packages as distributions make them: deb with data.tar in 6 compressions, pacman, apk, and what
// rpm2archive makes of an RPM.
func TestPackages(t *testing.T) {
	const dir = "usr/lib/modules/1/"
	data := tarWith(t, entryOf(tar.TypeDir, "./usr/"), regular("./"+dir+"a.ko.zst", "module"), regular("./"+dir+"modules.dep", "a.ko:"),
		linkTo(tar.TypeSymlink, "./"+dir+"build", "/usr/src/linux"), regular("./usr/share/doc/changelog.gz", string(gzipped(t, []byte("text")))))
	bzip2, err := os.ReadFile("testdata/data.tar.bz2") // testdata/README states how it was made
	if err != nil {
		t.Fatal(err)
	}
	zstandard := through(t, data, func(w io.Writer) (*zstd.Encoder, error) { return zstd.NewWriter(w) })
	deb := func(name string, data []byte) []byte {
		return arOf("debian-binary", "2.0\n", "control.tar.xz", "control", name, string(data))
	}
	headless := func(name, contents string) []byte {
		const end = 2 * 512 // apk leaves the end of a tar out ahead of another one
		whole := tarWith(t, regular(name, contents))
		return gzipped(t, whole[:len(whole)-end])
	}
	pacman := tarWith(t, regular(".PKGINFO", "pkgname = linux"), regular(".MTREE", string(gzipped(t, []byte("#mtree")))), regular(dir+"a.ko.zst", "module"))
	for name, archive := range map[string][]byte{
		"deb":                deb("data.tar", data),
		"deb, gzip":          deb("data.tar.gz", gzipped(t, data)),
		"deb, xz":            deb("data.tar.xz", through(t, data, func(w io.Writer) (*xz.Writer, error) { return xz.NewWriter(w) })),
		"deb, zstd":          deb("data.tar.zst", zstandard),
		"deb, bzip2":         deb("data.tar.bz2", bzip2),
		"deb, lzma":          deb("data.tar.lzma", through(t, data, func(w io.Writer) (*lzma.Writer, error) { return lzma.NewWriter(w) })),
		"pacman":             through(t, pacman, func(w io.Writer) (*zstd.Encoder, error) { return zstd.NewWriter(w) }),
		"apk":                append(append(headless(".SIGN.RSA.key", "signature"), headless(".PKGINFO", "pkgname = linux")...), gzipped(t, data)...),
		"rpm2archive's .tgz": gzipped(t, data),
	} {
		files, rest, err := unpackAll(t, archive, 1<<20)
		if fmt.Sprint(files) != "["+dir+"a.ko.zst:6]" || err != nil || rest.NotExamined != nil {
			t.Errorf("%s: got %v, %+v, %v", name, files, rest, err)
		}
	}
}

// TestOldTar reads a tar of the old format, which has no magic (tar --format=v7).
func TestOldTar(t *testing.T) {
	const magicAt, endAt, sumAt, sumLength = 257, 345, 148, 8
	data := tarWith(t, regular("lib/modules/1/a.ko", "module"))
	header := data[:HeadSize]
	clear(header[magicAt:endAt])
	copy(header[sumAt:], strings.Repeat(" ", sumLength))
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[sumAt:], fmt.Sprintf("%06o\x00 ", sum))
	files, _, err := unpackAll(t, data, 1<<20)
	if got := FormatOf(header); got != FormatTar || err != nil || fmt.Sprint(files) != "[lib/modules/1/a.ko:6]" {
		t.Errorf("got format %q, files %v, %v", got, files, err)
	}
	header[0]++
	if got := FormatOf(header); got != "" {
		t.Errorf("with a wrong checksum: got format %q", got)
	}
}
