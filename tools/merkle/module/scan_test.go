// SPDX-License-Identifier: Apache-2.0

package module_test

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/trailer"
)

func raw(position uint32) module.Options {
	return module.Options{Position: position, Cut: trailer.Strip.Cut, Raw: true}
}

// pattern returns n bytes that do not repeat at a power of two.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

// TestScanSizes reads modules of sizes around those of the buffer and of the window that
// is held back, with and without a trailer, and compares with hashing in one piece.
func TestScanSizes(t *testing.T) {
	const buffer, window = 512 << 10, 64<<10 + 80
	var s module.Scanner
	sizes := []int{1, 5, 63, 64, 65, buffer - 1, buffer, buffer + 1, 2*buffer - window, 2*buffer - window + 1, 3*buffer + 17}
	for _, base := range []int{window, buffer - window} {
		sizes = append(sizes, base-1, base, base+1)
	}
	signature := appended(pattern(64<<10), trailer.IDTypePKCS7)
	for _, size := range sizes {
		body := pattern(size)
		for _, file := range [][]byte{body, join(body, signature), join(body, appended([]byte("short"), trailer.IDTypePKCS7))} {
			checkScan(t, &s, file, body)
		}
	}
}

func checkScan(t *testing.T, s *module.Scanner, file, body []byte) {
	t.Helper()
	for _, leafOnly := range []bool{false, true} {
		var copied bytes.Buffer
		o := raw(9)
		o.Copy, o.LeafOnly = &copied, leafOnly
		d, err := s.Scan(bytes.NewReader(file), "m.ko", o)
		if err != nil {
			t.Fatalf("%d of %d bytes: %v", len(body), len(file), err)
		}
		want := module.Digest{Leaf: merkle.LeafHash(9, body), Size: int64(len(body))}
		if !leafOnly {
			want.SHA256 = sha256.Sum256(body)
		}
		if d != want {
			t.Errorf("%d of %d bytes: got %+v, want %+v", len(body), len(file), d, want)
		}
		if !bytes.Equal(copied.Bytes(), body) {
			t.Errorf("%d of %d bytes: the copy has %d bytes or others", len(body), len(file), copied.Len())
		}
	}
}

func TestScanSmallReads(t *testing.T) {
	var s module.Scanner
	body := pattern(1000)
	for name, r := range map[string]io.Reader{
		"one byte":     iotest.OneByteReader(bytes.NewReader(body)),
		"data and EOF": iotest.DataErrReader(bytes.NewReader(body)),
	} {
		d, err := s.Scan(r, "m.ko", raw(0))
		if err != nil || d.Leaf != merkle.LeafHash(0, body) {
			t.Errorf("%s: got %s, %v", name, d.Leaf, err)
		}
	}
}

func TestScanReadError(t *testing.T) {
	broken := errors.New("disk on fire")
	r := io.MultiReader(bytes.NewReader(pattern(100)), iotest.ErrReader(broken))
	if _, err := new(module.Scanner).Scan(r, "m.ko", raw(0)); !errors.Is(err, broken) {
		t.Errorf("error is %v, want %v", err, broken)
	}
}

func TestScanCopyError(t *testing.T) {
	o := raw(0)
	o.Copy = failingWriter{}
	_, err := new(module.Scanner).Scan(bytes.NewReader(pattern(100)), "m.ko", o)
	wantError(t, err, "disk full")
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestScanTarget(t *testing.T) {
	var s module.Scanner
	for machine, want := range map[string]arch.Target{
		"x86_64":  {Class: elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Machine: elf.EM_X86_64},
		"arm64":   {Class: elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Machine: elf.EM_AARCH64},
		"riscv64": {Class: elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Machine: elf.EM_RISCV},
		"ppc64le": {Class: elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Machine: elf.EM_PPC64},
		"s390x":   {Class: elf.ELFCLASS64, Data: elf.ELFDATA2MSB, Machine: elf.EM_S390},
		"arm":     {Class: elf.ELFCLASS32, Data: elf.ELFDATA2LSB, Machine: elf.EM_ARM},
	} {
		d, err := s.Scan(bytes.NewReader(object(t, machine, 0)), "m.ko", module.Options{Cut: trailer.Strip.Cut})
		if err != nil || d.Target != want {
			t.Errorf("%s: got %s, %v, want %s", machine, d.Target, err, want)
		}
	}
}

// edit returns a copy of b with some bytes changed.
func edit(b []byte, offset int, with ...byte) []byte {
	b = bytes.Clone(b)
	copy(b[offset:], with)
	return b
}

func TestScanRefuses(t *testing.T) {
	good := object(t, "x86_64", 0)
	arm := object(t, "arm", 0)
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "is empty"},
		{"text", []byte("hello, world, this is no module"), "is not an ELF file: it starts with 68656c6c6f2c"},
		{"one byte", []byte{0x7f}, "is not an ELF file: it starts with 7f"},
		{"xz under a wrong name", edit(good, 0, 0xfd, '7', 'z', 'X', 'Z', 0), "(xz data: such a file needs a name that ends in .ko.xz)"},
		{"zstd under a wrong name", edit(good, 0, 0x28, 0xb5, 0x2f, 0xfd), "(zstd data: such a file needs a name that ends in .ko.zst)"},
		{"gzip under a wrong name", edit(good, 0, 0x1f, 0x8b), "(gzip data: such a file needs a name that ends in .ko.gz)"},
		{"identification only", good[:16], "is shorter than an ELF header: 16 bytes"},
		{"half a header", good[:63], "is shorter than an ELF header: 63 bytes"},
		{"half a 32-bit header", arm[:51], "is shorter than an ELF header: 51 bytes"},
		{"class", edit(good, 4, 3), "has ELF class 3, want 1 (32-bit) or 2 (64-bit)"},
		{"byte order", edit(good, 5, 0), "has ELF byte order 0, want 1 (little endian) or 2 (big endian)"},
		{"executable", edit(good, 16, 2), "is an ELF file of type ET_EXEC, want ET_REL: modules are relocatable objects"},
		{"shared", edit(good, 16, 3), "is an ELF file of type ET_DYN, want ET_REL"},
		{"no sections", edit(good, 60, 0, 0), "is an ELF file without sections"},
		{"no section headers", edit(good, 40, 0, 0, 0, 0, 0, 0, 0, 0), "is an ELF file without sections"},
		{"section headers beyond any end", edit(good, 40, 255, 255, 255, 255, 255, 255, 255, 255), "outside any file"},
		{"truncated", good[:len(good)-1], fmt.Sprintf("is truncated: its ELF section headers end at byte %d, the module at %d", len(good), len(good)-1)},
		{"truncated, signed again", join(good[:len(good)-1], appended(pattern(300), trailer.IDTypePKCS7)), "is truncated"},
		{"marker alone", []byte(trailer.Marker), "malformed trailer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := new(module.Scanner).Scan(bytes.NewReader(c.file), "m.ko", module.Options{Cut: trailer.Strip.Cut})
			wantError(t, err, c.want)
		})
	}
}

func TestScanFileErrors(t *testing.T) {
	_, err := new(module.Scanner).ScanFile("no/such.ko", raw(0))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want not exist", err)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name, trimmed string
		isModule      bool
	}{
		{"a.ko", "a.ko", true}, {"a.ko.xz", "a.ko", true}, {"a.ko.zst", "a.ko", true}, {"a.ko.gz", "a.ko", true},
		{"d/a.ko.xz", "d/a.ko", true}, {"a.xz", "a.xz", false}, {"a.o", "a.o", false}, {"a.ko.bz2", "a.ko.bz2", false},
		{"a.ko.xz.gz", "a.ko.xz.gz", false}, {"ko", "ko", false}, {".ko", ".ko", true},
	} {
		if got := module.TrimCompression(c.name); got != c.trimmed {
			t.Errorf("TrimCompression(%q) is %q, want %q", c.name, got, c.trimmed)
		}
		if got := module.HasModuleName(c.name); got != c.isModule {
			t.Errorf("HasModuleName(%q) is %v", c.name, got)
		}
	}
}

func TestExamine(t *testing.T) {
	body := object(t, "x86_64", 3000)
	proof := merkle.Proof{Position: 6, Siblings: []merkle.Hash{{1}, {2}, {3}}}
	sealed := trailer.Append(bytes.Clone(body), proof)
	signed := join(body, appended([]byte("signature"), trailer.IDTypePKCS7))
	for _, c := range []struct {
		name     string
		file     []byte
		guess    uint32
		sealed   bool
		signed   bool
		position uint32
	}{
		{"sealed.ko", sealed, 6, true, true, 6},
		{"guessed.ko", sealed, 1, true, true, 6},
		{"sealed.ko.gz", gzipped(t, sealed), 6, true, true, 6},
		{"guessed.ko.gz", gzipped(t, sealed), 1, true, true, 6},
		{"signed.ko", signed, 4, false, true, 4},
		{"plain.ko", body, 4, false, false, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), c.name)
			if err := os.WriteFile(file, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := new(module.Scanner).Examine(file, module.Options{Position: c.guess})
			if err != nil {
				t.Fatal(err)
			}
			if f.Sealed() != c.sealed || f.Signed != c.signed || f.Size != int64(len(body)) {
				t.Errorf("got %+v, want sealed %v, signed %v, size %d", f, c.sealed, c.signed, len(body))
			}
			if want := merkle.LeafHash(c.position, body); f.Leaf != want || f.SHA256 != sha256.Sum256(body) {
				t.Errorf("leaf is %s, want %s", f.Leaf, want)
			}
			if c.sealed && fmt.Sprint(f.Proof) != fmt.Sprint(proof) {
				t.Errorf("proof is %v, want %v", f.Proof, proof)
			}
		})
	}
}
