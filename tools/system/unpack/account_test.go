// SPDX-License-Identifier: Apache-2.0

package unpack

import (
	"archive/tar"
	"bytes"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rules_modhash/tools/archive/ar"
)

// contents is an entry of a tar with contents.
type contents struct {
	tar.Header
	data string
}

func regular(name, data string) contents {
	return contents{tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)), Mode: 0o644}, data}
}

func linkTo(kind byte, name, target string) contents {
	return contents{link(kind, name, target), ""}
}

func entryOf(kind byte, name string) contents {
	return contents{tar.Header{Typeflag: kind, Name: name}, ""}
}

// tarWith returns a tar of entries with contents.
func tarWith(t testing.TB, entries ...contents) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// at returns zeros with some bytes at an offset.
func at(offset int, magic string) string {
	return string(make([]byte, offset)) + magic + string(make([]byte, 600))
}

// unified returns the beginning of an EFI program with a section.
func unified(section string) string {
	b := make([]byte, 0x40)
	copy(b, "MZ")
	b[0x3c] = 0x40
	b = append(b, "PE\x00\x00"...)
	b, _ = binary.Append(b, binary.LittleEndian, pe.FileHeader{NumberOfSections: 2})
	for _, name := range []string{".text", section} {
		h := pe.SectionHeader32{}
		copy(h.Name[:], name)
		b, _ = binary.Append(b, binary.LittleEndian, h)
	}
	return string(b)
}

// diskImage returns a master boot record with a partition.
func diskImage(code string) string {
	b := make([]byte, 520)
	copy(b, code)
	b[446+4] = 0x83
	b[510], b[511] = 0x55, 0xaa
	return string(b)
}

func extImage() string {
	b := make([]byte, 0x500)
	b[0x438], b[0x439], b[0x44c] = 0x53, 0xef, 1
	return string(b)
}

// TestNotExamined checks that each entry of an archive is a module, counted, or listed if it may hold modules.
func TestNotExamined(t *testing.T) {
	const module = "lib/modules/1/a.ko"
	nested := string(tarWith(t, regular("a.ko", "module")))
	old := slices.Clone([]byte(nested))
	copy(old[257:], make([]byte, 8))
	copy(old[148:], fmt.Sprintf("%06o\x00 ", sumOf(old[:512])))
	cpio := "070701" + strings.Repeat("0", 104)
	for _, c := range []struct {
		name   string
		entry  contents
		reason string
	}{
		{"text", regular("README", "text"), ""},
		{"empty", regular("empty", ""), ""},
		{"compressed text", regular("changelog.gz", string(gzipped(t, []byte("text")))), ""},
		{"firmware that looks like lzma", regular("fw", "\x5d\x00\x00 and more"), ""},
		{"kernel", regular("boot/vmlinuz", diskImage("MZ")), ""},
		{"tar", regular("more.tar", nested), "is a tar archive"},
		{"old tar", regular("more.tar", string(old)), "is a tar archive"},
		{"tar.gz", regular("more", string(gzipped(t, []byte(nested)))), "is gzip data that is a tar archive"},
		{"tar.gz.gz", regular("more", string(gzipped(t, gzipped(t, []byte(nested))))), "is gzip data that is gzip data that is a tar archive"},
		{"compressed often", regular("more", string(gzipped(t, gzipped(t, gzipped(t, gzipped(t, []byte(nested))))))),
			"is gzip data that is gzip data that is gzip data that is compressed more than 3 times"},
		{"initramfs", regular("boot/initrd.img", cpio), "is a cpio archive"},
		{"compressed initramfs", regular("boot/initrd.img", string(gzipped(t, []byte(cpio)))), "is gzip data that is a cpio archive"},
		{"cut gzip", regular("x.gz", string(gzipped(t, []byte(nested))[:40])), "is gzip data that cannot be read: unexpected EOF"},
		{"lzo", regular("x.lzo", "\x89LZO\x00\r\n\x1a\n"), "is lzo data that cannot be read: header of an lzop file: unexpected EOF"},
		{"package", regular("x.deb", string(arOf("debian-binary", "2.0\n"))), "is an ar archive"},
		{"squashfs", regular("root.img", at(0, "hsqs")), "is a squashfs image"},
		{"EROFS", regular("root.img", at(0x400, "\xe2\xe1\xf5\xe0")), "is an EROFS image"},
		{"ext4", regular("root.img", extImage()), "is an ext2, ext3 or ext4 image"},
		{"btrfs", regular("root.img", at(0x10040, "_BHRfS_M")), "is a Btrfs image"},
		{"ISO 9660", regular("root.img", at(0x8001, "CD001")), "is an ISO 9660 image"},
		{"disk", regular("disk.img", diskImage("")), "is a disk image with partitions"},
		{"U-Boot initramfs", regular("uInitrd", at(0, "\x27\x05\x19\x56"+string(make([]byte, 26))+"\x03")), "is a U-Boot initramfs image"},
		{"U-Boot kernel", regular("uImage", at(0, "\x27\x05\x19\x56"+string(make([]byte, 26))+"\x02")), ""},
		{"device tree", regular("a.dtb", at(0, "\xd0\x0d\xfe\xed")), ""},
		{"FIT image", regular("fit", at(0, "\xd0\x0d\xfe\xed\x00\x00\x00\x00\x00\x00\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01images\x00\x00")), "is a flattened image tree"},
		{"unified kernel image", regular("linux.efi", unified(".initrd")), "is an addon of a unified kernel image"},
		{"EFI stub", regular("vmlinuz.efi", unified(".data")), ""},
		{"module under a compression that is not loaded", regular("lib/modules/1/b.ko.bz2", "BZh91AY&SY"),
			"has the name of a module, but is bzip2 data, which the kernel does not load"},
		{"debug information of a module", regular("usr/lib/debug/b.ko.debug", "\x7fELF"), ""},
		{"device", entryOf(tar.TypeChar, "dev/null"), "is a device"},
		{"disk device", entryOf(tar.TypeBlock, "dev/sda"), "is a device"},
		{"pipe with the name of a module", entryOf(tar.TypeFifo, "lib/modules/1/b.ko"), "is a named pipe"},
		{"directory with the name of a module", entryOf(tar.TypeDir, "lib/modules/1/b.ko"), "has the name of a module, but is a directory"},
		{"dangling link", linkTo(tar.TypeSymlink, "lib/modules/1/updates", "../../../opt"), `is a link to "../../../opt", which is not in the archive`},
		{"absolute dangling link", linkTo(tar.TypeSymlink, "lib/modules/1/updates", "/opt/vendor"), `is a link to "/opt/vendor", which is not in the archive`},
		{"link out", linkTo(tar.TypeSymlink, "lib/modules/1/updates", "../../../../opt"), `is a link to "../../../../opt", which leads out of the archive`},
		{"link to itself", linkTo(tar.TypeSymlink, "lib/modules/1/x", "x"), `is a link to "x", which leads through more than 40 links`},
		{"dangling link to a module", linkTo(tar.TypeSymlink, "lib/modules/1/b.ko", "c.ko"), `is a link to "c.ko", which is not in the archive`},
		{"module that is a link to a directory", linkTo(tar.TypeSymlink, "lib/modules/1/b.ko", "."), "has the name of a module, but is a link to a directory"},
		{"another release", linkTo(tar.TypeSymlink, "lib/modules/2", "/opt/2"), `is a link to "/opt/2", which is not in the archive`},
		{"all of lib", linkTo(tar.TypeSymlink, "usr/lib", "/opt/lib"), `is a link to "/opt/lib", which is not in the archive`},
		{"link to the sources", linkTo(tar.TypeSymlink, "lib/modules/1/build", "/usr/src/linux"), ""},
		{"link elsewhere", linkTo(tar.TypeSymlink, "usr/share/doc", "/nowhere"), ""},
		{"hard link to nothing", linkTo(tar.TypeLink, "lib/modules/1/b.ko", "gone"), `is a hard link to "gone", which is not an earlier file of the archive`},
		{"hard link out", linkTo(tar.TypeLink, "lib/modules/1/b.ko", "../gone"), "is a hard link to a path that leads out of the archive"},
		{"other hard link to nothing", linkTo(tar.TypeLink, "etc/b", "gone"), `is a hard link to "gone", which is not an earlier file of the archive`},
	} {
		t.Run(c.name, func(t *testing.T) {
			archive := tarWith(t, regular(module, "module"), c.entry)
			files, rest, err := unpackAll(t, archive, 1<<20)
			want := []Unexamined{{strings.TrimSuffix(c.entry.Name, "/"), c.reason}}
			if c.reason == "" {
				want = nil
			}
			if err != nil || !slices.Equal(rest.NotExamined, want) || rest.Others != 1 {
				t.Errorf("got %+v, %v, want %v and 1 other", rest, err, want)
			}
			if fmt.Sprint(files) != "["+module+":6]" {
				t.Errorf("wrote %v", files)
			}
		})
	}
}

// sumOf returns the checksum of a tar header.
func sumOf(header []byte) int {
	sum := 0
	for i, b := range header {
		if i >= 148 && i < 156 {
			b = ' '
		}
		sum += int(b)
	}
	return sum
}

// TestUnknownTarType checks that an entry of a type that nobody knows is listed, and that a sparse file of the old GNU
// kind and a contiguous one are files.
func TestUnknownTarType(t *testing.T) {
	entry := func(kind byte) []byte { return append(rawHeader("a.ko", kind, 3), pad512("mod")...) }
	for kind, want := range map[byte]string{
		'7': `[a.ko:3] []`, 'Z': `[] [{a.ko has the unknown tar type 'Z'}]`, 'M': `[] [{a.ko has the unknown tar type 'M'}]`,
	} {
		files, rest, err := unpackAll(t, append(entry(kind), make([]byte, 1024)...), 1<<20)
		if got := fmt.Sprint(files, rest.NotExamined); err != nil || got != want {
			t.Errorf("%c: got %s, %v, want %s", kind, got, err, want)
		}
	}
	sparse := entry('S')
	copy(sparse[386:], "00000000000\x0000000000003\x00")
	copy(sparse[483:], "00000000010\x00")
	copy(sparse[257:], "ustar  \x00")
	copy(sparse[148:], fmt.Sprintf("%06o\x00 ", sumOf(sparse[:512])))
	files, rest, err := unpackAll(t, append(sparse, make([]byte, 1024)...), 1<<20)
	if fmt.Sprint(files) != "[a.ko:8]" || err != nil || rest.NotExamined != nil {
		t.Errorf("sparse: got %v, %+v, %v", files, rest, err)
	}
}

// TestLinksAreModules checks that hard and symbolic links with the name of a module are one, whatever the name of the
// file, and that links between directories are kept.
func TestLinksAreModules(t *testing.T) {
	const dir = "usr/lib/modules/1/"
	archive := tarWith(t,
		regular("zzz-blob", "blob"), linkTo(tar.TypeLink, dir+"x.ko", "zzz-blob"), linkTo(tar.TypeLink, dir+"y.ko", dir+"x.ko"),
		regular(dir+"a.ko", "module"), linkTo(tar.TypeLink, "aaa", dir+"a.ko"), linkTo(tar.TypeLink, dir+"b.ko", "aaa"),
		linkTo(tar.TypeSymlink, dir+"c.ko", "d.ko"), linkTo(tar.TypeSymlink, dir+"d.ko", "/aaa"), linkTo(tar.TypeSymlink, dir+"e.ko", "../../../../zzz-blob"),
		linkTo(tar.TypeSymlink, "lib", "usr/lib"), linkTo(tar.TypeSymlink, "vendor", "/lib/modules/1"), linkTo(tar.TypeSymlink, dir+"loop", "."),
		regular(dir+"kernel/f.ko", "f"), linkTo(tar.TypeSymlink, dir+"extra", "/vendor/kernel"),
	)
	want := "[usr/lib/modules/1/a.ko:6 usr/lib/modules/1/b.ko:6 usr/lib/modules/1/c.ko:6 usr/lib/modules/1/d.ko:6 " +
		"usr/lib/modules/1/e.ko:4 usr/lib/modules/1/extra->kernel usr/lib/modules/1/kernel/f.ko:1 usr/lib/modules/1/x.ko:4 usr/lib/modules/1/y.ko:4]"
	for name, archive := range map[string][]byte{
		"tar": archive, "tar.gz": gzipped(t, archive), "deb": arOf("debian-binary", "2.0\n", "data.tar.gz", string(gzipped(t, archive))),
	} {
		files, rest, err := unpackAll(t, archive, 1<<20)
		if fmt.Sprint(files) != want || err != nil || rest.NotExamined != nil {
			t.Errorf("%s: got %v, %+v, %v\nwant %s", name, files, rest, err, want)
		}
	}
}

// TestDebianMembers checks that members of a package that nobody knows are listed, wherever they are.
func TestDebianMembers(t *testing.T) {
	data := string(tarOf(t, file("a.ko", 5)))
	archive := arOf("debian-binary", "2.0\n", "extra", "x", "control.tar", "x", "data.tar", data, "_gpgorigin", "signature",
		"_more", data, "data.tar.gz", "x", "more.tar", data)
	files, rest, err := unpackAll(t, archive, 1<<20)
	want := "[{extra is not a known part of a Debian package (deb(5))} {_more is a tar archive} " +
		"{data.tar.gz is a second data.tar of the package} {more.tar is not a known part of a Debian package (deb(5))}]"
	if got := fmt.Sprint(rest.NotExamined); fmt.Sprint(files) != "[a.ko:5]" || err != nil || got != want || rest.Others != 7 {
		t.Errorf("got %v, %d others, %s, %v\nwant %s", files, rest.Others, got, err, want)
	}
	many := bytes.Repeat([]byte(member("x", "0")), 2000)
	if _, err := unpack(t, append([]byte(ar.Magic), many...), 1<<20); err == nil || !strings.Contains(err.Error(), "it has more than 1024 members") {
		t.Errorf("many members: error is %v", err)
	}
}

// TestAfterTheEnd checks that data that tar ignores is listed, padding not.
func TestAfterTheEnd(t *testing.T) {
	archive := tarOf(t, file("a.ko", 5))
	for name, c := range map[string]struct {
		archive []byte
		want    string
	}{
		"padding":           {append(bytes.Clone(archive), make([]byte, 9000)...), "[]"},
		"second tar":        {append(bytes.Clone(archive), tarOf(t, file("b.ko", 5))...), "[{(after the end of the tar) is data that tar ignores}]"},
		"two members":       {append(gzipped(t, archive), gzipped(t, tarOf(t, file("b.ko", 5)))...), "[{(after the end of the tar) is data that tar ignores}]"},
		"no gzip after one": {append(gzipped(t, archive), "more"...), "[{(after the compressed data) is 4 bytes that are not gzip data}]"},
	} {
		_, rest, err := unpackAll(t, c.archive, 1<<20)
		if got := fmt.Sprint(rest.NotExamined); err != nil || got != c.want {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, c.want)
		}
	}
}

// TestManyUnexamined checks that what is reported is bounded.
func TestManyUnexamined(t *testing.T) {
	var entries []contents
	for i := range maxNotExamined + 1 {
		entries = append(entries, entryOf(tar.TypeFifo, fmt.Sprint("pipe", i)))
	}
	_, err := unpack(t, tarWith(t, entries...), 1<<30)
	if want := "contains more than 10000 entries that may contain modules and are not examined"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %q", err, want)
	}
}
