// SPDX-License-Identifier: Apache-2.0

package initramfs

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// TestHardLinks has the names of a file in any order: any of them may have the contents, and none is left out.
func TestHardLinks(t *testing.T) {
	const e = "" // a name without contents
	end := newc(trailer, "")
	for _, c := range []struct{ name, image, want string }{
		{"contents last, as GNU cpio writes it", newcLink(7, "x.ko", e) + newcLink(7, "zzz", "bad") + end, "zzz=bad x.ko=->zzz "},
		{"contents first, as libarchive writes it", newcLink(7, "x.ko", "bad") + newcLink(7, "zzz", e) + end, "x.ko=bad zzz=->x.ko "},
		{"contents between", newcLink(7, "a", e) + newcLink(7, "b", "bad") + newcLink(7, "c", e) + end, "b=bad a=->b c=->b "},
		{"other files between", newcLink(7, "a", e) + newc("x", "1") + newcLink(8, "b", "2") + newcLink(7, "c", "3") + end,
			"x=1 b=2 c=3 a=->c "},
		{"no contents", newcLink(7, "a", e) + newcLink(7, "b", e) + end, "a= b= "},
		{"contents twice", newcLink(7, "a", "good") + newcLink(7, "b", e) + newcLink(7, "c", "bad") + end,
			"a=good c=bad a=->c b=->c "},
		{"contents under the same name twice", newcLink(7, "a", "good") + newcLink(7, "a", "bad") + end,
			`a=good a=bad(it is a link to "a", which no longer exists) `},
		{"one name alone", newcLink(7, "a", "1") + end, "a=1 "},
		{"same number, next archive", newcLink(7, "a", e) + newcLink(7, "b", "1") + end + newcLink(7, "c", e) + newcLink(7, "d", "2") + end,
			"b=1 d=2 a=->b c=->d "},
		{"archive without an end", newcLink(7, "a", e) + "\x00\x00\x00\x00" + newcLink(7, "b", "1"), "b=1 a=->b "},
		{"a link with the name of an end", newcLink(7, "a", e) + newcOf(0o120777, 1, 1, trailer, "target", 6, 11) + newcLink(7, "b", "1"),
			trailer + "=target b=1 a=->b "},
		{"contents of one name replaced later", newcLink(7, "a", "good") + newcLink(7, "b", e) + end + newc("b", "bad") + end,
			"a=good b=bad a=->b b=->b "},
		{"two files, joined by a name", newcLink(7, "a", "good") + newcLink(7, "b", e) + end + newcLink(9, "b", e) + newcLink(9, "c", "bad") + end,
			"a=good c=bad a=->c b=->c b=->c "},
		{"directories have several links too", newcOf(0o40755, 7, 2, "d", "", 0, 2) + newcLink(7, "x", "1") + end, "d= x=1 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, format := range append([]string{""}, compressions...) {
				image := c.image
				if format != "" {
					image = compress(t, format, image)
				}
				if files, _, err := read(image); files != c.want || err != nil {
					t.Errorf("%s: got %q, %v, want %q", format, files, err, c.want)
				}
			}
		})
	}
}

// TestLinksOfSeveralArchives counts the links that are known, whatever a header states.
func TestLinksOfSeveralArchives(t *testing.T) {
	image := newcLink(7, "x.ko", "good") + newcLink(7, "b", "") + newc(trailer, "") + newc("b", "bad")
	var links uint32
	_, err := Read(strings.NewReader(image), int64(len(image)), func(e Entry, r io.Reader) error {
		if contents, err := io.ReadAll(r); err != nil || string(contents) == "bad" {
			links = e.Links
		}
		return nil
	})
	if err != nil || links < 2 {
		t.Errorf("got %d links, %v, want 2 or more", links, err)
	}
}

// TestLinksAfterError visits names that were read before an error, too.
func TestLinksAfterError(t *testing.T) {
	image := newcLink(7, "x.ko", "") + newcLink(7, "zzz", "bad") + newc(trailer, "") + "garbage"
	files, _, err := read(image)
	if want := "zzz=bad x.ko=->zzz "; files != want || err == nil {
		t.Errorf("got %q, %v, want %q and an error", files, err, want)
	}
}

// TestManyLinks bounds what is kept of them.
func TestManyLinks(t *testing.T) {
	in := &links{}
	var err error
	n := 0
	for ; err == nil && n <= maxLinks; n++ {
		_, err = in.enter(&Entry{Name: fmt.Sprint(n), Mode: typeFile, Links: 2}, fileID{inode: uint32(n)})
	}
	if want := "the archives have more than 262144 names of hard links"; n != maxLinks+1 || err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error after %d is %v, want %q after %d", n, err, want, maxLinks+1)
	}
}

// kernel is what a kernel has after it unpacked archives, by do_name and do_copy in init/initramfs.c.
type kernel struct {
	files map[string]*string
	byID  map[int]string
}

func (k *kernel) directory(name string) { delete(k.files, name) }

func (k *kernel) file(name string, id, links int, contents string) {
	linked := false
	if links >= 2 {
		if old, ok := k.byID[id]; ok {
			delete(k.files, name)
			if k.files[old] == nil {
				return
			}
			k.files[name] = k.files[old]
			linked = true
		} else {
			k.byID[id] = name
		}
	}
	if k.files[name] == nil {
		k.files[name] = new(string)
	}
	if !linked {
		*k.files[name] = ""
	}
	if contents != "" {
		*k.files[name] = contents
	}
}

// randomImage returns an initramfs, what a kernel makes of it, and how often each name is in it.
func randomImage(t *testing.T, random *rand.Rand) (string, *kernel, map[string]int) {
	k := &kernel{files: map[string]*string{}, byID: map[int]string{}}
	headers := map[string]int{}
	var image strings.Builder
	for range 1 + random.IntN(4) {
		var archive strings.Builder
		for range random.IntN(12) {
			name, id, links, contents := string(rune('a'+random.IntN(9))), random.IntN(3), 1+random.IntN(2), ""
			if random.IntN(3) == 0 {
				contents = fmt.Sprint("contents ", random.IntN(1000))
			}
			headers[name]++
			if random.IntN(12) == 0 {
				k.directory(name)
				archive.WriteString(newcOf(0o40755, id, 2, name, "", 0, 2))
				continue
			}
			k.file(name, id, links, contents)
			archive.WriteString(newcOf(0o100644, id, links, name, contents, len(contents), 2))
			archive.WriteString(strings.Repeat("\x00", 4*random.IntN(2)))
		}
		if random.IntN(3) > 0 {
			archive.WriteString(newc(trailer, ""))
			k.byID = map[int]string{}
		}
		writeSegment(t, random, &image, archive.String())
	}
	return image.String(), k, headers
}

// writeSegment adds an archive, compressed or not, and zeros.
func writeSegment(t *testing.T, random *rand.Rand, image *strings.Builder, archive string) {
	if n := random.IntN(20 * len(compressions)); n < len(compressions) {
		archive = compress(t, compressions[n], archive)
	}
	image.WriteString(archive)
	zeros := 4 + -image.Len()&3
	image.WriteString(strings.Repeat("\x00", zeros+4*random.IntN(3)))
}

// TestRandomArchives compares with what a kernel would make of random archives: each name is visited as often as it
// is there, and with the contents that it has in the end.
func TestRandomArchives(t *testing.T) {
	for seed := range uint64(1500) {
		image, k, headers := randomImage(t, rand.New(rand.NewPCG(seed, 2)))
		visits, own, visited := map[string]int{}, map[string]string{}, map[string]map[string]bool{}
		_, err := Read(strings.NewReader(image), int64(len(image)), func(e Entry, r io.Reader) error {
			contents, err := io.ReadAll(r)
			visits[e.Name]++
			if e.LinkOf != "" {
				contents = []byte(own[e.LinkOf])
			}
			if len(contents) > 0 && e.Ignored == "" {
				own[e.Name] = string(contents)
			}
			if visited[e.Name] == nil {
				visited[e.Name] = map[string]bool{}
			}
			visited[e.Name][string(contents)] = true
			return err
		})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for name, n := range headers {
			if visits[name] < n {
				t.Errorf("seed %d: %q was visited %d times, want %d or more", seed, name, visits[name], n)
			}
		}
		for name, contents := range k.files {
			if *contents != "" && !visited[name][*contents] {
				t.Errorf("seed %d: %q has %q, was visited with %v", seed, name, *contents, visited[name])
			}
		}
	}
}

// TestTools reads what the command-line tools made, in front of and after other archives.
func TestTools(t *testing.T) {
	for _, tool := range []string{"bzip2", "lzop", "lzma"} {
		b, err := os.ReadFile("testdata/made." + tool)
		if err != nil {
			t.Fatal(err)
		}
		image := cpio("early", "microcode") + string(b) + cpio("plain", "1") + string(b) + "\x00\x00\x00" + compress(t, "zstd", cpio("last", "2"))
		made := "made= made/file=" + strings.Repeat("by a tool, ", 4) + "by a tool "
		want := "early=microcode " + made + "plain=1 " + made + "last=2 "
		if files, archives, err := read(image); files != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", archives, files, err, want)
		}
	}
}

// TestNames takes names as the kernel does, which unpacks below its root.
func TestNames(t *testing.T) {
	long, longer := strings.Repeat("n", maxName-1), strings.Repeat("m", maxName)
	target := strings.Repeat("t", maxName+1)
	for _, c := range []struct{ name, image, want string }{
		{"absolute", newc("/etc/passwd", "1"), "etc/passwd=1 "},
		{"up", newc("../x", "1"), "x=1 "},
		{"up later", newc("a/../../x", "1"), "x=1 "},
		{"root", newc("/", "") + newc(".", "") + newc("..", ""), ".= .= .= "},
		{"ends at NUL", newcSized("a\x00b", "1", 1, 4), "a=1 "},
		{"longest", newc(long, "1"), long + "=1 "},
		{"too long", newc(longer, "1"), longer[:64] + "…=1(its name has 4097 bytes, the kernel accepts 4096) "},
		{"none", newcSized("", "1", 1, 1), ".=1(it has no name) "},
		{"none at all", newcOf(0o100644, 1, 1, "", "1", 1, 0), ".=1(it has no name) "},
		{"link", newcOf(0o120777, 1, 1, "l", "to", 2, 2), "l=to "},
		{"long link", newcOf(0o120777, 1, 1, "l", target, len(target), 2), "l=" + target + "(it is a link to a path of 4097 bytes, the kernel accepts 4096) "},
		{"directory with contents", newcOf(0o40755, 1, 2, "d", "1", 1, 2), "d=1(it has 1 bytes, but is not a file) "},
		{"end with contents", newc(trailer, "1"), trailer + "=1(it ends the archive) "},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := c.image + newc("after", "2") + newc(trailer, "")
			files, _, err := read(image)
			if want := c.want + "after=2 "; files != want || err != nil {
				t.Errorf("got %q, %v, want %q", files, err, want)
			}
		})
	}
}

// TestIgnored counts the entries that the kernel does not unpack.
func TestIgnored(t *testing.T) {
	image := newc(strings.Repeat("m", maxName), "1") + cpio("a", "")
	segments, err := Read(strings.NewReader(image), int64(len(image)), func(Entry, io.Reader) error { return nil })
	if err != nil || len(segments) != 1 || segments[0].Entries != 2 || segments[0].Ignored != 1 {
		t.Errorf("got %+v, %v, want 2 entries, 1 of them ignored", segments, err)
	}
}

// bootConfig returns a boot configuration as bootconfig(8) adds it to an initramfs of that size.
func bootConfig(text string, size int) string {
	text += "\x00"
	text += strings.Repeat("\x00", -(size+len(text)+20)&3)
	sum := uint32(0)
	for _, b := range []byte(text) {
		sum += uint32(b)
	}
	le := func(n uint32) string { return string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}) }
	return text + le(uint32(len(text))) + le(sum) + bootConfigMagic
}

// TestBootConfig has a boot configuration at the end, and up to 3 bytes that a boot loader added.
func TestBootConfig(t *testing.T) {
	for _, format := range append([]string{""}, compressions...) {
		image := cpio("a", "1")
		if format != "" {
			image = compress(t, format, image)
		}
		config := bootConfig("kernel.root = \"/dev/sda\"\n", len(image))
		for padding := range 5 {
			whole := image + config + strings.Repeat("\x00", padding)
			segments, err := Read(strings.NewReader(whole), int64(len(whole)), func(Entry, io.Reader) error { return nil })
			if padding > bootConfigPadding {
				if err == nil {
					t.Errorf("%s, %d bytes after it: got %+v, want an error", format, padding, segments)
				}
				continue
			}
			want := Segment{Kind: KindBootConfig, Offset: int64(len(image)), Size: int64(len(whole) - len(image)), Compression: "none"}
			if err != nil || len(segments) != 2 || segments[1] != want {
				t.Errorf("%s, %d bytes after it: got %+v, %v, want %+v", format, padding, segments, err, want)
			}
		}
	}
}

func TestBootConfigErrors(t *testing.T) {
	archive := cpio("a", "1")
	good := archive + bootConfig("key = value\n", len(archive))
	size := len(good) - len(bootConfigMagic) - bootConfigHeader
	for _, c := range []struct{ name, image, want string }{
		{"sum", good[:len(archive)] + "K" + good[len(archive)+1:], "boot configuration at byte 240: the sum of its bytes is 0x3cd, want 0x3ed: the kernel ignores it"},
		{"larger than the file", good[:size+1] + "\x01" + good[size+2:], "boot configuration at byte 256: it has 272 bytes according to its header, want at most 256"},
		{"too large", strings.Repeat("\x00", 40_000) + good[:size+1] + "\xff" + good[size+2:], "it has 65296 bytes according to its header, want at most 32767"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, _, err := read(c.image)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
			if files != "a=1 " {
				t.Errorf("got %q, want what comes before too", files)
			}
		})
	}
}

// TestVisitLinkError ends with the error of visit for a name that is visited later, too.
func TestVisitLinkError(t *testing.T) {
	stop := errors.New("stop")
	image := newcLink(7, "a", "") + newcLink(7, "b", "1") + newc(trailer, "")
	_, err := Read(strings.NewReader(image), int64(len(image)), func(e Entry, _ io.Reader) error {
		if e.LinkOf != "" {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) {
		t.Errorf("error is %v, want %v", err, stop)
	}
}
