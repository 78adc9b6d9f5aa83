// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"rules_modhash/tools/internal/imagetest"
)

// testdata holds kernel.elf, compressed by the kernel's own command lines; see
// testdata/generate.sh.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// image returns a boot image with the given payload, 100 bytes into the
// protected-mode code.
func image(setupSects byte, payload []byte) []byte {
	const before = 100
	sectors := int(setupSects)
	if sectors == 0 {
		sectors = 4
	}
	b := make([]byte, (sectors+1)*512+before)
	b[0x1f1] = setupSects
	copy(b[0x202:], "HdrS")
	binary.LittleEndian.PutUint16(b[0x206:], 0x20f)
	binary.LittleEndian.PutUint32(b[0x248:], before)
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(payload)))
	return append(append(b, payload...), "what comes behind"...)
}

func TestKernel(t *testing.T) {
	want := testdata(t, "kernel.elf")
	for _, name := range []string{"gzip", "xz", "zstd", "lz4", "bzip2", "lzma"} {
		for _, setupSects := range []byte{0, 1, 63} {
			t.Run(name, func(t *testing.T) {
				got, err := Kernel(bytes.NewReader(image(setupSects, testdata(t, "kernel."+name))))
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Error("got another kernel than the compressed one")
				}
			})
		}
	}
}

func TestKernelErrors(t *testing.T) {
	good := image(1, testdata(t, "kernel.xz"))
	changed := func(change func(b []byte)) []byte {
		b := bytes.Clone(good)
		change(b)
		return b
	}
	for _, c := range []struct {
		name  string
		image []byte
		want  string
	}{
		{"empty", nil, "reading the boot header: EOF"},
		{"cut header", good[:0x24f], "reading the boot header: EOF"},
		{"no magic", changed(func(b []byte) { b[0x202] = 0 }), `is not an x86 boot image: want "HdrS" at offset 0x202`},
		{"old protocol", changed(func(b []byte) { b[0x206], b[0x207] = 7, 2 }), "is a boot image of protocol 2.07, want 2.08 or newer"},
		{"no payload", changed(func(b []byte) { clear(b[0x24c:0x250]) }), "with a kernel of 0 bytes"},
		{"large payload", changed(func(b []byte) { b[0x24f] = 0xff }), "want between 5 and 1073741824"},
		{"cut payload", good[:1200], "reading the compressed kernel ("},
		{"unknown compression", image(1, []byte("plain kernel")), "is compressed in an unknown way: it starts with 706c61696e20"},
		{"lzo", image(1, []byte("\x89LZO\x00\r\n\x1a\n")), "(lzo): unexpected EOF"},
		{"wrong size", image(1, append(bytes.Clone(testdata(t, "kernel.zstd")[:100]), 1, 0, 0, 0)), "decompressing the kernel (zstd): "},
		{"absurd size", image(1, append([]byte("BZh"), 0xff, 0xff, 0xff, 0xff)), "states a decompressed size of 4294967295 bytes"},
		{"larger than it says", image(1, withSize(testdata(t, "kernel.lz4"), 10)), "(lz4): got more than 10 bytes, want 10"},
		{"smaller than it says", image(1, withSize(testdata(t, "kernel.bzip2"), 1<<20)), " bytes, want 1048576"},
		{"large dictionary", image(1, append([]byte("\x5d\x00\x00\x00\xff"), make([]byte, 20)...)), "(lzma): dictionary of 4278190080 bytes, want at most 134217728"},
		{"cut gzip", image(1, withSize(testdata(t, "kernel.gzip")[:50], 544)), "decompressing the kernel (gzip): unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Kernel(bytes.NewReader(c.image)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// withSize returns a compressed kernel that states another size.
func withSize(payload []byte, size uint32) []byte {
	b := bytes.Clone(payload)
	binary.LittleEndian.PutUint32(b[len(b)-4:], size)
	return b
}

func FuzzKernel(f *testing.F) {
	for _, name := range []string{"gzip", "xz", "zstd", "lz4", "bzip2", "lzma"} {
		f.Add(image(1, testdata(f, "kernel."+name)))
	}
	memory := imagetest.Memory(binary.LittleEndian, testRoot, "7.2.12")
	f.Add(imagetest.ZImage(binary.LittleEndian, imagetest.Gzipped(f, memory), true))
	f.Add(imagetest.BzImage(imagetest.Gzipped(f, imagetest.VmlinuxOf(f, "x86_64", testRoot, "7.2.12", true)), "7.2.12"))
	f.Fuzz(func(t *testing.T, data []byte) {
		kernel, err := Kernel(bytes.NewReader(data))
		if err == nil && !Is(data) {
			t.Errorf("%d bytes of a kernel in a file that is not a boot image", len(kernel))
		}
		if kernel, err := Payload(bytes.NewReader(data)); err == nil && !isPayload(kernel) {
			t.Errorf("%d bytes that are no kernel", len(kernel))
		}
		if release := Release(bytes.NewReader(data)); validRelease([]byte(release)) != release {
			t.Errorf("release is %q", release)
		}
	})
}
