// SPDX-License-Identifier: Apache-2.0

package root

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/root/image"
	"rules_modhash/tools/merkle/root/object"
)

// reader reads a kernel of one kind. What is known of it comes with an error.
type reader func(f *io.SectionReader, o Options) (Found, error)

// readers returns how kinds are read. A function, as it holds functions that come back to it.
func readers() map[image.Kind]reader {
	return map[image.Kind]reader{
		image.KindVmlinux:    readELF,
		image.KindModule:     readELF, // a root object may be linked with one
		image.KindELF:        readELF,
		image.KindWrapper:    readWrapper,
		image.KindBzImage:    readBootImage,
		image.KindImage:      readImage,
		image.KindZImage:     readZImage,
		image.KindS390:       readS390,
		image.KindZboot:      readZboot,
		image.KindUBoot:      readUBoot,
		image.KindUKI:        readUKI,
		image.KindAddon:      readUKI, // which reports what it lacks
		image.KindEFI:        readUKI,
		image.KindCompressed: readCompressed,
	}
}

// innermost are the kinds that hold no file of another kind but a vmlinux. What is compressed must be one of them: a file
// can be made to hold itself.
var innermost = []image.Kind{
	image.KindVmlinux, image.KindModule, image.KindELF, image.KindWrapper, image.KindBzImage,
	image.KindImage, image.KindZImage, image.KindS390,
}

// readKernel reads a kernel, or a root object. Names are what it may be, for the error.
func readKernel(f *io.SectionReader, o Options, names string) (Found, error) {
	kind := image.KindOf(f, f.Size())
	if read := readers()[kind]; read != nil {
		return read(f, o)
	}
	found := Found{Format: string(kind)}
	switch {
	case kind.IsKernel():
		return found, fmt.Errorf("%w that can be read in the format %s. Next: give the vmlinux of the same build (--kernel)",
			ErrFormat, kind)
	case kind != image.KindNone:
		return found, fmt.Errorf("%w: its format is %s", ErrFormat, kind)
	case f.Size() == 0:
		return found, errors.New("carries no root: it is empty")
	}
	head, err := readHead(f)
	if err != nil {
		return found, err
	}
	return found, fmt.Errorf("%w: it starts with %x and is none of %s", ErrFormat, head[:min(len(head), 6)], names)
}

// readELF reads a vmlinux or a root object.
func readELF(f *io.SectionReader, o Options) (Found, error) {
	found, err := object.Read(f)
	if err == nil {
		format := Found{Root: found.Root, Format: string(found.Format), Target: found.Target}
		if found.Format == object.FormatVmlinux {
			format.Release = releaseOfELF(f)
		}
		return format, nil
	}
	return readStripped(f, o, err)
}

// readBootImage reads the root of the kernel in a bzImage.
func readBootImage(f *io.SectionReader, o Options) (Found, error) {
	named := Found{Format: FormatBootImage, Release: image.Release(f)}
	kernel, err := image.Kernel(f)
	if err != nil {
		return named, err
	}
	found, err := readELF(inMemory(kernel), o.forUnnamed(named.Release))
	// What the kernel itself names is what it loads modules of: the header around it can be written anew.
	found.Format, found.Release = named.Format, cmp.Or(found.Release, named.Release)
	if err != nil {
		err = fmt.Errorf("the kernel in the boot image %w", err)
	}
	return found, err
}

// forUnnamed returns options for a kernel that may not name its release.
func (o Options) forUnnamed(release string) Options {
	symbolFiles := o.SymbolFiles
	if symbolFiles == nil {
		return o
	}
	return Options{func(own string) []Candidate { return symbolFiles(cmp.Or(own, release)) }}
}

// target64 is the target of a 64-bit kernel.
func target64(machine elf.Machine, order binary.ByteOrder) arch.Target {
	t := arch.Target{Class: elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Machine: machine}
	if order == binary.BigEndian {
		t.Data = elf.ELFDATA2MSB
	}
	return t
}

// readImage reads the root of an Image.
func readImage(f *io.SectionReader, o Options) (Found, error) {
	head, err := readHead(f)
	if err != nil {
		return Found{}, err
	}
	machine := image.ImageMachine(head)
	m := memory{SectionReader: f, target: target64(machine, image.ImageByteOrder(head)), format: FormatImage}
	return m.read(o)
}

// readZImage reads a kernel for 32-bit Arm.
func readZImage(f *io.SectionReader, o Options) (Found, error) {
	named := Found{Format: string(image.KindZImage)}
	head, err := readHead(f)
	if err != nil {
		return named, err
	}
	order := image.ZImageByteOrder(head)
	named.Target = target64(elf.EM_ARM, order)
	named.Target.Class = elf.ELFCLASS32
	kernel, err := image.Payload(f)
	if err != nil {
		return named, unreadable(named, err)
	}
	return memory{SectionReader: inMemory(kernel), target: named.Target, format: named.Format}.read(o)
}

// unreadable is the error about a boot image whose kernel was not found.
func unreadable(found Found, err error) error {
	return fmt.Errorf("%w that can be read in the format %s (%w). Next: give the vmlinux of the same build (--kernel)",
		ErrFormat, found.Format, err)
}

// readS390 reads a kernel for s390x.
func readS390(f *io.SectionReader, o Options) (Found, error) {
	named := Found{
		Format: string(image.KindS390), Release: image.S390Release(f),
		Target: target64(elf.EM_S390, binary.BigEndian),
	}
	kernel, err := image.S390Kernel(f, f.Size())
	if err != nil {
		return named, unreadable(named, err)
	}
	found, err := memory{SectionReader: kernel, target: named.Target, format: named.Format}.read(o.forUnnamed(named.Release))
	found.Release = cmp.Or(found.Release, named.Release)
	return found, err
}

// readWrapper reads the kernel in a section of an ELF program.
func readWrapper(f *io.SectionReader, o Options) (Found, error) {
	kernel, header, err := image.WrappedKernel(f)
	named := Found{
		Format: string(image.KindWrapper),
		Target: arch.Target{Class: header.Class, Data: header.Data, Machine: header.Machine},
	}
	if err != nil {
		return named, unreadable(named, err)
	}
	if k := inMemory(kernel); image.KindOf(k, k.Size()) == image.KindVmlinux {
		found, err := readELF(k, o)
		found.Format = named.Format
		return found, err
	}
	return memory{SectionReader: inMemory(kernel), target: named.Target, format: named.Format}.read(o)
}

// readUBoot reads the kernel after a header for U-Boot.
func readUBoot(f *io.SectionReader, o Options) (Found, error) {
	named := Found{Format: string(image.KindUBoot)}
	kernel, err := image.UBootKernel(f)
	if err != nil {
		return named, unreadable(named, err)
	}
	inner := image.KindOf(kernel, kernel.Size())
	if inner != image.KindCompressed && inner != image.KindZboot && !slices.Contains(innermost, inner) {
		return named, unreadable(named, fmt.Errorf("its contents have the format %q", inner))
	}
	found, err := readKernel(kernel, o, kernelNames)
	found.Format = named.Format
	return found, err
}

// readZboot reads an Image that an EFI program decompresses.
func readZboot(f *io.SectionReader, o Options) (Found, error) {
	kernel, err := image.ZbootKernel(f)
	if err != nil {
		return Found{Format: string(image.KindZboot)}, err
	}
	return readContents(kernel, o)
}

// readCompressed reads a kernel that is compressed as a whole.
func readCompressed(f *io.SectionReader, o Options) (Found, error) {
	kernel, err := image.Decompressed(f)
	if err != nil {
		return Found{Format: string(image.KindCompressed)}, err
	}
	return readContents(kernel, o)
}

// readContents reads a kernel that was compressed: it is not compressed again.
func readContents(kernel []byte, o Options) (Found, error) {
	f := inMemory(kernel)
	if !slices.Contains(innermost, image.KindOf(f, f.Size())) {
		return Found{Format: string(image.KindCompressed)},
			fmt.Errorf("%w: what is compressed in it starts with %x and is neither vmlinux nor Image",
				ErrFormat, kernel[:min(len(kernel), 6)])
	}
	return readKernel(f, o, kernelNames)
}

// readUKI reads the kernels in a unified kernel image. Each profile may have its own: they must have one root.
func readUKI(f *io.SectionReader, o Options) (Found, error) {
	named := Found{Format: string(image.KindOf(f, f.Size()))}
	sections, err := image.Sections(f)
	if err != nil {
		return named, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	var all []Found
	for i, s := range sections {
		if s.Name != image.SectionKernel {
			continue
		}
		found, err := ReadSection(f, sections, i, o)
		if err != nil {
			return found, err
		}
		all = append(all, found)
	}
	if len(all) == 0 {
		named.Release = image.SectionRelease(f)
		return named, fmt.Errorf("%w: is an EFI program without a section %s", ErrFormat, image.SectionKernel)
	}
	if err := checkOneRoot(all); err != nil {
		return without(all[0]), err
	}
	return all[0], nil
}

// checkOneRoot reports that the kernels of an image have several roots.
func checkOneRoot(all []Found) error {
	var lines []string
	several := false
	for i, f := range all {
		several = several || f.Root != all[0].Root
		lines = append(lines, fmt.Sprintf("kernel %d (release %q) has %s", i+1, f.Release, f.Root))
	}
	if !several {
		return nil
	}
	return fmt.Errorf("has %d kernels with several roots: %s", len(all), strings.Join(lines, ", "))
}

// ReadSection reads the kernel in sections[i] of a unified kernel image: one of its sections .linux. Found.Release is
// that of the kernel, which is what it loads modules of; else that of .uname in the same profile, which may be wrong.
func ReadSection(file io.ReaderAt, sections []image.SectionInfo, i int, o Options) (Found, error) {
	release := image.ReleaseOfKernel(file, sections, i)
	kernel := sections[i].Open(file)
	var found Found
	var err error
	switch kind := image.KindOf(kernel, kernel.Size()); kind {
	case image.KindUKI, image.KindAddon, image.KindEFI: // no further one in it
		head, headErr := readHead(kernel)
		err = cmp.Or(headErr, fmt.Errorf("%w: it starts with %x and is none of vmlinux, bzImage, Image",
			ErrFormat, head[:min(len(head), 6)]))
	default:
		found, err = readKernel(kernel, o.forUnnamed(release), "vmlinux, bzImage, Image")
	}
	if err == nil && !found.IsKernel() {
		err = fmt.Errorf("is %s, want a kernel", found.WithArticle())
	}
	switch {
	case err != nil && found.Format == FormatBootImage: // the error has a subject
		err = fmt.Errorf("the kernel in the unified kernel image: %w", err)
	case err != nil:
		err = fmt.Errorf("the kernel in the unified kernel image %w", err)
	}
	found.Format, found.Release = FormatUKI, cmp.Or(found.Release, release)
	return found, err
}
