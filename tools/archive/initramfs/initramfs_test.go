// SPDX-License-Identifier: Apache-2.0

package initramfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// newc returns an entry; the last one of an archive is newc(trailer, "").
func newc(name, contents string) string {
	return newcSized(name, contents, len(contents), len(name)+1)
}

func newcSized(name, contents string, size, nameSize int) string {
	return newcOf(0o100644, 1, 1, name, contents, size, nameSize)
}

// newcLink returns an entry that is one name of a file with several names.
func newcLink(inode int, name, contents string) string {
	return newcOf(0o100644, inode, 2, name, contents, len(contents), len(name)+1)
}

func newcOf(mode, inode, links int, name, contents string, size, nameSize int) string {
	entry := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		inode, mode, 0, 0, links, 0, size, 8, 1, 0, 0, nameSize, 0, name)
	return pad(pad(entry) + contents)
}

func pad(text string) string { return text + strings.Repeat("\x00", -len(text)&3) }

func cpio(name, contents string) string { return newc(name, contents) + newc(trailer, "") }

// compress compresses as the kernel wants it.
func compress(t testing.TB, format, data string) string {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch format {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "xz":
		w, err = xz.NewWriter(&out)
	case "zstd":
		w, err = zstd.NewWriter(&out)
	case "lz4":
		legacy := lz4.NewWriter(&out)
		w, err = legacy, legacy.Apply(lz4.LegacyOption(true))
	case "lzma":
		w, err = lzma.NewWriter(&out)
	}
	if err == nil {
		_, err = io.WriteString(w, data)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var compressions = []string{"gzip", "xz", "zstd", "lz4", "lzma"}

// read returns what is in an initramfs: "NAME=CONTENTS" of each entry, and the compressions of its archives.
func read(image string) (files, archives string, err error) {
	segments, err := Read(strings.NewReader(image), int64(len(image)), func(e Entry, r io.Reader) error {
		contents, err := io.ReadAll(r)
		files += e.Name + "=" + string(contents)
		if e.LinkOf != "" {
			files += "->" + e.LinkOf
		}
		if e.Ignored != "" {
			files += "(" + e.Ignored + ")"
		}
		files += " "
		return err
	})
	for _, s := range segments {
		archives += s.Compression + " "
	}
	return files, archives, err
}

// TestRead puts archives of each compression in front of each other, with and without zeros between them: the end
// of each must be found to the byte.
func TestRead(t *testing.T) {
	for _, first := range compressions {
		for _, second := range compressions {
			for zeros := 0; zeros <= 8; zeros += 4 {
				if first == "lz4" && zeros == 0 && (second == "lz4" || second == "gzip") {
					continue // to the kernel too, what follows is one more block
				}
				between := strings.Repeat("\x00", zeros)
				image := cpio("early", "microcode") + between + compress(t, first, cpio("./a", "first")) + between +
					compress(t, second, cpio("b/c", "second")+between+cpio("d", "third")) + between + cpio("last", "") + between
				files, archives, err := read(image)
				if want := "early=microcode a=first b/c=second d=third last= "; files != want || err != nil {
					t.Errorf("%s, %s, %d zeros: got %q, %v, want %q", first, second, zeros, files, err, want)
				}
				if want := "none " + first + " " + second + " none "; archives != want {
					t.Errorf("%d zeros: archives are %q, want %q", zeros, archives, want)
				}
			}
		}
	}
}

// TestLarge has contents and compressed blocks of more than any buffer.
func TestLarge(t *testing.T) {
	random := make([]byte, 9<<20)
	state := uint32(1)
	for i := range random {
		state = state*1664525 + 1013904223
		random[i] = byte(state >> 24)
	}
	for _, format := range compressions {
		contents := string(random)
		if format == "lzma" || format == "xz" {
			contents = contents[:200_000] // the encoder is slow
		}
		image := compress(t, format, cpio("large", contents)) + cpio("behind", "")
		files, _, err := read(image)
		if want := "large=" + contents + " behind= "; files != want || err != nil {
			t.Errorf("%s: got %d bytes, %v, want %d", format, len(files), err, len(want))
		}
	}
}

// TestCpio reads what GNU cpio and the command-line tools write, where there are any.
func TestCpio(t *testing.T) {
	if _, err := exec.LookPath("cpio"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	for name, contents := range map[string]string{"one": "1", "two": strings.Repeat("2", 100_001)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(contents), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, filter := range []string{"cat", "gzip", "xz --check=crc32", "zstd -q", "lz4 -l -q"} {
		if _, err := exec.LookPath(strings.Fields(filter)[0]); err != nil {
			t.Log(err)
			continue
		}
		cmd := exec.Command("sh", "-c", "set -e; find . -type f | LC_ALL=C sort | cpio -o -H newc --quiet | "+filter)
		cmd.Dir = dir
		image, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		files, _, err := read(string(image) + cpio("behind", ""))
		if want := "one=1 two=" + strings.Repeat("2", 100_001) + " behind= "; files != want || err != nil {
			t.Errorf("%s: got %.100q, %v", filter, files, err)
		}
	}
}

func TestReadErrors(t *testing.T) {
	good := cpio("a", "contents")
	for _, c := range []struct{ name, image, want string }{
		{"no archive", "nothing", "archive at byte 0: it starts with 6e6f7468696e, want a cpio archive (newc, 070701), or"},
		{"old cpio", "070707000000", "archive at byte 0: it starts with 303730373037"},
		{"garbage behind", good + "\x00\x00\x00\x00more", fmt.Sprintf("archive at byte %d: it starts with 6d6f7265", len(good)+4)},
		{"cut header", good[:50], "archive at byte 0: entry at byte 0: reading its header: unexpected EOF"},
		{"cut name", good[:111], "entry at byte 0: reading its name: unexpected EOF"},
		{"cut contents", good[:114], `archive at byte 0: entry at byte 0: "a" has 8 bytes according to its header, but the archive ends before that`},
		{"no digits", strings.Replace(good, "00000001", "0000000x", 1), "reading its header: encoding/hex: invalid byte"},
		{"2 GB", newcSized("a", "short", 2<<30, 2), `"a" has 2147483648 bytes according to its header, but the archive ends before that`},
		{"4 GB", newcSized("a", "short", 1<<32-1, 2), `"a" has 4294967295 bytes according to its header, but the archive ends before that`},
		{"name of 4 GB", newcSized("a", "", 0, 1<<32-1), "reading its name: unexpected EOF"},
		{"name without NUL", newcSized("abc", "", 0, 3), `its name "abc" does not end with NUL`},
		{"twice", compress(t, "gzip", compress(t, "xz", good)), "it is compressed twice, the second time by xz: the kernel decompresses once"},
		{"no cpio inside", compress(t, "gzip", "no cpio"), "got 6e6f20637069 where an entry should begin, want 070701"},
		{"cut bzip2", "BZh91AY&SY", "decompressing bzip2 data: unexpected EOF"},
		{"cut gzip", compress(t, "gzip", good)[:40], "decompressing gzip data: unexpected EOF"},
		{"cut xz", compress(t, "xz", good)[:60], "decompressing xz data: unexpected EOF"},
		{"cut zstd", compress(t, "zstd", good)[:20], "decompressing zstd data: unexpected EOF"},
		{"cut lz4", compress(t, "lz4", good)[:20], "decompressing lz4 data: unexpected EOF"},
		{"zstd block of 2 MiB", "\x28\xb5\x2f\xfd\x00\x00\xff\xff\xff", "decompressing zstd data: "},
		{"xz dictionary of 4 GiB", "\xfd7zXZ\x00\x00\x01\x69\x22\xde\x36\x02\x00\x21\x01\x28\x00\x00\x00\x18\x4d\x42\xc6", "decompressing xz data: "},
		{"garbage after gzip", compress(t, "gzip", good) + "more", fmt.Sprintf("archive at byte %d: it starts with 6d6f7265", len(compress(t, "gzip", good)))},
		{"garbage after lz4", compress(t, "lz4", good) + "more", "it starts with 6d6f7265"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := read(c.image); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestBudget checks that archives cannot have more than they may, however small they are compressed.
func TestBudget(t *testing.T) {
	bomb := cpio("bomb", strings.Repeat("\x00", 8<<20))
	for _, format := range compressions {
		image := compress(t, format, bomb)
		in := &reader{file: strings.NewReader(image), size: int64(len(image)), left: 1 << 20, segments: []Segment{{}}}
		in.visit = func(Entry, io.Reader) error { return nil }
		if err := in.segment(); err == nil || !strings.Contains(err.Error(), "more than an initramfs may have") {
			t.Errorf("%s, %d bytes: error is %v", format, len(image), err)
		}
	}
}

// TestVisitError checks that visit ends the reading.
func TestVisitError(t *testing.T) {
	stop := errors.New("stop")
	image := cpio("a", "contents")
	if _, err := Read(strings.NewReader(image), int64(len(image)), func(Entry, io.Reader) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error is %v, want %v", err, stop)
	}
}

// FuzzRead checks that no input makes Read fail in another way than by an error, and that names are safe.
func FuzzRead(f *testing.F) {
	f.Add([]byte(cpio("a", "contents") + "\x00\x00\x00\x00" + cpio("b", "")))
	for _, format := range compressions {
		f.Add([]byte(cpio("early", "x") + compress(f, format, cpio("a", "contents")) + cpio("b", "")))
		f.Add([]byte(compress(f, format, compress(f, format, cpio("a", "")))))
	}
	f.Add([]byte(newcSized("a", "short", 1<<32-1, 2)))
	f.Fuzz(func(t *testing.T, image []byte) {
		segments, err := Read(bytes.NewReader(image), int64(len(image)), func(e Entry, r io.Reader) error {
			if !filepath.IsLocal(e.Name) {
				t.Errorf("name %q leads out", e.Name)
			}
			n, err := io.Copy(io.Discard, r)
			if err == nil && n > e.Size {
				t.Errorf("%q has %d bytes, its header says %d", e.Name, n, e.Size)
			}
			return err
		})
		for _, s := range segments {
			if s.Offset < 0 || s.Offset >= int64(len(image)) {
				t.Errorf("%+v is not in the file of %d bytes, %v", s, len(image), err)
			}
		}
	})
}
