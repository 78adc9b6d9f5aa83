// SPDX-License-Identifier: Apache-2.0

package elfdiff

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxRoots is how many pairs of directories are followed up. A build has one or two: that of the objects and that of
// the sources.
const maxRoots = 8

// roots are pairs of directories, in A and in B, that held the same files of a build.
type roots [][2]string

// add enters what differs at the beginning of two absolute paths to the same file or directory, unless that is known.
func (r *roots) add(a, b string) {
	a, b = buildDirectories(a, b)
	if a == b || len(*r) == maxRoots || !path.IsAbs(a) || !path.IsAbs(b) || r.key(0, a) == r.key(1, b) && r.key(0, a) != "" {
		return
	}
	*r = append(*r, [2]string{a, b})
}

// buildDirectories returns what differs at the beginning of two paths to the same file. It leaves a directory of both:
// "/" and "." would be found everywhere.
func buildDirectories(a, b string) (string, string) {
	a, b = path.Clean(a), path.Clean(b)
	for a != b && path.Base(a) == path.Base(b) && hasParent(a) && hasParent(b) {
		a, b = path.Dir(a), path.Dir(b)
	}
	return a, b
}

func hasParent(name string) bool {
	dir := path.Dir(name)
	return dir != "/" && dir != "."
}

// key is the same for texts of A (side 0) and of B (side 1) that differ in the directories of the build alone, ""
// for a text that names none.
func (r roots) key(side int, text string) string {
	replaced := text
	for _, i := range r.longestFirst(side) {
		// No text holds NUL.
		replaced = replaceDirectory(replaced, r[i][side], "\x00"+string(rune('0'+i)))
	}
	if replaced == text {
		return ""
	}
	return replaced
}

// longestFirst returns the indices of roots, so that a directory comes ahead of the one that it is in.
func (r roots) longestFirst(side int) []int {
	order := make([]int, len(r))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(len(r[j][side]), len(r[i][side])) })
	return order
}

// replaceDirectory replaces dir, where it is not just the beginning of another name. "/" is one at the beginning of a
// text only.
func replaceDirectory(text, dir, with string) string {
	if dir == "/" {
		return replaceTop(text, with)
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, dir)
		out.WriteString(before)
		switch {
		case !found:
			return out.String()
		case after != "" && isNameByte(after[0]):
			out.WriteString(dir)
		default:
			out.WriteString(with)
			// The rest of this path is not the beginning of another one.
			below := strings.IndexFunc(after, func(r rune) bool { return r != '/' && r < 0x80 && !isNameByte(byte(r)) })
			if below < 0 {
				below = len(after)
			}
			out.WriteString(after[:below])
			after = after[below:]
		}
		text = after
	}
}

func replaceTop(text, with string) string {
	switch {
	case text == "/":
		return with
	case strings.HasPrefix(text, "/"):
		return with + text
	}
	return text
}

// isNameByte reports whether a byte after a directory's name goes on with the name.
func isNameByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || strings.IndexByte("._-+~@", b) >= 0 || b >= 0x80
}

// sourceFile matches what the compiler puts in place of __FILE__.
var sourceFile = regexp.MustCompile(`^[^\n%]+\.(?:c|h|S|s|cc|cpp|hpp|rs|inc|l|y)$`)

// sourceKey is the name of a source file, "" for other texts.
func sourceKey(text string) string {
	if !sourceFile.MatchString(text) {
		return ""
	}
	return path.Base(text)
}

// findRoots looks for the directories that both modules were built in: debug information names them. Texts in data
// that are paths may be anything that the source asks for, so that there only those of source files count.
func (c *comparison) findRoots() {
	unitsA, unitsB := c.a.units(), c.b.units()
	units := pairUnits(unitsA, unitsB)
	for _, p := range units {
		c.roots.add(p[0].directory, p[1].directory)
		c.split = c.split || p[0].split
	}
	for _, p := range units {
		if path.IsAbs(p[0].name) && path.IsAbs(p[1].name) && path.Base(p[0].name) == path.Base(p[1].name) {
			c.roots.add(p[0].name, p[1].name)
		}
	}
	if len(unitsA) == 0 || len(unitsB) == 0 {
		c.guessRoots()
	}
	for _, key := range c.a.keys {
		a, b := c.a.sections[key], c.b.sections[key]
		if b == nil || a.sum == b.sum || kindOf(a) != Data || !holdsText(a) {
			continue
		}
		onlyA, onlyB := c.differingTexts(a, b)
		_, _, found := pairs(onlyA, onlyB, sourceKey, sourceKey)
		for _, p := range found {
			c.roots.add(p[0], p[1])
		}
	}
	c.facts.buildPaths = slices.Clone(c.roots)
}

// differingTexts returns the texts that one side alone has.
func (c *comparison) differingTexts(a, b *section) (onlyA, onlyB []string) {
	textsA, _ := textsIn(a, c.a.contents(a, maxContents))
	textsB, _ := textsIn(b, c.b.contents(b, maxContents))
	onlyA, onlyB = differences(textsA, textsB)
	return onlyA[:min(len(onlyA), maxTexts)], onlyB[:min(len(onlyB), maxTexts)]
}

// pairUnits pairs units by the names of their files, in their order; if no name is the same, the first ones.
func pairUnits(a, b []unit) [][2]unit {
	named := map[string][]unit{}
	for _, u := range b {
		named[path.Base(u.name)] = append(named[path.Base(u.name)], u)
	}
	var found [][2]unit
	for _, u := range a {
		base := path.Base(u.name)
		if others := named[base]; len(others) > 0 {
			found = append(found, [2]unit{u, others[0]})
			named[base] = others[1:]
		}
	}
	if len(found) == 0 && len(a) > 0 && len(b) > 0 {
		found = append(found, [2]unit{a[0], b[0]})
	}
	return found
}

// maxGuesses is how many paths of each side are compared with all of the other.
const maxGuesses = 64

// guessRoots takes the roots from the texts of debug information whose units cannot be read: those that make most
// texts equal.
func (c *comparison) guessRoots() {
	for _, name := range []string{".debug_line_str", ".debug_str", ".zdebug_str"} {
		a, b := c.a.sections[name], c.b.sections[name]
		if a == nil || b == nil || a.sum == b.sum {
			continue
		}
		onlyA, onlyB := c.differingTexts(a, b)
		for range 2 {
			onlyA, onlyB = c.guessRoot(onlyA, onlyB)
		}
	}
}

// guessRoot enters the best pair, and returns the texts that it does not make equal.
func (c *comparison) guessRoot(onlyA, onlyB []string) (restA, restB []string) {
	best, most := roots{}, 0
	for _, a := range buildPaths(onlyA) {
		for _, b := range buildPaths(onlyB) {
			var guess roots
			guess.add(a, b)
			_, _, found := guess.pairs(onlyA, onlyB)
			if len(found) > most {
				best, most = guess, len(found)
			}
		}
	}
	if most == 0 {
		return onlyA, onlyB
	}
	c.roots.add(best[0][0], best[0][1])
	restA, restB, _ = best.pairs(onlyA, onlyB)
	return restA, restB
}

// toolchainDirectories are parts of paths that the compiler's version decides, not the build.
var toolchainDirectories = []string{"/lib/gcc/", "/lib/clang/", "/rustc/", "/usr/include"}

// buildPaths returns the first texts that are absolute paths, but for those of the toolchain.
func buildPaths(texts []string) []string {
	var found []string
	for _, text := range texts {
		ofToolchain := slices.ContainsFunc(toolchainDirectories, func(part string) bool { return strings.Contains(text, part) })
		if path.IsAbs(text) && !strings.ContainsAny(text, "\n%") && !ofToolchain && len(found) < maxGuesses {
			found = append(found, text)
		}
	}
	return found
}

// pairs takes texts that differ in the directories of the build alone out of the lists.
func (r roots) pairs(a, b []string) (restA, restB []string, found [][2]string) {
	return pairs(a, b, func(text string) string { return r.key(0, text) }, func(text string) string { return r.key(1, text) })
}
