// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"encoding/binary"
	"io"
	"reflect"
	"strings"
	"testing"

	"rules_modhash/tools/internal/imagetest"
)

// sections of an image with two profiles, whose names come several times.
var profiles = []imagetest.Section{
	{Name: ".text", Data: []byte("code")},
	{Name: ".uname", Data: []byte("1\n")},
	{Name: ".linux", Data: []byte("first")},
	{Name: ".initrd", Data: []byte("one")},
	{Name: ".initrd", Data: []byte("two")},
	{Name: ".profile", Data: []byte("ID=a")},
	{Name: ".linux", Data: []byte("second")},
	{Name: ".profile", Data: []byte("ID=b")},
	{Name: ".linux", Data: []byte("third")},
	{Name: ".uname", Data: []byte("3")},
	{Name: ".pcrpkey", Data: []byte("8 letters")},
	{Name: ".bss"},
}

// TestSections has all sections in order, those of the same name too, without their padding.
func TestSections(t *testing.T) {
	image := bytes.NewReader(imagetest.PE(t, profiles...))
	sections, err := Sections(image)
	if err != nil {
		t.Fatal(err)
	}
	var got []imagetest.Section
	for _, s := range sections {
		data, err := io.ReadAll(s.Open(image))
		if err != nil {
			t.Fatal(err)
		}
		if len(data) == 0 {
			data = nil
		}
		got = append(got, imagetest.Section{Name: s.Name, Data: data})
	}
	if !reflect.DeepEqual(got, profiles) {
		t.Errorf("got %q, want %q", got, profiles)
	}
}

// TestReleaseOfKernel has the release of a profile, and, where it has none, the one ahead of all.
func TestReleaseOfKernel(t *testing.T) {
	image := bytes.NewReader(imagetest.PE(t, profiles...))
	sections, err := Sections(image)
	if err != nil {
		t.Fatal(err)
	}
	for kernel, want := range map[int]string{2: "1", 6: "1", 8: "3"} {
		if got := ReleaseOfKernel(image, sections, kernel); got != want {
			t.Errorf("kernel %d: got %q, want %q", kernel, got, want)
		}
	}
	if got := ReleaseOfKernel(image, sections[2:5], 0); got != "" {
		t.Errorf("without .uname: got %q", got)
	}
}

// TestInvalidRelease has what a file name or a terminal would take for something else.
func TestInvalidRelease(t *testing.T) {
	for _, text := range []string{"../../etc", "7\x1b[1m", "7.1 and more", strings.Repeat("7", 65), strings.Repeat("7", 1000)} {
		uki := imagetest.PE(t, imagetest.Section{Name: ".uname", Data: []byte(text)})
		if got := SectionRelease(bytes.NewReader(uki)); got != "" {
			t.Errorf("%q: got %q", text, got)
		}
		if got := Release(bytes.NewReader(imagetest.BzImage(nil, text))); got != "" && text != "7.1 and more" {
			t.Errorf("%q: got %q", text, got)
		}
	}
	long := strings.Repeat("7", 64)
	uki := imagetest.PE(t, imagetest.Section{Name: ".uname", Data: []byte(long + "\x00\n")})
	if got := SectionRelease(bytes.NewReader(uki)); got != long {
		t.Errorf("got %q, want %q", got, long)
	}
}

// Places in the headers of imagetest.PE.
const (
	placeCount   = 0x46
	placeSize    = 0x58 + 8
	placeRawSize = 0x58 + 16
	placeOffset  = 0x58 + 20
)

func TestSectionSizes(t *testing.T) {
	word := binary.LittleEndian.PutUint32
	for _, c := range []struct {
		name   string
		change func(b []byte)
		want   int64
		err    string
	}{
		{"as it is", func([]byte) {}, 6, ""},
		{"larger in memory", func(b []byte) { word(b[placeSize:], 0x1000) }, 9, ""},
		{"smaller in memory", func(b []byte) { word(b[placeSize:], 2) }, 2, ""},
		{"no size in memory", func(b []byte) { word(b[placeSize:], 0) }, 9, ""},
		{"no contents", func(b []byte) { word(b[placeOffset:], 0) }, 0, ""},
		{"nothing", func(b []byte) { word(b[placeRawSize:], 0) }, 0, ""},
		{"outside", func(b []byte) { word(b[placeOffset:], 0xfffffff0) }, 0, "whose section 0 (.linux) ends at byte 4294967286, which the file does not have: unexpected EOF"},
		{"too large", func(b []byte) { word(b[placeSize:], 0xffffffff); word(b[placeRawSize:], 0xffffffff) }, 0, "which the file does not have"},
		{"too many", func(b []byte) { binary.LittleEndian.PutUint16(b[placeCount:], 0xffff) }, 0, "reading an EFI program: unexpected EOF"},
		{"header outside", func(b []byte) { word(b[0x3c:], 0xffffffff) }, 0, "reading an EFI program: EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := imagetest.PE(t, imagetest.Section{Name: ".linux", Data: []byte("kernel")})
			c.change(b)
			sections, err := Sections(bytes.NewReader(b))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error is %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil || sections[0].Size != c.want {
				t.Errorf("got %+v, %v, want %d bytes", sections, err, c.want)
			}
		})
	}
}

// TestHarmlessSection lists what an audit must look into or report: firmware and what has a name that nobody knows too.
func TestHarmlessSection(t *testing.T) {
	for name, want := range map[string]bool{
		".osrel": true, ".cmdline": true, ".text": true, ".sdmagic": true, ".dtb": true, ".reloc": true,
		".linux": false, ".initrd": false, ".ucode": false, ".efifw": false, ".kernelp": false, ".initrdp": false,
		".kernel": false, ".ramdisk": false, ".vendor": false, "": false, ".LINUX": false,
	} {
		if got := HarmlessSection(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

func FuzzSections(f *testing.F) {
	f.Add(imagetest.PE(f, profiles...))
	f.Add(programs(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		image := bytes.NewReader(data)
		sections, err := Sections(image)
		if err != nil {
			return
		}
		for i, s := range sections {
			if n, err := io.Copy(io.Discard, s.Open(image)); err != nil || n != s.Size {
				t.Errorf("section %d has %d bytes, got %d, %v", i, s.Size, n, err)
			}
			if len(ReleaseOfKernel(image, sections, i)) > maxRelease {
				t.Errorf("section %d: long release", i)
			}
		}
	})
}
