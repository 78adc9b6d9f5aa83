// SPDX-License-Identifier: Apache-2.0

// Package elfdiff reports in which ELF sections two builds of a kernel module differ, what those sections say
// about it, and what is the likely cause, in plain words.
//
// It reads section by section in bounded memory, and looks inside those that it knows: what a section holds is
// told by its name, as the kernel's build (scripts/mod/modpost.c, scripts/module.lds.S) and the compiler give it.
package elfdiff

import (
	"compress/zlib"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io"
	"slices"
	"strings"

	"rules_modhash/tools/arch/elffile"
)

// Change states how a section differs.
type Change string

// The ways in which a section differs.
const (
	Changed Change = "changed"
	OnlyA   Change = "only in A"
	OnlyB   Change = "only in B"
)

// Diff is how two modules differ. It is its own JSON form.
type Diff struct {
	// Sections that differ, in the order of A, then those of B alone. Empty if only ELF headers, padding or the
	// order of sections differ.
	Sections []Section `json:"sections"`
	// Causes that are likely, those that explain most first.
	Causes []Cause `json:"causes"`
}

// HasKind reports whether a section of that kind differs.
func (d *Diff) HasKind(kind Kind) bool {
	return slices.ContainsFunc(d.Sections, func(s Section) bool { return s.Kind == kind })
}

// Section is a section that differs.
type Section struct {
	// Name of the section; of several of one name, the second is "NAME#2".
	Name   string `json:"name"`
	Kind   Kind   `json:"kind"`
	Change Change `json:"change"`
	// SizeA and SizeB are in bytes, 0 where there is no such section.
	SizeA uint64 `json:"size_a"`
	SizeB uint64 `json:"size_b"`
	// Details of what differs inside, for sections that are looked into.
	Details []Detail `json:"details,omitempty"`
}

// Detail is one thing that differs inside a section.
type Detail struct {
	// What differs: a key of .modinfo, "build-id", "compiler", "symbols", ...
	What string `json:"what"`
	// A and B are what each side has, "" for nothing.
	A string `json:"a"`
	B string `json:"b"`
}

// file is one of the two modules.
type file struct {
	elf *elf.File
	raw io.ReaderAt
	// sections by key, and the keys in the file's order.
	sections map[string]*section
	keys     []string
}

type section struct {
	*elf.Section
	sum [sha256.Size]byte
}

// Compare compares two modules without trailers. An error names the one that is not a sound ELF file.
func Compare(a, b io.ReaderAt) (Diff, error) {
	fileA, err := open(a)
	if err != nil {
		return Diff{}, fmt.Errorf("module A: not a sound ELF file: %w", err)
	}
	fileB, err := open(b)
	if err != nil {
		return Diff{}, fmt.Errorf("module B: not a sound ELF file: %w", err)
	}
	c := &comparison{a: fileA, b: fileB, sections: []Section{}}
	c.compare()
	return Diff{Sections: c.sections, Causes: c.causes()}, nil
}

// open reads the headers of a module and hashes its sections.
func open(r io.ReaderAt) (*file, error) {
	parsed, err := elffile.Open(r)
	if err != nil {
		return nil, err
	}
	f := &file{elf: parsed, raw: r, sections: make(map[string]*section, len(parsed.Sections))}
	times := map[string]int{}
	for _, s := range parsed.Sections {
		if s.Type == elf.SHT_NULL {
			continue
		}
		times[s.Name]++
		key := s.Name
		if n := times[s.Name]; n > 1 {
			key = fmt.Sprintf("%s#%d", s.Name, n)
		}
		sum, err := f.hash(s)
		if err != nil {
			return nil, fmt.Errorf("has a section %q that cannot be read: %w", s.Name, err)
		}
		f.sections[key] = &section{s, sum}
		f.keys = append(f.keys, key)
	}
	return f, nil
}

// hash covers contents, size, type, flags and alignment of a section.
func (f *file) hash(s *elf.Section) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	fmt.Fprintln(h, s.Size, s.Type, s.Flags, s.Addralign)
	if s.Type != elf.SHT_NOBITS {
		n, err := io.Copy(h, io.NewSectionReader(f.raw, int64(s.Offset), int64(s.FileSize)))
		if err == nil && uint64(n) != s.FileSize {
			err = fmt.Errorf("it has %d bytes, %d of them after the end of the file", s.FileSize, s.FileSize-uint64(n))
		}
		if err != nil {
			return sum, err
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// contents returns a section's bytes, decompressed, nil if they are more than limit or cannot be read.
func (f *file) contents(s *section, limit uint64) []byte {
	if s == nil || s.Type == elf.SHT_NOBITS || s.FileSize > limit {
		return nil
	}
	r, err := f.reader(s)
	if err != nil {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil || uint64(len(b)) > limit {
		return nil
	}
	return b
}

// reader returns a reader of a section's bytes, which it decompresses.
func (f *file) reader(s *section) (io.Reader, error) {
	if s.Flags&elf.SHF_COMPRESSED != 0 {
		return s.Open(), nil
	}
	raw := io.NewSectionReader(f.raw, int64(s.Offset), int64(s.FileSize))
	if _, ok := f.zlibSize(s.Offset); !ok || !strings.HasPrefix(s.Name, ".zdebug_") {
		return raw, nil
	}
	return zlib.NewReader(io.NewSectionReader(raw, zlibHeaderSize, raw.Size()))
}

// comparison is one call of Compare.
type comparison struct {
	a, b     *file
	sections []Section
	// reordered reports that the sections that both files have come in another order.
	reordered bool
	// roots are the directories that the modules were built in, where they differ.
	roots roots
	// split reports that units have hashes of what is in other files.
	split bool
	facts facts
}

// compare goes through the sections of both files.
func (c *comparison) compare() {
	if c.machine() == nil {
		c.findRoots()
	}
	for _, key := range c.a.keys {
		c.section(key)
	}
	for _, key := range c.b.keys {
		if c.a.sections[key] == nil {
			c.section(key)
		}
	}
	c.reordered = !slices.Equal(common(c.a, c.b), common(c.b, c.a))
}

// common returns the keys of f that g has too, in the order of f.
func common(f, g *file) []string {
	var keys []string
	for _, key := range f.keys {
		if g.sections[key] != nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// section enters what differs in one section.
func (c *comparison) section(key string) {
	a, b := c.a.sections[key], c.b.sections[key]
	out := Section{Name: printable(key), Change: Changed}
	switch {
	case b == nil:
		out.Change, out.Kind, out.SizeA = OnlyA, kindOf(a), a.Size
	case a == nil:
		out.Change, out.Kind, out.SizeB = OnlyB, kindOf(b), b.Size
	case a.sum == b.sum:
		return
	default:
		out.Kind, out.SizeA, out.SizeB = kindOf(a), a.Size, b.Size
	}
	var explained bool
	out.Details, explained = c.details(out.Kind, a, b)
	if c.otherwise(out.Kind, key, a, b, explained) {
		c.facts.unexplained = append(c.facts.unexplained, out.Name)
		c.facts.code = c.facts.code || out.Kind == Code
	}
	c.sections = append(c.sections, out)
}
