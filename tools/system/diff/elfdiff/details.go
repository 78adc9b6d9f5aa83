// SPDX-License-Identifier: Apache-2.0

package elfdiff

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	// maxContents is the size in bytes of the largest section that is looked into.
	maxContents = 8 << 20
	// maxShown is how many names or texts are shown of each side, maxText how long each may be.
	maxShown = 5
	maxText  = 200
)

// details looks into a section. A or b is nil if that side has none. It also returns whether paths and times are all
// that differs in the texts of a section that holds texts.
func (c *comparison) details(kind Kind, a, b *section) (details []Detail, explained bool) {
	if kind == Code || kind == Data || kind == Debug {
		if a == nil || b == nil || !holdsText(a) || !holdsText(b) {
			return nil, false
		}
		return c.texts(kind, a, b)
	}
	return c.knownDetails(kind, a, b), false
}

// knownDetails looks into a section of a kind whose contents have a structure.
func (c *comparison) knownDetails(kind Kind, a, b *section) []Detail {
	inA, inB := c.a.contents(a, maxContents), c.b.contents(b, maxContents)
	switch kind {
	case ModInfo:
		return c.modInfo(inA, inB)
	case BuildID:
		return single("build-id", buildID(inA, c.a.elf.ByteOrder), buildID(inB, c.b.elf.ByteOrder))
	case Comment:
		return setDetail("compiler", distinct(split(inA)), distinct(split(inB)))
	case Versions:
		return c.versions(a, b, inA, inB)
	case BTF:
		return btf(inA, inB)
	case Symbols:
		return c.symbols(a, b)
	case Names:
		return c.renamed(a)
	}
	return nil
}

// single is a detail if the sides differ.
func single(what, a, b string) []Detail {
	if a == b {
		return nil
	}
	return []Detail{{what, a, b}}
}

// setDetail is a detail of what each side has and the other has not.
func setDetail(what string, a, b []string) []Detail {
	onlyA, onlyB := differences(a, b)
	return single(what, list(onlyA), list(onlyB))
}

// differences returns the elements, with their repetitions, that only one side has, in its order.
func differences(a, b []string) (onlyA, onlyB []string) {
	count := make(map[string]int, len(b))
	for _, s := range b {
		count[s]++
	}
	for _, s := range a {
		if count[s] > 0 {
			count[s]--
		} else {
			onlyA = append(onlyA, s)
		}
	}
	// What is left are the last ones of their name in b.
	for _, s := range slices.Backward(b) {
		if count[s] > 0 {
			count[s]--
			onlyB = append(onlyB, s)
		}
	}
	slices.Reverse(onlyB)
	return onlyA, onlyB
}

// list shows the first few texts.
func list(texts []string) string {
	var shown []string
	for _, text := range texts[:min(len(texts), maxShown)] {
		shown = append(shown, printable(text))
	}
	if more := len(texts) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(shown, ", ")
}

// printable returns a text as it can be shown on a terminal.
func printable(text string) string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "..."
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return strconv.Quote(text)
	}
	return text
}

// split returns the strings in a section of strings that end with NUL.
func split(b []byte) []string {
	return strings.FieldsFunc(string(b), func(r rune) bool { return r == 0 })
}

// distinct drops repetitions: each object that was linked names its compiler.
func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// modInfo compares the keys of .modinfo, some of which may be there several times.
func (c *comparison) modInfo(a, b []byte) []Detail {
	c.facts.infoA, c.facts.infoB = parseModInfo(a), parseModInfo(b)
	var details []Detail
	for _, key := range c.facts.infoKeys() {
		valuesA, valuesB := c.facts.infoA[key], c.facts.infoB[key]
		found := setDetail(printable(key), valuesA, valuesB)
		if found == nil && !slices.Equal(valuesA, valuesB) {
			found = []Detail{{printable(key), "the same values", "in another order"}}
		}
		details = append(details, found...)
	}
	return details
}

func parseModInfo(b []byte) map[string][]string {
	info := map[string][]string{}
	for _, entry := range split(b) {
		key, value, _ := strings.Cut(entry, "=")
		info[key] = append(info[key], value)
	}
	return info
}

// buildID returns the hex digits of a build-id note, "" if there is none: sizes of name and descriptor, type 3,
// "GNU\0", descriptor (elf(5), Notes).
func buildID(b []byte, order binary.ByteOrder) string {
	const headerSize, nameSize = 12, 4
	if len(b) < headerSize+nameSize || order.Uint32(b) != nameSize {
		return ""
	}
	id := b[headerSize+nameSize:]
	return hex.EncodeToString(id[:min(uint64(len(id)), uint64(order.Uint32(b[4:])))])
}

// versions compares the CRCs of __versions: struct modversion_info (include/linux/module.h), 64 bytes with a word
// for the CRC. The newer pair of sections is compared by its CRCs, if the names are the same.
func (c *comparison) versions(a, b *section, inA, inB []byte) []Detail {
	if a == nil || b == nil || a.Name != "__versions" {
		return nil
	}
	return c.crcs(parseVersions(inA, c.a.elf), parseVersions(inB, c.b.elf))
}

// crc is the version of one symbol.
type crc struct{ name, value string }

func parseVersions(b []byte, f *elf.File) []crc {
	const entrySize = 64
	word := 8
	if f.Class == elf.ELFCLASS32 {
		word = 4
	}
	var crcs []crc
	for entry := range slices.Chunk(b, entrySize) {
		if len(entry) < entrySize {
			break
		}
		name, _, _ := bytes.Cut(entry[word:], []byte{0})
		value := uint64(f.ByteOrder.Uint32(entry))
		if word == 8 {
			value = f.ByteOrder.Uint64(entry)
		}
		crcs = append(crcs, crc{string(name), fmt.Sprintf("%#08x", value)})
	}
	return crcs
}

// crcs compares versions by the names of symbols.
func (c *comparison) crcs(a, b []crc) []Detail {
	of := make(map[string]string, len(b))
	var namesA, namesB []string
	for _, v := range b {
		of[v.name] = v.value
		namesB = append(namesB, v.name)
	}
	var details []Detail
	for _, v := range a {
		namesA = append(namesA, v.name)
		if other, ok := of[v.name]; ok && other != v.value {
			c.facts.crcs++
			if c.facts.crcs <= maxShown {
				details = append(details, Detail{"CRC of " + printable(v.name), v.value, other})
			}
		}
	}
	if more := c.facts.crcs - len(details); more > 0 {
		details = append(details, Detail{"CRC of more symbols", strconv.Itoa(more), strconv.Itoa(more)})
	}
	return append(details, setDetail("needs", namesA, namesB)...)
}

// btf compares the sizes of the parts of BTF (struct btf_header, include/uapi/linux/btf.h).
func btf(a, b []byte) []Detail {
	const headerSize = 24
	if len(a) < headerSize || len(b) < headerSize {
		return nil
	}
	var details []Detail
	for _, part := range []struct {
		what   string
		offset int
	}{{"bytes of types", 12}, {"bytes of strings", 20}} {
		details = append(details, single(part.what, btfSize(a, part.offset), btfSize(b, part.offset))...)
	}
	return details
}

// btfSize reads a size in a header whose first two bytes, 0xeb9f, tell the byte order.
func btfSize(b []byte, offset int) string {
	if b[0] == 0xeb {
		return strconv.Itoa(int(binary.BigEndian.Uint32(b[offset:])))
	}
	return strconv.Itoa(int(binary.LittleEndian.Uint32(b[offset:])))
}

// symbols compares the names in the symbol table and their order.
func (c *comparison) symbols(a, b *section) []Detail {
	if a == nil || b == nil || max(a.Size, b.Size) > maxContents {
		return nil
	}
	namesA, namesB := symbolNames(c.a.elf), symbolNames(c.b.elf)
	onlyA, onlyB := differences(namesA, namesB)
	c.facts.symbolsOnlyA, c.facts.symbolsOnlyB = len(onlyA), len(onlyB)
	if len(onlyA)+len(onlyB) > 0 {
		return single("symbols", list(onlyA), list(onlyB))
	}
	if !slices.Equal(namesA, namesB) {
		i := firstDifference(namesA, namesB)
		c.facts.symbolOrder = true
		return []Detail{{fmt.Sprintf("order, from symbol %d on", i), printable(namesA[i]), printable(namesB[i])}}
	}
	return []Detail{{"values, not names", "", ""}}
}

// renamed compares the names of symbols if the table of symbols is the same, but their names are not: those have the
// same lengths.
func (c *comparison) renamed(names *section) []Detail {
	a, b := c.a.sections[".symtab"], c.b.sections[".symtab"]
	if names == nil || names.Name != ".strtab" || a == nil || b == nil || a.sum != b.sum {
		return nil
	}
	return c.symbols(a, b)
}

// symbolNames returns the names of a file's symbols; a section's symbol has the section's name.
func symbolNames(f *elf.File) []string {
	symbols, err := f.Symbols()
	if err != nil {
		return nil
	}
	names := make([]string, len(symbols))
	for i, s := range symbols {
		names[i] = s.Name
		if elf.ST_TYPE(s.Info) == elf.STT_SECTION && int(s.Section) < len(f.Sections) {
			names[i] = f.Sections[s.Section].Name
		}
	}
	return names
}

func firstDifference(a, b []string) int {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return i
}
