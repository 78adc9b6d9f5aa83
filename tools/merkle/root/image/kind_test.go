// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"rules_modhash/tools/internal/imagetest"
	"rules_modhash/tools/merkle/merkle"
)

var testRoot = merkle.Root{Levels: 2, Hash: merkle.Hash{1, 2, 3}}

// elfFile returns an ELF file with sections of some names.
func elfFile(t testing.TB, kind elf.Type, address uint64, names ...string) []byte {
	t.Helper()
	e := imagetest.ELF{Machine: "x86_64", Type: kind}
	for _, name := range names {
		e.Sections = append(e.Sections, imagetest.ELFSection{Name: name, Address: address, Data: []byte("data")})
	}
	return e.Bytes(t)
}

func programs(t testing.TB, names ...string) []byte {
	t.Helper()
	var sections []imagetest.Section
	for _, name := range names {
		sections = append(sections, imagetest.Section{Name: name, Data: []byte("data")})
	}
	return imagetest.PE(t, sections...)
}

type kindCase struct {
	name string
	data []byte
	want Kind
}

// withoutSections returns an ELF file without section headers.
func withoutSections(b []byte) []byte {
	b = bytes.Clone(b)
	clear(b[0x28:0x30]) // e_shoff
	clear(b[0x3c:0x40]) // e_shnum, e_shstrndx
	return b
}

func kindCases(t testing.TB) []kindCase {
	little, big := binary.LittleEndian, binary.BigEndian
	gz := imagetest.Gzipped(t, []byte("contents"))
	kernelAddress := uint64(0xffffffff81000000)
	return []kindCase{
		{"nothing", nil, KindNone},
		{"text", []byte("hello\n"), KindNone},
		{"MZ alone", []byte("MZ"), KindEFI},

		{"smallest kernel: one section with the root", imagetest.Vmlinux(t, testRoot), KindVmlinux},
		{"kernel with symbols", imagetest.VmlinuxOf(t, "x86_64", testRoot, "7.2.12", false), KindVmlinux},
		{"stripped kernel for ppc64le", imagetest.VmlinuxOf(t, "ppc64le", testRoot, "7.2.12", true), KindVmlinux},
		{"stripped kernel for s390x", imagetest.VmlinuxOf(t, "s390x", testRoot, "7.2.12", true), KindVmlinux},
		{"kernel that is position-independent", elfFile(t, elf.ET_DYN, 0, ".text", "__modver"), KindVmlinux},
		{"kernel without modules", elfFile(t, elf.ET_EXEC, 0, ".init.text", ".init.data"), KindVmlinux},
		{"kernel without section headers", withoutSections(elfFile(t, elf.ET_EXEC, kernelAddress, ".text")), KindVmlinux},
		{"program without section headers", withoutSections(elfFile(t, elf.ET_EXEC, 0x400000, ".text")), KindELF},
		{"program", elfFile(t, elf.ET_EXEC, 0x400000, ".text", ".data", ".init.text"), KindELF},
		{"library", elfFile(t, elf.ET_DYN, 0, ".text", ".data"), KindELF},
		{"cut ELF file", imagetest.Vmlinux(t, testRoot)[:40], KindELF},
		{"object of a kernel", elfFile(t, elf.ET_REL, 0, "__ksymtab", ".init.text", ".init.data"), KindELF},
		{"root object", imagetest.Object(t, "arm", testRoot), KindELF},
		{"module", elfFile(t, elf.ET_REL, 0, ".text", ".gnu.linkonce.this_module"), KindModule},
		{"module that exports", elfFile(t, elf.ET_REL, 0, "__ksymtab", ".modinfo"), KindModule},
		{"zImage of ppc64le", elfFile(t, elf.ET_EXEC, 0x4000000, ".text", ".kernel:vmlinux.strip"), KindWrapper},

		{"bzImage", imagetest.BzImage(gz, ""), KindBzImage},
		{"arm64 Image", imagetest.ARM64Image(little, testRoot), KindImage},
		{"arm64 Image, big-endian", imagetest.ARM64Image(big, testRoot), KindImage},
		{"riscv64 Image is not just an EFI program", imagetest.RISCVImage(testRoot, ""), KindImage},
		{"loongarch64 Image", imagetest.LoongArchImage(testRoot, ""), KindImage},
		{"zImage", imagetest.ZImage(little, gz, false), KindZImage},
		{"zImage is not just an EFI program", imagetest.ZImage(little, gz, true), KindZImage},
		{"zImage, big-endian", imagetest.ZImage(big, gz, false), KindZImage},
		{"s390x boot image", imagetest.S390Image(gz, ""), KindS390},
		{"EFI zboot", imagetest.Zboot(gz), KindZboot},

		{"unified kernel image", programs(t, ".text", ".linux", ".initrd"), KindUKI},
		{"profiles", programs(t, ".profile", ".cmdline"), KindUKI},
		{"stub that names its kernel by path", programs(t, ".kernelp", ".initrdp"), KindUKI},
		{"Xen with a kernel", programs(t, ".text", ".kernel"), KindUKI},
		{"unified kernel image that also looks like a bzImage", hidden(t), KindUKI},
		{"addon with an initramfs", imagetest.Addon(t, nil), KindAddon},
		{"addon with microcode", programs(t, ".sdmagic", ".ucode"), KindAddon},
		{"addon with a device tree", programs(t, ".dtb"), KindAddon},
		{"addon with a command line", programs(t, ".cmdline"), KindAddon},
		{"boot loader", programs(t, ".text", ".sbat", ".sdmagic", ".osrel"), KindEFI},

		{"gzip", gz, KindCompressed},
		{"zstd", []byte("\x28\xb5\x2f\xfd and so on"), KindCompressed},
		{"U-Boot kernel", imagetest.UBoot(2, gz), KindUBoot},
		{"U-Boot kernel with an initramfs", imagetest.UBoot(4, gz), KindUBoot},
		{"U-Boot initramfs", imagetest.UBoot(3, gz), KindUBootInitramfs},
		{"U-Boot script", imagetest.UBoot(6, gz), KindUBootOther},
		{"device tree", imagetest.DeviceTree("cpus", "memory"), KindDTB},
		{"device tree without nodes", imagetest.DeviceTree(), KindDTB},
		{"flattened image tree", imagetest.DeviceTree("configurations", "images"), KindFIT},
		{"Android boot image", []byte("ANDROID!........"), KindAndroid},
		{"Android vendor boot image", []byte("VNDRBOOT........"), KindAndroid},
	}
}

// hidden returns a unified kernel image with the mark of a bzImage in its optional header: firmware runs the former.
func hidden(t testing.TB) []byte {
	t.Helper()
	b := programs(t, ".text", ".linux")
	const optional = 0x300
	b = append(b[:0x58], append(make([]byte, optional), b[0x58:]...)...)
	binary.LittleEndian.PutUint16(b[0x54:], optional)
	copy(b[0x202:], "HdrS")
	return b
}

func kindOf(b []byte) Kind { return KindOf(bytes.NewReader(b), int64(len(b))) }

// TestKindOf has each kind of file, named by nothing but its contents.
func TestKindOf(t *testing.T) {
	isKernel := map[Kind]bool{
		KindVmlinux: true, KindWrapper: true, KindBzImage: true, KindImage: true, KindZImage: true, KindS390: true,
		KindZboot: true, KindUKI: true, KindUBoot: true, KindFIT: true, KindAndroid: true,
	}
	for _, c := range kindCases(t) {
		t.Run(c.name, func(t *testing.T) {
			got := kindOf(c.data)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got.IsKernel() != isKernel[c.want] {
				t.Errorf("IsKernel is %v for %q", got.IsKernel(), got)
			}
		})
	}
}

// TestKindOfSize has a file that goes on after the size: what lies there does not count.
func TestKindOfSize(t *testing.T) {
	data := imagetest.BzImage(nil, "")
	if got := KindOf(bytes.NewReader(data), 0x200); got != KindNone {
		t.Errorf("got %q, want none", got)
	}
}

func TestKindOfCompressed(t *testing.T) {
	for _, c := range kindCases(t) {
		want := c.want
		if len(c.data) == 0 {
			continue
		}
		if got := KindOfCompressed(bytes.NewReader(imagetest.Gzipped(t, c.data))); got != want {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
	for _, data := range []string{"", "text", "\x1f\x8b\x08 cut"} {
		if got := KindOfCompressed(bytes.NewReader([]byte(data))); got != KindNone {
			t.Errorf("%q: got %q, want none", data, got)
		}
	}
}

// TestEndlessDeviceTree has trees that would be read for ever.
func TestEndlessDeviceTree(t *testing.T) {
	tree := imagetest.DeviceTree("cpus")
	back := bytes.Clone(tree)
	binary.BigEndian.PutUint32(back[0x38+12:], 0xffffffff) // the length of the first property
	deep := append(tree[:0x38:0x38], bytes.Repeat([]byte{0, 0, 0, 1, 0, 0, 0, 0}, maxTokens)...)
	long := append(tree[:0x38:0x38], bytes.Repeat([]byte{0, 0, 0, 1}, 1<<21)...)
	for _, data := range [][]byte{back, deep, long} {
		if got := kindOf(data); got != KindDTB {
			t.Errorf("got %q, want %q", got, KindDTB)
		}
	}
}

func TestUBootKernel(t *testing.T) {
	kernel, err := UBootKernel(bytes.NewReader(imagetest.UBoot(2, []byte("kernel"))))
	if err != nil || kernel.Size() != 6 {
		t.Errorf("got %v bytes, %v", kernel.Size(), err)
	}
	for want, data := range map[string][]byte{
		"it consists of several files":              imagetest.UBoot(4, nil),
		"reading the U-Boot header: unexpected EOF": []byte("short"),
	} {
		if _, err := UBootKernel(bytes.NewReader(data)); err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func FuzzKindOf(f *testing.F) {
	for _, c := range kindCases(f) {
		f.Add(c.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kind := kindOf(data)
		if len(data) == 0 && kind != KindNone {
			t.Errorf("nothing is a %q", kind)
		}
		if inner := KindOfCompressed(bytes.NewReader(data)); inner != KindNone && kind == KindNone {
			t.Errorf("contents are of the kind %q in what is not compressed", inner)
		}
	})
}
