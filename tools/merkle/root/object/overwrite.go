// SPDX-License-Identifier: Apache-2.0

package object

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/arch/elffile"
	"rules_modhash/tools/merkle/merkle"
)

// Overwrite writes the root that was found in a root object over the blank root in a vmlinux or vmlinux.unstripped.
// Nothing else in the file changes. The build ID, which the linker computes over what it links, stays that of the file
// with the blank root.
//
// The file must be for the architecture of the root object. Its section .module_hashes must be the only one of that name,
// have the size of a root, and contain the blank root; if there are symbols, the section must be where module_hashes_root
// is. Otherwise the file does not change.
func Overwrite(file interface {
	io.ReaderAt
	io.WriterAt
}, found Found) error {
	if err := found.Root.Check(); err != nil {
		return fmt.Errorf("overwriting the root: %w", err)
	}
	f, err := elffile.Open(file)
	if err != nil {
		return fmt.Errorf("reading an ELF file: %w", err)
	}
	defer f.Close()
	if err := checkVmlinux(f, found.Target); err != nil {
		return err
	}
	p, err := findBlank(f)
	if err != nil {
		return err
	}
	if _, err := file.WriteAt(Encode(found.Root, f.ByteOrder), int64(p.section.Offset+p.offset)); err != nil {
		return fmt.Errorf("overwriting the root: %w", err)
	}
	return nil
}

// checkVmlinux returns an error unless the file is a kernel for the target.
func checkVmlinux(f *elf.File, want arch.Target) error {
	if f.Type == elf.ET_REL {
		return errors.New("is a relocatable object, want a vmlinux, which is linked")
	}
	if got := (arch.Target{Class: f.Class, Data: f.Data, Machine: f.Machine}); got != want {
		return fmt.Errorf("is for %s, but the root object for %s: kernel and modules have one architecture", got, want)
	}
	return nil
}

// findBlank returns where the blank root lies: all of the only section for it.
func findBlank(f *elf.File) (place, error) {
	p, err := findRoot(f)
	if err != nil {
		return place{}, err
	}
	sections := 0
	for _, s := range f.Sections {
		if s.Name == SectionName {
			sections++
		}
	}
	if sections != 1 {
		return place{}, fmt.Errorf("has %d sections %s, want 1", sections, SectionName)
	}
	if p.section.Name != SectionName || p.section.Size != Size {
		return place{}, fmt.Errorf("has the root in section %s of %d bytes, want section %s of %d",
			p.section.Name, p.section.Size, SectionName, Size)
	}
	b, err := p.read()
	if err != nil {
		return place{}, err
	}
	if root := decode(b, f.ByteOrder); root != (merkle.Root{}) {
		return place{}, fmt.Errorf("has the root %s, want the blank root, which only the kernel of a kernel_build has", root)
	}
	return p, nil
}
