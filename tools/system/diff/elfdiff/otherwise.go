// SPDX-License-Identifier: Apache-2.0

package elfdiff

import (
	"bytes"
	"debug/elf"
	"fmt"
	"slices"
	"strings"
)

// What differs in a module apart from an embedded path or time must not be passed over because there is one: this file
// decides whether a section differs in more.

// structures are the sections of debug information whose contents do not depend on paths: they refer to them by
// relocations, unless a path is written in place.
var structures = []string{
	".debug_info", ".debug_abbrev", ".debug_line", ".debug_types", ".debug_loc", ".debug_loclists", ".debug_ranges",
	".debug_rnglists", ".debug_aranges",
}

// otherwise reports whether a section differs in more than the directories of the build and in times. Explained is
// whether these are all that differs in its texts.
func (c *comparison) otherwise(kind Kind, key string, a, b *section, explained bool) bool {
	switch {
	case kind != Code && kind != Data && kind != Debug:
		return false
	case a == nil || b == nil:
		return kind != Debug && !isConfigured(key)
	case kind == Debug && holdsText(a):
		return !explained
	case kind == Debug && !slices.Contains(structures, key):
		return false
	}
	inA, inB := c.a.masked(key), c.b.masked(key)
	switch {
	case kind == Debug:
		return inA != nil && inB != nil && c.structureDiffers(inA, inB)
	case inA == nil || inB == nil:
		return true
	case bytes.Equal(inA, inB):
		return false
	}
	_, restA := textsIn(a, inA)
	_, restB := textsIn(b, inB)
	return !explained || !bytes.Equal(restA, restB)
}

// minPlaced is how long a path is that compilers do not write in place of a reference to it.
const minPlaced = 8

// structureDiffers compares sections that are among structures.
func (c *comparison) structureDiffers(a, b []byte) bool {
	if c.split || bytes.Equal(a, b) {
		return false
	}
	for _, r := range c.roots {
		// A path in place moves what comes after it: what else differs cannot be seen.
		if min(len(r[0]), len(r[1])) < minPlaced || bytes.Contains(a, []byte(r[0])) || bytes.Contains(b, []byte(r[1])) {
			return false
		}
	}
	return true
}

// masked returns the contents of a section without what relocations are added to: on machines that keep it in the
// section (SHT_REL, all of them 32-bit), it has the places of texts, which depend on their lengths.
func (f *file) masked(key string) []byte {
	const entrySize, maskSize = 8, 4
	b := f.contents(f.sections[key], maxContents)
	rel := f.sections[".rel"+key]
	if f.elf.Class != elf.ELFCLASS32 || rel == nil || rel.Type != elf.SHT_REL {
		return b
	}
	for entry := range slices.Chunk(f.contents(rel, maxContents), entrySize) {
		if len(entry) < entrySize {
			break
		}
		offset := uint64(f.elf.ByteOrder.Uint32(entry))
		if offset+maskSize <= uint64(len(b)) {
			clear(b[offset : offset+maskSize])
		}
	}
	return b
}

// known are the keys of .modinfo that causes are found by.
var known = []string{"vermagic", "srcversion", "version", "retpoline"}

// infoOtherwise reports whether .modinfo differs in keys that no cause is found by.
func (f *facts) infoOtherwise() bool {
	return slices.ContainsFunc(f.infoKeys(), func(key string) bool {
		return !slices.Contains(known, key) && !slices.Equal(f.infoA[key], f.infoB[key])
	})
}

// more returns a cause for what differs although an embedded path or time explains other differences, or nil.
func (c *comparison) more(found []Cause) *Cause {
	embedded := false
	for _, cause := range found {
		switch cause.ID {
		case OtherRelease, OtherCompiler, OtherConfig, OtherSource:
			return nil
		case BuildPath, TimeStamp:
			embedded = true
		}
	}
	where := slices.Clone(c.facts.unexplained)
	if c.facts.infoOtherwise() {
		where = append(where, ".modinfo")
	}
	if c.facts.symbolsOnlyA > 0 && c.facts.symbolsOnlyB > 0 {
		where = append(where, "names of symbols")
	}
	if !embedded || len(where) == 0 {
		return nil
	}
	return cause(OtherCode, "more than that differs, in %s, and the modules do not show why: another source, "+
		"configuration or compiler option%s", list(where), c.compared())
}

// compared states where a cause was looked for and not found, and where it could not be.
func (c *comparison) compared() string {
	var looked, not []string
	for _, place := range []struct {
		what     string
		sections []string
	}{
		{"release, configuration and source version (.modinfo)", []string{".modinfo"}},
		{"size of struct module", []string{".gnu.linkonce.this_module"}},
		{"compilers (.comment)", []string{".comment"}},
		{"symbol versions", []string{"__versions", "__version_ext_crcs"}},
		{"compilers and directories in debug information", []string{".debug_info", ".zdebug_info"}},
		{"names of symbols", []string{".symtab"}},
	} {
		if c.a.hasOne(place.sections) && c.b.hasOne(place.sections) {
			looked = append(looked, place.what)
		} else {
			not = append(not, place.what)
		}
	}
	text := "; compared: " + strings.Join(append(looked, "paths and times in texts"), ", ")
	if len(not) > 0 {
		text += "; not on both sides: " + strings.Join(not, ", ")
	}
	if large := c.large(); len(large) > 0 {
		text += fmt.Sprintf("; not examined, with more than %d bytes: %s", maxContents, list(large))
	}
	return text
}

// hasOne reports whether a file has one of these sections.
func (f *file) hasOne(keys []string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return f.sections[key] != nil })
}

// large returns the names of sections that differ and are too large to be looked into.
func (c *comparison) large() []string {
	var names []string
	for _, s := range c.sections {
		if s.Change == Changed && max(s.SizeA, s.SizeB) > maxContents {
			names = append(names, s.Name)
		}
	}
	return names
}
