// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"rules_modhash/tools/archive/codec"
	"rules_modhash/tools/archive/container"
	"rules_modhash/tools/archive/names"
	"rules_modhash/tools/merkle/root"
	"rules_modhash/tools/merkle/root/image"
)

// container examines an archive or a file system image. Ok is false if it is neither.
func (a *audit) container(p *place, c contents) (v verdict, ok bool) {
	head := make([]byte, min(container.HeadSize, c.size))
	if _, err := c.r.ReadAt(head, 0); err != nil && err != io.EOF {
		return notExaminedError(err), true
	}
	switch kind := container.Of(head); {
	case kind == container.Cpio || startsWithZeros(head):
		return a.initramfs(p, c), true
	case kind == container.Tar:
		return a.tar(p, c), true
	case kind == container.Zip:
		return a.zip(p, c), true
	case isGRUB(head):
		return a.grub(p, c), true
	case kind != container.None:
		return notExamined("is " + string(kind)), true
	}
	return verdict{}, false
}

// startsWithZeros knows an initramfs with padding ahead, which the kernel skips.
func startsWithZeros(head []byte) bool {
	if len(head) == 0 || head[0] != 0 {
		return false
	}
	rest := bytes.TrimLeft(head, "\x00")
	_, compressed := codec.Of(rest)
	return isInitramfs(rest) || compressed
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
func (a *audit) sections(p *place, c contents, kind image.Kind) verdict {
	sections, err := image.Sections(c.r)
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
	kind     image.Kind
	sections []image.SectionInfo
}

// section examines the i-th section of an EFI program.
func (a *audit) section(p *place, e program, i int, c contents) verdict {
	switch name := e.sections[i].Name; {
	case slices.Contains(pathSections, name) || namesFile(c):
		return a.kernelElsewhere(e, c)
	case name == image.SectionKernel:
		return a.kernelInSection(p, e, i, c)
	case name == image.SectionInitramfs || name == image.SectionMicrocode:
		return a.initramfs(p, c)
	case image.HarmlessSection(name) || slices.Contains(hashSections, name):
		return of(ClassOther)
	}
	v := a.contents(p, c)
	if v.is(ClassOther) && e.kind != image.KindEFI {
		return notExamined("is a section that the specification of unified kernel images does not define")
	}
	return v
}

// kernelInSection reads one of the kernels of a unified kernel image. The first goes by the name of the image.
func (a *audit) kernelInSection(p *place, e program, i int, c contents) verdict {
	if base := joined(e.path, image.SectionKernel); c.path == base {
		c.path = e.path
	}
	v := a.read(c, image.ReleaseOfKernel(e.r, e.sections, i), func(o root.Options) (root.Found, error) {
		return root.ReadSection(e.r, e.sections, i, o)
	})
	p.Release = cmp.Or(a.kernels[len(a.kernels)-1].Release, p.Release)
	return v
}

// Sections of lanzaboote's stub (rust/tool/shared/src/pe.rs in its source): paths of a kernel and an initramfs on the
// same partition, and their hashes. Its current version has the paths in .linux and .initrd.
var (
	pathSections = []string{".kernelp", ".initrdp", ".linuxp"}
	hashSections = []string{".kernelh", ".initrdh", ".linuxh"}
)

// namesFile reports whether a section .linux or .initrd is the path of a file: no kernel and no archive begins like one.
func namesFile(c contents) bool {
	var first [1]byte
	_, err := c.r.ReadAt(first[:], 0)
	name := path.Base(c.path)
	return err == nil && first[0] == '\\' && c.size <= names.Max &&
		(strings.HasPrefix(name, image.SectionKernel) || strings.HasPrefix(name, image.SectionInitramfs))
}

// kernelElsewhere examines the file that a section names.
func (a *audit) kernelElsewhere(e program, c contents) verdict {
	text, err := io.ReadAll(io.LimitReader(io.NewSectionReader(c.r, 0, c.size), names.Max))
	if err != nil {
		return notExaminedError(err)
	}
	name := strings.TrimRight(string(text), "\x00\n")
	found, ok := a.referred(e.path, name)
	if !ok {
		return notExamined(fmt.Sprintf("names %q, which does not exist", name))
	}
	a.readReferred(found)
	return verdict{ClassLink, "is examined as " + found.Path}
}
