// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"rules_modhash/tools/merkle/bootimage"
	"rules_modhash/tools/merkle/rootfile"
)

// format is a kind of file that holds other files.
type format struct {
	// name is a noun phrase: "a tar archive".
	name string
	// magic stands at offset.
	offset int64
	magic  string
	// read examines the members; nil if nothing here can.
	read func(a *audit, p *place, c contents) verdict
}

// formats returns the archives and file system images that are known. Those without a reader are reported. A function,
// as it holds functions that come back to it.
func formats() []format {
	return []format{
		{"a cpio archive", 0, "070701", (*audit).initramfs},
		{"a cpio archive", 0, "070702", (*audit).initramfs},
		{"a cpio archive of the old portable format, which the kernel does not unpack", 0, "070707", nil},
		{"a cpio archive of the old binary format, which the kernel does not unpack", 0, "\xc7\x71", nil},
		{"a tar archive", 257, "ustar", (*audit).tar},
		{"a zip archive", 0, "PK\x03\x04", (*audit).zip},
		{"an ar archive or Debian package", 0, "!<arch>\n", nil},
		{"an RPM package", 0, "\xed\xab\xee\xdb", nil},
		{"a 7-Zip archive", 0, "7z\xbc\xaf\x27\x1c", nil},
		{"a squashfs image", 0, "hsqs", nil},
		{"an EROFS image", 1024, "\xe2\xe1\xf5\xe0", nil},
		{"an ext2, ext3 or ext4 image", 1024 + 0x38, "\x53\xef", nil},
		{"an XFS image", 0, "XFSB", nil},
		{"a Btrfs image", 0x10040, "_BHRfS_M", nil},
		{"an F2FS image", 1024, "\x10\x20\xf5\xf2", nil},
		{"an ISO 9660 image", 0x8001, "CD001", nil},
		{"a UDF image", 0x8001, "NSR0", nil},
		{"a cramfs image", 0, "\x45\x3d\xcd\x28", nil},
		{"a cramfs image", 0, "\x28\xcd\x3d\x45", nil},
		{"a romfs image", 0, "-rom1fs-", nil},
		{"a bcachefs image", 0x1018, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca", nil},
		{"a LUKS volume", 0, "LUKS\xba\xbe", nil},
		{"a QCOW2 image", 0, "QFI\xfb", nil},
		{"a disk image with partitions (GPT)", 512, "EFI PART", nil},
		{"a disk image with partitions (GPT)", 4096, "EFI PART", nil},
		{"a FAT image", 0x36, "FAT", nil},
		{"a FAT image", 0x52, "FAT32", nil},
		{"an NTFS image", 3, "NTFS    ", nil},
		{"an exFAT image", 3, "EXFAT   ", nil},
	}
}

// container examines an archive or a file system image. Ok is false if it is neither.
func (a *audit) container(p *place, c contents) (v verdict, ok bool) {
	for _, f := range formats() {
		if !f.is(c) {
			continue
		}
		if f.read == nil {
			return notExamined("is " + f.name), true
		}
		return f.read(a, p, c), true
	}
	if startsWithZeros(c) {
		return a.initramfs(p, c), true
	}
	return verdict{}, false
}

func (f format) is(c contents) bool {
	b := make([]byte, len(f.magic))
	n, _ := c.r.ReadAt(b, f.offset)
	return n == len(b) && string(b) == f.magic && f.offset+int64(n) <= c.size
}

// startsWithZeros knows an initramfs with padding ahead, which the kernel skips.
func startsWithZeros(c contents) bool {
	head := make([]byte, min(headSize, c.size))
	n, _ := c.r.ReadAt(head, 0)
	if head = head[:n]; n == 0 || head[0] != 0 {
		return false
	}
	rest := bytes.TrimLeft(head, "\x00")
	if isInitramfs(rest) {
		return true
	}
	return len(rest) > 0 && bootimage.KindOf(bytes.NewReader(rest), int64(len(rest))) == bootimage.KindCompressed
}

// tar examines the members of a tar archive.
func (a *audit) tar(p *place, c contents) verdict {
	r := tar.NewReader(io.NewSectionReader(c.r, 0, c.size))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return of(ClassContainer)
		}
		if err != nil {
			return notExaminedError(fmt.Errorf("is a tar archive that cannot be read to its end: %w", err))
		}
		a.account.entry(joined(c.path, h.Name), func() verdict { return a.tarMember(p, c, h, r) })
	}
}

func (a *audit) tarMember(p *place, c contents, h *tar.Header, r *tar.Reader) verdict {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		return a.stream(p, c, h.Name, h.Size, r)
	case tar.TypeLink:
		return verdict{ClassLink, "is the same file as " + h.Linkname}
	case tar.TypeSymlink, tar.TypeDir, tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return of(ClassOther)
	}
	return notExamined(fmt.Sprintf("is a tar entry of the unknown type %q", h.Typeflag))
}

// zip examines the members of a zip archive.
func (a *audit) zip(p *place, c contents) verdict {
	r, err := zip.NewReader(io.NewSectionReader(c.r, 0, c.size), c.size)
	if err != nil {
		return notExaminedError(fmt.Errorf("is a zip archive that cannot be read: %w", err))
	}
	for _, f := range r.File {
		a.account.entry(joined(c.path, f.Name), func() verdict { return a.zipMember(p, c, f) })
	}
	return of(ClassContainer)
}

func (a *audit) zipMember(p *place, c contents, f *zip.File) verdict {
	if !f.Mode().IsRegular() {
		return of(ClassOther)
	}
	data, err := f.Open()
	if err != nil {
		return notExaminedError(err)
	}
	defer data.Close()
	return a.stream(p, c, f.Name, int64(min(f.UncompressedSize64, 1<<62)), data)
}

// uBootHeaderSize is the size of the header of a U-Boot image (include/image.h in U-Boot's source).
const uBootHeaderSize = 64

// uBoot examines what follows the header of a U-Boot image with a kernel or an initramfs.
func (a *audit) uBoot(p *place, c contents) verdict {
	inside := c.inner("payload", io.NewSectionReader(c.r, uBootHeaderSize, c.size-uBootHeaderSize), c.size-uBootHeaderSize)
	a.account.entry(inside.path, func() verdict {
		if v := a.contents(p, inside); !v.is(ClassOther) {
			return v
		}
		return notExamined("is the payload of a U-Boot image that is neither a kernel nor an initramfs by its contents")
	})
	return of(ClassContainer)
}

// sections examines an EFI program: every section of it, in each profile, but for those that hold neither a kernel nor
// an initramfs by their names.
func (a *audit) sections(p *place, c contents, kind bootimage.Kind) verdict {
	sections, err := bootimage.Sections(c.r)
	if err != nil {
		return notExaminedError(err)
	}
	program := program{contents: c, kind: kind, sections: sections}
	counts := map[string]int{}
	for i, s := range sections {
		inside := c.inner(s.Name, s.Open(c.r), s.Size)
		if counts[s.Name]++; counts[s.Name] > 1 {
			inside.path = fmt.Sprintf("%s#%d", inside.path, counts[s.Name])
		}
		a.account.entry(inside.path, func() verdict { return a.section(p, program, i, inside) })
	}
	return of(ClassContainer)
}

// program is an EFI program.
type program struct {
	contents
	kind     bootimage.Kind
	sections []bootimage.SectionInfo
}

// section examines the i-th section of an EFI program.
func (a *audit) section(p *place, e program, i int, c contents) verdict {
	switch name := e.sections[i].Name; {
	case name == bootimage.SectionKernel:
		return a.kernelInSection(p, e, i, c)
	case name == bootimage.SectionInitramfs || name == bootimage.SectionMicrocode:
		return a.initramfs(p, c)
	case slices.Contains(pathSections, name):
		return a.kernelElsewhere(e, c)
	case bootimage.HarmlessSection(name) || slices.Contains(hashSections, name):
		return of(ClassOther)
	}
	v := a.contents(p, c)
	if v.is(ClassOther) && e.kind != bootimage.KindEFI {
		return notExamined("is a section that the specification of unified kernel images does not know")
	}
	return v
}

// kernelInSection reads one of the kernels of a unified kernel image. The first goes by the name of the image.
func (a *audit) kernelInSection(p *place, e program, i int, c contents) verdict {
	if base := joined(e.path, bootimage.SectionKernel); c.path == base {
		c.path = e.path
	}
	v := a.read(c, bootimage.ReleaseOfKernel(e.r, e.sections, i), func(o rootfile.Options) (rootfile.Found, error) {
		return rootfile.ReadSection(e.r, e.sections, i, o)
	})
	p.Release = cmp.Or(a.kernels[len(a.kernels)-1].Release, p.Release)
	return v
}

// Sections of lanzaboote's stub (rust/uefi/linux-bootloader in its source): paths of a kernel and an initramfs on the
// same partition, and their hashes.
var (
	pathSections = []string{".kernelp", ".initrdp", ".linuxp"}
	hashSections = []string{".kernelh", ".initrdh", ".linuxh"}
)

// kernelElsewhere examines the file that a section names.
func (a *audit) kernelElsewhere(e program, c contents) verdict {
	text, err := io.ReadAll(io.LimitReader(io.NewSectionReader(c.r, 0, c.size), maxName))
	if err != nil {
		return notExaminedError(err)
	}
	name := strings.TrimRight(string(text), "\x00\n")
	found, ok := a.referred(e.path, name)
	if !ok {
		return notExamined(fmt.Sprintf("names %q, which is not here", name))
	}
	a.readReferred(found)
	return verdict{ClassLink, "is examined as " + found.Path}
}

// maxName is PATH_MAX.
const maxName = 4096
