// SPDX-License-Identifier: Apache-2.0

package root

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tools/internal/imagetest"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/root/object"
)

// readWithMap reads a file with a System.map next to it.
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

// wrapper returns an ELF program for ppc64le with a compressed kernel in a section.
func wrapper(t testing.TB, kernel []byte) []byte {
	t.Helper()
	e := imagetest.ELF{Machine: "ppc64le", Type: elf.ET_EXEC, Sections: []imagetest.ELFSection{
		{Name: ".text", Data: []byte("code")}, {Name: ".kernel:vmlinux.strip", Data: imagetest.Gzipped(t, kernel)},
	}}
	return e.Bytes(t)
}

const testRelease = "7.2.12-test"

type imageCase struct {
	name                     string
	data                     []byte
	systemMap                string
	format, machine, release string
}

// imageCases are images whose root can be read, some with a System.map.
func imageCases(t testing.TB) []imageCase {
	little, big := binary.LittleEndian, binary.BigEndian
	gz := func(b []byte) []byte { return imagetest.Gzipped(t, b) }
	linked, bare := bootImage(t, vmlinux(t)), imagetest.ARM64Image(little, testRoot)
	image := imagetest.ARM64ImageOf(little, testRoot, testRelease)
	memory, bigMemory := imagetest.Memory(little, testRoot, testRelease), imagetest.Memory(big, testRoot, testRelease)
	withSymbols := imagetest.VmlinuxOf(t, "x86_64", testRoot, testRelease, false)
	stripped := imagetest.VmlinuxOf(t, "ppc64le", testRoot, testRelease, true)
	uki := func(linux []byte) []byte { return imagetest.PE(t, imagetest.Section{Name: ".linux", Data: linux}) }
	named := imagetest.UKI(t, map[string][]byte{".linux": linked, ".uname": []byte("7.2.12\n")}, ".uname", ".linux")
	plain, full := imagetest.SystemMap, imagetest.SystemMapWithBanner
	return []imageCase{
		{"Image", bare, plain, FormatImage, "arm64", ""},
		{"Image of a release", image, full, FormatImage, "arm64", testRelease},
		{"Image, big-endian", imagetest.ARM64ImageOf(big, testRoot, testRelease), full, FormatImage, "", testRelease},
		{"Image.gz", gz(image), plain, FormatImage, "arm64", testRelease},
		{"vmlinuz.efi", imagetest.Zboot(gz(image)), full, FormatImage, "arm64", testRelease},
		{"vmlinux.gz", gz(vmlinux(t)), "", "vmlinux", "x86_64", ""},
		{"vmlinux of a release", withSymbols, "", "vmlinux", "x86_64", testRelease},
		{"stripped vmlinux", stripped, full, "vmlinux", "ppc64le", testRelease},
		{"stripped vmlinux for s390x", imagetest.VmlinuxOf(t, "s390x", testRoot, testRelease, true), full, "vmlinux", "s390x", testRelease},
		{"zImage of ppc64le", wrapper(t, stripped), full, "boot wrapper", "ppc64le", testRelease},
		{"bzImage that names its release", imagetest.BzImage(gz(vmlinux(t)), "7.1"), "", FormatBootImage, "x86_64", "7.1"},
		{"bzImage of a vmlinux that does", imagetest.BzImage(gz(withSymbols), ""), "", FormatBootImage, "x86_64", testRelease},
		{"riscv64 Image", imagetest.RISCVImage(testRoot, testRelease), imagetest.RISCVSystemMap, FormatImage, "riscv64", testRelease},
		{"riscv64 Image whose first symbol is _text", imagetest.RISCVImage(testRoot, ""), plain, FormatImage, "riscv64", ""},
		{"riscv64 Image.gz", gz(imagetest.RISCVImage(testRoot, testRelease)), imagetest.RISCVSystemMap, FormatImage, "riscv64", testRelease},
		{"loongarch64 Image", imagetest.LoongArchImage(testRoot, testRelease), full, FormatImage, "", testRelease},
		{"zImage", imagetest.ZImage(little, gz(memory), false), full, "zImage", "arm", testRelease},
		{"zImage with a stub for EFI", imagetest.ZImage(little, gz(memory), true), plain, "zImage", "arm", testRelease},
		{"zImage, big-endian", imagetest.ZImage(big, gz(bigMemory), false), full, "zImage", "", testRelease},
		{"s390x image", imagetest.S390Image(gz(bigMemory), ""), full, "s390x boot image", "s390x", testRelease},
		{"s390x image whose header names another release", imagetest.S390Image(gz(bigMemory), "7.1"), full, "s390x boot image", "s390x", testRelease},
		{"s390x image that is not compressed", imagetest.S390PlainImage(bigMemory), full, "s390x boot image", "s390x", testRelease},
		{"uImage", imagetest.UBoot(2, gz(image)), full, "U-Boot kernel image", "arm64", testRelease},
		{"UKI with a release", named, "", FormatUKI, "x86_64", "7.2.12"},
		{"UKI without .uname", uki(imagetest.BzImage(gz(vmlinux(t)), "7.1")), "", FormatUKI, "x86_64", "7.1"},
		{"UKI for arm64", uki(image), full, FormatUKI, "arm64", testRelease},
		{"UKI for riscv64", uki(imagetest.RISCVImage(testRoot, testRelease)), imagetest.RISCVSystemMap, FormatUKI, "riscv64", testRelease},
	}
}

func TestReadImages(t *testing.T) {
	for _, c := range imageCases(t) {
		t.Run(c.name, func(t *testing.T) {
			got, err := readWithMap(t, c.data, cmp.Or(c.systemMap, "not needed"))
			if err != nil {
				t.Fatal(err)
			}
			m, _ := object.ArchitectureOf(got.Target)
			if got.Root != testRoot || got.Format != c.format || m.Name != c.machine || !got.IsKernel() {
				t.Errorf("got %+v of %q, want a %s of %q", got, m.Name, c.format, c.machine)
			}
			if got.Release != c.release {
				t.Errorf("got the release %q, want %q", got.Release, c.release)
			}
			if (got.SymbolFile != "") != (c.systemMap != "") {
				t.Errorf("the root was found with %q", got.SymbolFile)
			}
		})
	}
}

// TestWithoutSystemMap has format, architecture and release of each kernel whose root cannot be found.
func TestWithoutSystemMap(t *testing.T) {
	for _, c := range imageCases(t) {
		if c.systemMap == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadKernelFrom(bytes.NewReader(c.data), Options{})
			if err == nil || !strings.Contains(err.Error(), "give the System.map of the same build") && !strings.Contains(c.name, "ppc64le") && !strings.Contains(c.name, "stripped") {
				t.Errorf("error is %v", err)
			}
			m, _ := object.ArchitectureOf(got.Target)
			if got.Format != c.format || got.Release != c.release || m.Name != c.machine || !got.IsKernel() {
				t.Errorf("got %+v of %q", got, m.Name)
			}
		})
	}
}

// TestReleaseForCandidates has the release of a kernel before its symbols are looked for.
func TestReleaseForCandidates(t *testing.T) {
	for _, c := range imageCases(t) {
		if c.systemMap == "" {
			continue
		}
		asked := "never"
		_, err := ReadKernelFrom(bytes.NewReader(c.data), Options{SymbolFiles: func(release string) []Candidate {
			asked = release
			return []Candidate{textCandidate("System.map", c.systemMap)}
		}})
		if err != nil || asked != c.release {
			t.Errorf("%s: asked for the symbols of %q, want %q (%v)", c.name, asked, c.release, err)
		}
	}
}

// TestCompressions has an Image, compressed by each of the kernel's command lines, alone and inside of boot images.
func TestCompressions(t *testing.T) {
	plain, err := os.ReadFile("testdata/image.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(plain, imagetest.ARM64ImageOf(binary.LittleEndian, testRoot, testRelease)) {
		t.Fatal("testdata/image.bin is not the Image of this test: write it again, then run testdata/generate.sh")
	}
	for _, compression := range []string{"gzip", "xz", "zstd", "lz4", "bzip2", "lzma"} {
		data, err := os.ReadFile("testdata/image." + compression)
		if err != nil {
			t.Fatal(err)
		}
		withSize := data
		if compression != "gzip" { // which has it itself
			withSize = binary.LittleEndian.AppendUint32(bytes.Clone(data), uint32(len(plain)))
		}
		for name, image := range map[string][]byte{
			"alone": data, "zboot": imagetest.Zboot(data), "zImage": imagetest.ZImage(binary.LittleEndian, withSize, true),
			"UKI": imagetest.PE(t, imagetest.Section{Name: ".linux", Data: data}),
		} {
			t.Run(name+" "+compression, func(t *testing.T) {
				got, err := readWithMap(t, image, imagetest.SystemMapWithBanner)
				if err != nil || got.Root != testRoot || got.Release != testRelease {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		}
	}
}

// elfWithoutRoot returns a kernel that was not linked with a root.
func elfWithoutRoot(t testing.TB) []byte {
	t.Helper()
	return bytes.ReplaceAll(imagetest.VmlinuxOf(t, "x86_64", testRoot, "", false), []byte("module_hashes"), []byte("module_hushes"))
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
		{"U-Boot with several parts", imagetest.UBoot(4, nil), imagetest.SystemMap, "carries no root that can be read in the format U-Boot kernel image (it consists of several files). Next: give the vmlinux of the same build (--kernel)"},
		{"U-Boot in U-Boot", imagetest.UBoot(2, imagetest.UBoot(2, image)), imagetest.SystemMap, `in the format U-Boot kernel image (its contents have the format "U-Boot kernel image")`},
		{"UKI in U-Boot", imagetest.UBoot(2, imagetest.PE(t, imagetest.Section{Name: ".linux", Data: image})), imagetest.SystemMap, `(its contents have the format "unified kernel image")`},
		{"text in U-Boot", imagetest.UBoot(2, []byte("text")), imagetest.SystemMap, `(its contents have the format "")`},
		{"UKI, compressed", imagetest.Gzipped(t, imagetest.PE(t, imagetest.Section{Name: ".linux", Data: image})), imagetest.SystemMap, "what is compressed in it starts with 4d5a"},
		{"U-Boot, compressed", imagetest.Gzipped(t, imagetest.UBoot(2, image)), imagetest.SystemMap, "what is compressed in it starts with 27051956"},
		{"U-Boot initramfs", imagetest.UBoot(3, nil), imagetest.SystemMap, "carries no root: its format is U-Boot initramfs image"},
		{"flattened image tree", imagetest.DeviceTree("images"), imagetest.SystemMap, "carries no root that can be read in the format flattened image tree. Next: give the vmlinux of the same build (--kernel)"},
		{"Android", []byte("ANDROID!"), imagetest.SystemMap, "carries no root that can be read in the format Android boot image. Next: give the vmlinux"},
		{"device tree", imagetest.DeviceTree("cpus"), imagetest.SystemMap, "carries no root: its format is device tree"},
		{"zImage without a kernel", imagetest.ZImage(binary.LittleEndian, imagetest.Gzipped(t, []byte("text")), false), imagetest.SystemMap, "carries no root that can be read in the format zImage (no compressed kernel was found in the boot image). Next: give the vmlinux"},
		{"s390x image without a kernel", imagetest.S390Image(nil, ""), imagetest.SystemMap, "carries no root that can be read in the format s390x boot image (no compressed kernel was found"},
		{"wrapper without a kernel", wrapper(t, []byte("text")), imagetest.SystemMap, "in the format boot wrapper (section .kernel:vmlinux.strip: no compressed kernel was found"},
		{"wrapper with an initramfs", imagetest.ELF{Machine: "ppc64le", Type: elf.ET_EXEC, Sections: []imagetest.ELFSection{
			{Name: ".kernel:vmlinux.strip"}, {Name: ".kernel:initrd"}}}.Bytes(t), imagetest.SystemMap, "section .kernel:initrd has an initramfs, which is not examined"},
		{"stub that names its kernel by path", imagetest.PE(t, imagetest.Section{Name: ".kernelp"}), imagetest.SystemMap, "is an EFI program without a section .linux"},
		{"addon", imagetest.Addon(t, nil), imagetest.SystemMap, "is an EFI program without a section .linux"},
		{"boot loader", imagetest.PE(t, imagetest.Section{Name: ".text"}), imagetest.SystemMap, "is an EFI program without a section .linux"},
		{"object in UKI", imagetest.PE(t, imagetest.Section{Name: ".linux", Data: rootObject(t)}), imagetest.SystemMap, "the kernel in the unified kernel image is a root object, want a kernel"},
		{"bzImage without a root in UKI", imagetest.PE(t, imagetest.Section{Name: ".linux", Data: bootImage(t, elfWithoutRoot(t))}), imagetest.SystemMap, "the kernel in the unified kernel image: the kernel in the boot image has neither a symbol"},
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
	for _, c := range imageCases(f) {
		f.Add(c.data, c.systemMap)
	}
	f.Fuzz(func(t *testing.T, data []byte, symbols string) {
		found, err := ReadKernelFrom(bytes.NewReader(data), Options{SymbolFiles: symbolFile(symbols)})
		if err == nil && found.Root.Check() != nil {
			t.Errorf("got the root %v, which no tree has", found.Root)
		}
	})
}
