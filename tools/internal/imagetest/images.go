// SPDX-License-Identifier: Apache-2.0

package imagetest

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"testing"

	"rules_modhash/tools/merkle/merkle"
)

// Where Memory has what, in bytes.
const (
	rootOffset   = 0x100
	bannerOffset = 0x180
	memorySize   = 0x200
)

// SystemMap is the System.map of Memory, and of the images made of it, as far as all kernels have it.
const SystemMap = `ffff800080000000 T _text
ffff800080000100 R module_hashes_root
ffff800080000200 B _end
`

// SystemMapWithBanner is SystemMap with the symbol of the banner, for a Memory that has a release.
const SystemMapWithBanner = SystemMap + "ffff800080000180 D linux_banner\n"

// Placeholder is what Debian's kernel packages have in place of a System.map.
const Placeholder = "ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package\n"

// Memory returns the memory of a kernel: its root is where SystemMap states, and, unless release is "", the banner where
// SystemMapWithBanner states.
func Memory(order binary.ByteOrder, root merkle.Root, release string) []byte {
	b := make([]byte, memorySize)
	order.PutUint32(b[rootOffset:], root.Levels)
	copy(b[rootOffset+4:], root.Hash[:])
	if release != "" {
		copy(b[rootOffset-0x40:], "Linux version %s (%s)") // looks like a banner, and is none
		copy(b[bannerOffset:], "Linux version "+release+" (someone@somewhere)")
	}
	return b
}

// ARM64Image returns an arm64 Image whose root is where SystemMap states. It has no release.
func ARM64Image(order binary.ByteOrder, root merkle.Root) []byte {
	return ARM64ImageOf(order, root, "")
}

// ARM64ImageOf returns an arm64 Image of a release.
func ARM64ImageOf(order binary.ByteOrder, root merkle.Root, release string) []byte {
	b := Memory(order, root, release)
	copy(b, "MZ")
	if order == binary.BigEndian {
		b[0x18] = 1
	}
	copy(b[0x38:], "ARM\x64")
	return b
}

// RISCVImage returns a riscv64 Image.
func RISCVImage(root merkle.Root, release string) []byte {
	b := Memory(binary.LittleEndian, root, release)
	copy(b, "MZ")
	copy(b[0x30:], "RISCV\x00\x00\x00RSC\x05")
	return b
}

// RISCVSystemMap is the System.map of RISCVImage: there, _text is not the first symbol.
const RISCVSystemMap = `ffffffff80000000 T _start
ffffffff80000080 T _text
ffffffff80000100 R module_hashes_root
ffffffff80000180 D linux_banner
`

// LoongArchImage returns a loongarch64 Image.
func LoongArchImage(root merkle.Root, release string) []byte {
	b := Memory(binary.LittleEndian, root, release)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[0x38:], 0x818223cd)
	return b
}

// ZImage returns a boot image for 32-bit Arm with a compressed kernel, and the header of an EFI program if it has a stub.
func ZImage(order binary.ByteOrder, compressed []byte, stub bool) []byte {
	const start = 0x100
	b := make([]byte, start)
	if stub {
		copy(b, "MZ")
		binary.LittleEndian.PutUint32(b[0x3c:], 0x40)
		copy(b[0x40:], "PE\x00\x00")
	}
	order.PutUint32(b[0x24:], 0x016f2818)
	order.PutUint32(b[0x2c:], uint32(start+len(compressed)))
	order.PutUint32(b[0x30:], 0x04030201)
	b = append(b, compressed...)
	return append(b, "what follows in a zImage"...)
}

// S390Image returns a boot image for s390x with a compressed kernel, whose own code names a release.
func S390Image(compressed []byte, release string) []byte {
	b := s390Head(0x11000, release)
	b = append(b, compressed...)
	return append(b, "what follows in a boot image"...)
}

// S390PlainImage returns a boot image for s390x with the memory of a kernel.
func S390PlainImage(memory []byte) []byte {
	return append(s390Head(0x100000, ""), memory...)
}

func s390Head(size int, release string) []byte {
	b := make([]byte, size)
	copy(b[0x10008:], "S390EP")
	if release != "" {
		binary.BigEndian.PutUint64(b[0x10428:], 0x10800)
		copy(b[0x10800:], release+" (someone@somewhere)")
	}
	return b
}

// BzImage returns an x86 boot image of a kernel that is compressed, followed by its size. It names a release unless that
// is "".
func BzImage(compressed []byte, release string) []byte {
	const sectors, version = 1, 0x300
	b := make([]byte, (sectors+1)*512)
	b[0x1f1] = sectors
	copy(b[0x202:], "HdrS\x0f\x02")
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(compressed)))
	if release != "" {
		binary.LittleEndian.PutUint16(b[0x20e:], version-512)
		copy(b[version:], release+" (someone@somewhere)")
	}
	return append(b, compressed...)
}

// UBoot returns an image for U-Boot of a type: 2 is a kernel, 3 an initramfs.
func UBoot(kind byte, data []byte) []byte {
	b := make([]byte, 64)
	binary.BigEndian.PutUint32(b, 0x27051956)
	binary.BigEndian.PutUint32(b[12:], uint32(len(data)))
	b[30] = kind
	return append(b, data...)
}

// DeviceTree returns a device tree with nodes of some names below its root.
func DeviceTree(nodes ...string) []byte {
	const start = 0x38
	words := func(b []byte, values ...uint32) []byte {
		for _, v := range values {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		return b
	}
	name := func(b []byte, s string) []byte {
		b = append(b, s...)
		return append(b, make([]byte, 4-len(s)%4)...)
	}
	b := make([]byte, start)
	copy(b, words(nil, 0xd00dfeed, 0, start))
	b = words(b, 1, 0, 3, 5, 0, 0, 0) // the root, and a property of 5 bytes
	for _, n := range nodes {
		b = words(name(words(b, 1), n), 1)
		b = words(name(b, "images"), 2, 2) // a node below it
	}
	return words(b, 2, 9)
}

// Section is a section of an EFI program.
type Section struct {
	Name string
	Data []byte
}

// PE returns an EFI program with sections, each padded. A unified kernel image is one, an addon too.
func PE(t testing.TB, sections ...Section) []byte {
	t.Helper()
	const lfanew, headerSize = 0x40, 40
	dataStart := lfanew + 0x20 + headerSize*len(sections)
	var headers, data bytes.Buffer
	write := func(v any) {
		if err := binary.Write(&headers, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	headers.WriteString("PE\x00\x00")
	write(pe.FileHeader{Machine: pe.IMAGE_FILE_MACHINE_AMD64, NumberOfSections: uint16(len(sections))})
	for _, s := range sections {
		padding := min(len(s.Data), 3)
		h := pe.SectionHeader32{
			VirtualSize: uint32(len(s.Data)), SizeOfRawData: uint32(len(s.Data) + padding),
			PointerToRawData: uint32(dataStart + data.Len()),
		}
		copy(h.Name[:], s.Name)
		write(h)
		data.Write(s.Data)
		data.Write(make([]byte, padding))
	}
	b := make([]byte, dataStart)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[0x3c:], lfanew)
	copy(b[lfanew:], headers.Bytes())
	return append(b, data.Bytes()...)
}

// UKI returns an EFI program with sections of some names, in this order, each padded.
func UKI(t testing.TB, sections map[string][]byte, names ...string) []byte {
	t.Helper()
	var list []Section
	for _, name := range names {
		list = append(list, Section{name, sections[name]})
	}
	return PE(t, list...)
}

// Addon returns an addon of a unified kernel image, with an initramfs.
func Addon(t testing.TB, initramfs []byte) []byte {
	t.Helper()
	return PE(t, Section{".sdmagic", []byte("#### LoaderInfo: systemd-addon ####")}, Section{".initrd", initramfs})
}
