// SPDX-License-Identifier: Apache-2.0

package unpack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tools/archive/ar"
)

// tarOf returns a tar of headers, whose contents are as many x as their size.
func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			fmt.Fprint(w, strings.Repeat("x", int(h.Size)))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(name string, size int64) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644}
}

func link(kind byte, name, target string) tar.Header {
	return tar.Header{Typeflag: kind, Name: name, Linkname: target}
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// ar returns an ar archive of "NAME", "CONTENTS" pairs.
func arOf(pairs ...string) []byte {
	out := ar.Magic
	for i := 0; i < len(pairs); i += 2 {
		out += member(pairs[i], fmt.Sprint(len(pairs[i+1]))) + pairs[i+1] + strings.Repeat("\n", len(pairs[i+1])%2)
	}
	return []byte(out)
}

func member(name, size string) string {
	return fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10s`\n", name, 0, 0, 0, "100644", size)
}

// unpack unpacks into a new directory and returns its files as "PATH:SIZE", its links as "PATH->TARGET".
func unpack(t testing.TB, archive []byte, limit int64) ([]string, error) {
	t.Helper()
	files, _, err := unpackAll(t, archive, limit)
	return files, err
}

// unpackAll also returns what else there is.
func unpackAll(t testing.TB, archive []byte, limit int64) ([]string, Contents, error) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	d := newDirectory(root, limit)
	unpackErr := modules(bytes.NewReader(archive), d)
	var files []string
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if entry.Type() == fs.ModeSymlink {
			target, err := fs.ReadLink(os.DirFS(dir), name)
			files = append(files, name+"->"+target)
			return err
		}
		info, err := entry.Info()
		files = append(files, fmt.Sprintf("%s:%d", name, info.Size()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, d.Contents, unpackErr
}

func TestModules(t *testing.T) {
	plain := tarOf(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "./lib/"}, file("./lib/a.ko", 5), file("./lib/b.ko.xz", 1000),
		file("./README", 7), link(tar.TypeSymlink, "./build", "/usr/src"), link(tar.TypeLink, "./lib/c.ko", "./lib/a.ko"))
	want := "[lib/a.ko:5 lib/b.ko.xz:1000 lib/c.ko:5]"
	for name, archive := range map[string][]byte{
		"tar": plain, "tar.gz": gzipped(t, plain),
		"deb": arOf("debian-binary", "2.0\n", "control.tar", "odd", "data.tar.gz", string(gzipped(t, plain))),
	} {
		if files, err := unpack(t, archive, maxUnpacked); fmt.Sprint(files) != want || err != nil {
			t.Errorf("%s: got %v, %v, want %s", name, files, err, want)
		}
	}
}

func TestModulesErrors(t *testing.T) {
	good := tarOf(t, file("a.ko", 5))
	for _, c := range []struct {
		name    string
		archive []byte
		want    string
	}{
		{"absolute", tarOf(t, file("/a.ko", 1)), `"/a.ko" in the archive is an absolute path: it leads out of the archive`},
		{"absolute, no module", tarOf(t, file("/etc/passwd", 1)), `"/etc/passwd" in the archive is an absolute path`},
		{"up", tarOf(t, file("a/../../a.ko", 1)), `"a/../../a.ko" in the archive leads out of the archive`},
		{"twice", tarOf(t, file("a.ko", 1), file("./a.ko", 2)), `"./a.ko" in the archive is listed twice`},
		{"twice, by a hard link", tarOf(t, file("a.ko", 1), file("b.ko", 2), link(tar.TypeLink, "b.ko", "a.ko")), `"b.ko" in the archive is listed twice`},
		{"long path", tarOf(t, file(strings.Repeat("d/", 2048)+"a.ko", 1)), "in the archive has 4100 bytes, want at most 4096"},
		{"3 GB", rawHeader("a.ko", '0', 3<<30), `"a.ko" in the archive has 3221225472 bytes, more than the kernel loads (2147483647)`},
		{"2 GB", rawHeader("a.ko", '0', 1<<31-1), "contains more than 1048576 bytes"},
		{"module above module", tarOf(t, file("a.ko", 1), file("a.ko/b.ko", 1)), `"a.ko/b.ko" in the archive`},
		{"cut", good[:514], `"a.ko" in the archive cannot be copied: unexpected EOF`},
		{"cut gzip", gzipped(t, good)[:60], "decompressing gzip data: unexpected EOF"},
		{"no gzip", []byte("\x1f\x8b no gzip"), "decompressing gzip data: "},
		{"lzo", []byte("\x89LZO\x00\r\n\x1a\n"), "decompressing lzo data: header of an lzop file: unexpected EOF"},
		{"no tar", gzipped(t, bytes.Repeat([]byte("nothing"), 200)), "reading a tar archive: archive/tar: invalid tar header"},
		{"empty ar", []byte(ar.Magic), "is an ar archive without data.tar, want a Debian package (deb(5))"},
		{"ar without data", arOf("debian-binary", "2.0\n"), "is an ar archive without data.tar"},
		{"ar with a negative size", []byte(ar.Magic + member("loop", "-60")), `reading an ar archive: member "loop" has the size "-60", want a decimal number`},
		{"ar without numbers", []byte(ar.Magic + member("data.tar", "many")), `reading an ar archive: member "data.tar" has the size "many", want a decimal number`},
		{"ar, compressed twice", arOf("data.tar.gz", string(gzipped(t, gzipped(t, good)))), "data.tar.gz: reading a tar archive: "},
		{"too much", tarOf(t, file("a.ko", 2<<20)), "contains more than 1048576 bytes: too much for the modules of a kernel"},
		{"too much of no use", tarOf(t, file("other", 2<<20)), "contains more than 1048576 bytes"},
		{"bomb", gzipped(t, tarOf(t, file("a.ko", 2<<20))), "contains more than 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := unpack(t, c.archive, 1<<20); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestSparse checks that a sparse file counts with the size that it has once written, not with what it takes in the
// archive: GNU tar's format 1.0, whose map states that all of it is a hole.
func TestSparse(t *testing.T) {
	const size = "2097152"
	contents := "0\n" + strings.Repeat("\x00", 510)
	records := ""
	for _, r := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=a.ko", "GNU.sparse.realsize=" + size} {
		records += fmt.Sprintf("%d %s\n", len(r)+4, r)
	}
	raw := append(rawHeader("pax", 'x', len(records)), pad512(records)...)
	raw = append(raw, rawHeader("sparse", '0', len(contents))...)
	raw = append(raw, pad512(contents)...)
	if _, err := unpack(t, append(raw, make([]byte, 1024)...), 1<<20); err == nil || !strings.Contains(err.Error(), "contains more than 1048576 bytes") {
		t.Errorf("error is %v", err)
	}
	if files, err := unpack(t, append(raw, make([]byte, 1024)...), 4<<20); fmt.Sprint(files) != "[a.ko:"+size+"]" || err != nil {
		t.Errorf("got %v, %v", files, err)
	}
}

// rawHeader returns a tar header that archive/tar would not write.
func rawHeader(name string, kind byte, size int) []byte {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], "0000644\x000000000\x000000000\x00")
	copy(h[124:], fmt.Sprintf("%011o\x0000000000000\x00        ", size))
	h[156] = kind
	copy(h[257:], "ustar\x0000")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

func pad512(text string) []byte {
	return append([]byte(text), make([]byte, -len(text)&511)...)
}

func FuzzModules(f *testing.F) {
	plain := tarOf(f, file("lib/a.ko", 5), link(tar.TypeLink, "c.ko", "lib/a.ko"), file("x", 600))
	f.Add(plain)
	f.Add(gzipped(f, plain))
	f.Add(tarOf(f, link(tar.TypeSymlink, "d", "../up"), file("lib/a.ko", 5), link(tar.TypeSymlink, "e", "/lib/./"), link(tar.TypeSymlink, "e/f.ko", "d")))
	f.Add(arOf("debian-binary", "2.0\n", "data.tar", string(plain)))
	f.Add([]byte(ar.Magic + member("loop", "-60")))
	f.Fuzz(func(t *testing.T, archive []byte) {
		files, _ := unpack(t, archive, 1<<20)
		for _, name := range files {
			if link, target, ok := strings.Cut(name, "->"); ok {
				if !filepath.IsLocal(filepath.Join(filepath.Dir(link), target)) {
					t.Errorf("linked %q", name)
				}
				continue
			}
			if !filepath.IsLocal(name) || !strings.Contains(name, ".ko") {
				t.Errorf("wrote %q", name)
			}
		}
	})
}

func TestReleaseDir(t *testing.T) {
	for path, want := range map[string]string{
		"lib/modules/1/a.ko": "lib/modules/1/ 1", "usr/lib/modules/7.2/kernel/a.ko": "usr/lib/modules/7.2/ 7.2",
		"kernel/a.ko": " ", "a.ko": " ", "xlib/modules/1/a.ko": " ", "lib/modules/a.ko": " ",
	} {
		dir, release := ReleaseDir(path)
		if got := dir + " " + release; got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
