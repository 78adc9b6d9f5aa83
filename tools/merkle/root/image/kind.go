// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bufio"
	"bytes"
	"debug/elf"
	"io"
	"slices"
	"strings"

	"rules_modhash/tools/arch/elffile"
	"rules_modhash/tools/archive/codec"
)

// Kind is what a file is by its contents. Its text is the name for people, "" for KindNone.
type Kind string

// The kinds of file that KindOf knows.
const (
	// KindNone is anything else.
	KindNone Kind = ""
	// KindVmlinux is a linked Linux kernel, an ELF file.
	KindVmlinux Kind = "vmlinux"
	// KindWrapper is an ELF program with a kernel in a section: PowerPC's zImage, and what a boot image is made of.
	KindWrapper Kind = "boot wrapper"
	// KindModule is a kernel module.
	KindModule Kind = "kernel module"
	// KindELF is an ELF file of another kind, or one that cannot be read.
	KindELF Kind = "ELF file"
	// KindBzImage is an x86 boot image.
	KindBzImage Kind = "bzImage"
	// KindImage is an arm64, riscv64 or loongarch64 boot image.
	KindImage Kind = "Image"
	// KindZImage is a 32-bit Arm boot image.
	KindZImage Kind = "zImage"
	// KindS390 is an s390x boot image.
	KindS390 Kind = "s390x boot image"
	// KindZboot is an EFI program that decompresses an Image.
	KindZboot Kind = "EFI zboot image"
	// KindUKI is a unified kernel image, or a stub that names a kernel elsewhere.
	KindUKI Kind = "unified kernel image"
	// KindAddon adds an initramfs, microcode, a device tree or a command line to a unified kernel image.
	KindAddon Kind = "addon of a unified kernel image"
	// KindEFI is another EFI program: for example a boot loader.
	KindEFI Kind = "EFI program"
	// KindCompressed is a compressed file; KindOfCompressed finds out of what kind the contents are.
	KindCompressed Kind = "compressed file"
	// KindUBoot is an image for U-Boot with a kernel, and maybe an initramfs.
	KindUBoot Kind = "U-Boot kernel image"
	// KindUBootInitramfs is an initramfs for U-Boot.
	KindUBootInitramfs Kind = "U-Boot initramfs image"
	// KindUBootOther is another image for U-Boot: a script, a device tree, firmware.
	KindUBootOther Kind = "U-Boot image without a kernel"
	// KindFIT is a flattened image tree: kernels, initramfs and device trees for U-Boot.
	KindFIT Kind = "flattened image tree"
	// KindDTB is a device tree.
	KindDTB Kind = "device tree"
	// KindAndroid is a boot image of Android: a kernel, an initramfs, or both.
	KindAndroid Kind = "Android boot image"
)

// kernels are the kinds that boot as a kernel, or hold one.
var kernels = []Kind{
	KindVmlinux, KindWrapper, KindBzImage, KindImage, KindZImage, KindS390, KindZboot, KindUKI, KindUBoot, KindFIT,
	KindAndroid,
}

// WithArticle returns the name for use in a sentence: "an Image", "a vmlinux".
func (k Kind) WithArticle() string {
	name := string(k)
	if strings.HasPrefix(name, "s390x") || name != "" && strings.ContainsAny(name[:1], "AEIOaeio") {
		return "an " + name
	}
	return "a " + name
}

// IsKernel reports whether a file of this kind boots as a kernel, or holds one. Of KindCompressed that is not known.
func (k Kind) IsKernel() bool { return slices.Contains(kernels, k) }

// KindOf returns the kind of a file of size bytes. It reads headers and tables, not contents.
func KindOf(r io.ReaderAt, size int64) Kind {
	file := io.NewSectionReader(r, 0, size)
	head := make([]byte, headerSize)
	n, _ := file.ReadAt(head, 0)
	head = head[:n]
	switch {
	case isELF(head):
		return kindOfELF(file)
	case IsPE(head):
		return kindOfPE(file, head)
	}
	if k := kindOfKernel(head); k != KindNone {
		return k
	}
	switch {
	case isS390(file):
		return KindS390
	case strings.HasPrefix(string(head), "ANDROID!"), strings.HasPrefix(string(head), "VNDRBOOT"):
		return KindAndroid
	case isUBoot(head):
		return kindOfUBoot(head)
	case isDeviceTree(head):
		return kindOfDeviceTree(file)
	}
	if _, ok := codec.Of(head); ok {
		return KindCompressed
	}
	return KindNone
}

// compressedHead is how much of a compressed file's contents shows their kind: no header is further inside.
const compressedHead = 2 * offsetS390Version

// KindOfCompressed returns the kind of the contents of a file of KindCompressed, KindCompressed if they are compressed
// again. Of ELF files alone it decompresses more than the beginning. What cannot be decompressed is KindNone.
func KindOfCompressed(r io.Reader) Kind {
	buffered := bufio.NewReader(r)
	magic, _ := buffered.Peek(magicSize)
	c, ok := codec.Of(magic)
	if !ok {
		return KindNone
	}
	data, err := c.Open(buffered)
	if err != nil {
		return KindNone
	}
	contents, _ := io.ReadAll(io.LimitReader(data, compressedHead))
	if isELF(contents) { // whose tables are at the end
		rest, _ := io.ReadAll(io.LimitReader(data, maxKernel-compressedHead))
		contents = append(contents, rest...)
	}
	return KindOf(bytes.NewReader(contents), int64(len(contents)))
}

// kindOfKernel returns the kind of a boot image that begins with head, and may be an EFI program as well.
func kindOfKernel(head []byte) Kind {
	switch {
	case Is(head):
		return KindBzImage
	case IsZboot(head): // it has the mark of loongarch's Image too
		return KindZboot
	case IsImage(head):
		return KindImage
	case isZImage(head):
		return KindZImage
	}
	return KindNone
}

// kindOfPE returns the kind of a file that begins with MZ. What has sections of a unified kernel image is one, and what
// is not read as an EFI program alone would miss them: they come first.
func kindOfPE(file io.ReaderAt, head []byte) Kind {
	kind := KindEFI
	if k := kindOfKernel(head); k != KindNone {
		kind = k
	}
	headers, err := readSections(file)
	if err != nil {
		return kind
	}
	for _, h := range headers {
		switch name := sectionName(h); {
		case slices.Contains(imageSections, name):
			return KindUKI
		case slices.Contains(addonSections, name) && kind == KindEFI:
			kind = KindAddon
		}
	}
	return kind
}

func isELF(head []byte) bool { return strings.HasPrefix(string(head), elf.ELFMAG) }

var (
	// moduleSections are in modules alone: include/linux/module.h, include/linux/moduleparam.h.
	moduleSections = []string{".gnu.linkonce.this_module", ".modinfo"}
	// vmlinuxSections are in linked kernels alone: include/asm-generic/vmlinux.lds.h.
	vmlinuxSections = []string{
		"__ksymtab", "__ksymtab_gpl", "__ksymtab_strings", "__modver", "__bug_table", ".data..percpu", ".module_hashes",
	}
)

// wrappedSections hold kernels in ELF programs: arch/powerpc/boot/wrapper, the linker scripts of
// arch/{x86,arm}/boot/compressed and arch/s390/boot, arch/mips/boot/compressed.
var wrappedSections = []string{
	".kernel:vmlinux.strip", ".kernel:vmlinux", ".rodata..compressed", ".rodata.compressed", ".piggydata", ".image",
}

// wrappedInitramfs holds an initramfs in PowerPC's zImage.
const wrappedInitramfs = ".kernel:initrd"

func kindOfELF(file io.ReaderAt) Kind {
	f, err := elffile.Open(file)
	if err != nil {
		return KindELF
	}
	names := map[string]bool{}
	for _, s := range f.Sections {
		names[s.Name] = true
	}
	has := func(name string) bool { return names[name] }
	switch {
	case f.Type == elf.ET_REL && slices.ContainsFunc(moduleSections, has):
		return KindModule
	case f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN:
		return KindELF
	case slices.ContainsFunc(vmlinuxSections, has), has(".init.text") && has(".init.data"), isInKernelSpace(f):
		return KindVmlinux
	case slices.ContainsFunc(wrappedSections, has):
		return KindWrapper
	}
	return KindELF
}

// isInKernelSpace reports whether a program is loaded where 64-bit kernels are and programs never: in the upper half
// of the addresses. That shows a kernel without section headers.
func isInKernelSpace(f *elf.File) bool {
	return f.Class == elf.ELFCLASS64 && slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool {
		return p.Type == elf.PT_LOAD && p.Vaddr>>63 == 1
	})
}
