// SPDX-License-Identifier: Apache-2.0

package elfdiff

import (
	"debug/elf"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// minText is how many bytes in a row make a text among other data.
	minText = 4
	// maxTexts is how many different texts of each side are compared.
	maxTexts = 4096
)

// textSections hold texts among other data, by the beginning of their names.
var textSections = []string{
	".rodata", ".data", ".init.rodata", ".init.data", ".debug_str", ".debug_line_str", ".zdebug_str", "__ksymtab_strings", "__param",
}

func holdsText(s *section) bool {
	for _, prefix := range textSections {
		if strings.HasPrefix(s.Name, prefix) {
			return true
		}
	}
	return false
}

// texts compares the texts in two sections: paths and times first, which tell a cause. It also returns whether these
// are all that differs in the texts.
func (c *comparison) texts(kind Kind, a, b *section) (details []Detail, explained bool) {
	onlyA, onlyB := c.differingTexts(a, b)
	onlyA, onlyB, paths := c.roots.pairs(onlyA, onlyB)
	if kind == Data {
		var sources [][2]string
		onlyA, onlyB, sources = pairs(onlyA, onlyB, sourceKey, sourceKey)
		for _, p := range sources {
			c.facts.addBuildPath(p[0], p[1])
		}
		paths = append(paths, sources...)
	}
	details = pairDetails("path", paths)
	onlyA, onlyB, times := pairs(onlyA, onlyB, timeKey, timeKey)
	c.facts.times = append(c.facts.times, times...)
	details = append(details, pairDetails("time", times)...)
	c.facts.producers = append(c.facts.producers, producers(onlyA, onlyB)...)
	if len(onlyA)+len(onlyB) == 0 {
		return details, kind == Debug || len(details) > 0
	}
	return append(details, Detail{"texts", list(onlyA), list(onlyB)}), false
}

// textsIn returns the texts in a section, and what is left of it.
func textsIn(s *section, contents []byte) (texts []string, rest []byte) {
	if s.Flags&elf.SHF_STRINGS != 0 || slices.Contains(stringSections, s.Name) {
		return split(contents), nil
	}
	return printables(contents)
}

// stringSections hold nothing but strings, though not all compilers mark them so.
var stringSections = []string{".debug_str", ".debug_line_str", ".zdebug_str"}

// printables returns the runs of printable text that end with NUL, and what is left, NUL bytes in a row as one: how
// many there are depends on the lengths of texts.
func printables(b []byte) (texts []string, rest []byte) {
	start := 0
	for i, char := range b {
		switch {
		case char >= ' ' && char != 0x7f, char == '\t', char == '\n':
			continue
		case char == 0 && i-start >= minText && utf8.Valid(b[start:i]):
			texts = append(texts, string(b[start:i]))
		default:
			rest = append(rest, b[start:i]...)
		}
		if char != 0 || len(rest) > 0 && rest[len(rest)-1] != 0 {
			rest = append(rest, char)
		}
		start = i + 1
	}
	return texts, append(rest, b[start:]...)
}

// pairs takes texts of both sides that have the same key out of the lists and pairs them up. A text whose key is
// "" stays.
func pairs(a, b []string, keyA, keyB func(string) string) (restA, restB []string, found [][2]string) {
	waiting := map[string][]string{}
	for _, text := range b {
		if k := keyB(text); k != "" {
			waiting[k] = append(waiting[k], text)
		} else {
			restB = append(restB, text)
		}
	}
	for _, text := range a {
		k := keyA(text)
		if others := waiting[k]; len(others) > 0 {
			found = append(found, [2]string{text, others[0]})
			waiting[k] = others[1:]
		} else {
			restA = append(restA, text)
		}
	}
	// In the order of b again.
	for _, text := range b {
		k := keyB(text)
		if others := waiting[k]; k != "" && len(others) > 0 && others[0] == text {
			restB = append(restB, text)
			waiting[k] = others[1:]
		}
	}
	return restA, restB, found
}

func pairDetails(what string, pairs [][2]string) []Detail {
	var details []Detail
	for _, p := range pairs[:min(len(pairs), maxShown)] {
		details = append(details, Detail{what, printable(p[0]), printable(p[1])})
	}
	return details
}

// timePattern knows what __DATE__, __TIME__, date(1) and ISO 8601 write.
var timePattern = regexp.MustCompile(`(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? |` +
	`(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d{1,2}(?: +\d{4})?|` +
	`\d{4}-\d{2}-\d{2}|\d{2}:\d{2}:\d{2}`)

// timeKey is the same for texts that differ in times alone.
func timeKey(text string) string {
	key := timePattern.ReplaceAllString(text, "\x00")
	if key == text {
		return ""
	}
	return key
}

// producers pairs the compilers' names and options in debug information (DW_AT_producer).
func producers(a, b []string) [][2]string {
	var found [][2]string
	first := func(texts []string) string {
		for _, text := range texts {
			if strings.HasPrefix(text, "GNU ") || strings.Contains(text, "clang version ") {
				return text
			}
		}
		return ""
	}
	if p := [2]string{first(a), first(b)}; p[0] != "" && p[1] != "" {
		found = append(found, p)
	}
	return found
}
