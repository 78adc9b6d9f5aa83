// SPDX-License-Identifier: Apache-2.0

package rootfile

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tools/merkle/internal/imagetest"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/rootobj"
)

// readWithMap reads a file with a System.map beside it.
func readWithMap(t *testing.T, data []byte, systemMap string) (Found, error) {
	t.Helper()
	dir := t.TempDir()
	file, symbols := filepath.Join(dir, "file"), filepath.Join(dir, "System.map")
	for name, data := range map[string][]byte{file: data, symbols: []byte(systemMap)} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Read(file, symbols)
}

func TestReadImages(t *testing.T) {
	linked := bootImage(t, vmlinux(t))
	image := imagetest.ARM64Image(binary.LittleEndian, testRoot)
	for _, c := range []struct {
		name            string
		data            []byte
		format, machine string
	}{
		{"Image", image, FormatImage, "arm64"},
		{"Image.gz", imagetest.Gzipped(t, image), FormatImage, "arm64"},
		{"vmlinuz.efi", imagetest.Zboot(imagetest.Gzipped(t, image)), FormatImage, "arm64"},
		{"vmlinux.gz", imagetest.Gzipped(t, vmlinux(t)), "vmlinux", "x86_64"},
		{"UKI", imagetest.UKI(t, map[string][]byte{".linux": linked, ".uname": []byte("7.2.12")}, ".uname", ".linux"), FormatUKI, "x86_64"},
		{"UKI for arm64", imagetest.UKI(t, map[string][]byte{".linux": image}, ".linux"), FormatUKI, "arm64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readWithMap(t, c.data, imagetest.SystemMap)
			if err != nil {
				t.Fatal(err)
			}
			m, err := rootobj.MachineFor(got.Target)
			if err != nil || got.Root != testRoot || got.Format != c.format || m.Name != c.machine || !got.IsKernel() {
				t.Errorf("got %+v of %v (%v)", got, m.Name, err)
			}
		})
	}
}

func TestBigEndianImage(t *testing.T) {
	if got, err := readWithMap(t, imagetest.ARM64Image(binary.BigEndian, testRoot), imagetest.SystemMap); err != nil || got.Root != testRoot {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestReadImageErrors(t *testing.T) {
	image := imagetest.ARM64Image(binary.LittleEndian, testRoot)
	other := strings.Replace(imagetest.SystemMap, "0100 R", "01f8 R", 1)
	below := strings.Replace(imagetest.SystemMap, "80000100 R", "70000000 R", 1)
	unknown := imagetest.UKI(t, map[string][]byte{".linux": []byte("text")}, ".linux")
	nested := imagetest.UKI(t, map[string][]byte{".linux": unknown}, ".linux")
	for _, c := range []struct {
		name      string
		data      []byte
		systemMap string
		want      string
	}{
		{"no symbol", image, "ffff800080000000 T _text\n", "System.map has no symbol module_hashes_root: was the kernel built with CONFIG_MODULE_HASHES?"},
		{"no number", image, "x R module_hashes_root\n", `System.map is not a System.map: got "x R module_hashes_root", want the address of`},
		{"long line", image, strings.Repeat("x", 1<<17), "System.map is not a System.map: bufio.Scanner: token too long"},
		{"outside", image, other, "System.map has module_hashes_root, 36 bytes, at 504: EOF. Is it of the same build?"},
		{"in front", image, below, "not in one image"},
		{"no root", imagetest.ARM64Image(binary.LittleEndian, merkle.Root{Levels: 99}), imagetest.SystemMap, "root has 99 levels, a tree has at most 32. Is it of the same build?"},
		{"cut", imagetest.Zboot(imagetest.Gzipped(t, image)[:20]), imagetest.SystemMap, "decompressing the kernel (gzip): "},
		{"not compressed", imagetest.Zboot([]byte("text")), imagetest.SystemMap, "the kernel is compressed in an unknown way: it starts with 74657874"},
		{"text, compressed", imagetest.Gzipped(t, []byte("text")), imagetest.SystemMap, "what is compressed in it starts with 74657874 and is neither"},
		{"not PE", []byte("MZ and so on"), imagetest.SystemMap, "reading an EFI program: "},
		{"no PE header", append([]byte("MZ"), make([]byte, 0x200)...), imagetest.SystemMap, "but has 4d5a0000 where PE should be"},
		{"no kernel", imagetest.UKI(t, nil), imagetest.SystemMap, "is an EFI program without a section .linux"},
		{"text in UKI", unknown, imagetest.SystemMap, "the kernel in the unified kernel image carries no root: it starts with 74657874"},
		{"UKI in UKI", nested, imagetest.SystemMap, "the kernel in the unified kernel image carries no root: it starts with 4d5a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readWithMap(t, c.data, c.systemMap)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := read(t, image); err == nil || !strings.Contains(err.Error(), "give the System.map of the same build") {
		t.Errorf("without a System.map: got %v", err)
	}
}

// FuzzReadKernelFrom reads anything as a kernel: without a crash, and with bounded memory.
func FuzzReadKernelFrom(f *testing.F) {
	image := imagetest.ARM64Image(binary.LittleEndian, testRoot)
	for _, data := range [][]byte{
		image, imagetest.Gzipped(f, image), imagetest.Zboot(imagetest.Gzipped(f, image)), vmlinux(f), bootImage(f, vmlinux(f)),
		imagetest.UKI(f, map[string][]byte{".linux": image, ".initrd": nil}, ".linux", ".initrd"),
	} {
		f.Add(data, imagetest.SystemMap)
	}
	f.Fuzz(func(t *testing.T, data []byte, systemMap string) {
		found, err := ReadKernelFrom(bytes.NewReader(data), Options{SymbolFiles: symbolFile(systemMap)})
		if err == nil && found.Root.Check() != nil {
			t.Errorf("got the root %v, which no tree has", found.Root)
		}
	})
}

// symbolFile hands over one System.map for each release.
func symbolFile(systemMap string) func(string) []Candidate {
	return func(string) []Candidate { return []Candidate{textCandidate("System.map", systemMap)} }
}

// textCandidate is a candidate of a text.
func textCandidate(name, text string) Candidate {
	return Candidate{name, func() (SymbolFile, error) { return memoryFile{strings.NewReader(text)}, nil }}
}

type memoryFile struct{ *strings.Reader }

func (memoryFile) Close() error { return nil }
