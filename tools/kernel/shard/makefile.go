// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// mention matches a path in a Makefile. The variable says what it is relative to.
var mention = regexp.MustCompile(`\$[({](srctree|objtree|srcroot|src|obj)[)}]/([A-Za-z0-9_./+-]+)`)

// pattern matches a path with a stem, as in the prerequisite of a pattern rule.
var pattern = regexp.MustCompile(`\$[({](srctree|objtree|srcroot|src|obj)[)}]/([A-Za-z0-9_./+-]*)%([A-Za-z0-9_.+-]*)`)

// included matches what make includes by its path from the top.
var included = regexp.MustCompile(`(?m)^[ \t]*[-s]?include[ \t]+([A-Za-z0-9_./+-]+)`)

// mentioned returns paths that a Makefile of a directory mentions. Those with a variable need not exist.
func (t *Tree) mentioned(dir, makefile string) []string {
	f := t.files[makefile]
	if f == nil {
		return nil
	}
	var names []string
	for _, found := range mention.FindAllSubmatch(f.data, -1) {
		name := string(found[2])
		if variable := string(found[1]); variable == "src" || variable == "obj" {
			name = path.Join(dir, name)
		}
		names = append(names, path.Clean(name))
	}
	for _, found := range included.FindAllSubmatch(f.data, -1) {
		names = append(names, path.Clean(string(found[1])))
	}
	text := string(f.data)
	return slices.Concat(names, t.spelled(text), t.matched(dir, text))
}

// spelled returns the files that a Makefile names by their path from the top, such as include/scsi/scsi_devinfo.h: make runs
// there.
func (t *Tree) spelled(makefile string) []string {
	var names []string
	for _, name := range pathWord.FindAllString(makefile, -1) {
		if strings.Contains(name, "/") && t.exists(path.Clean(name)) {
			names = append(names, path.Clean(name))
		}
	}
	return names
}

// matched returns the files that the patterns of a Makefile stand for: those whose stem the Makefile has as a word, or as the
// end of one ($(obj)/lib-%.o: $(srctree)/lib/%.c, and lib-ctype.o), or all if it has none of them.
func (t *Tree) matched(dir, makefile string) []string {
	patterns := pattern.FindAllStringSubmatch(makefile, -1)
	if patterns == nil {
		return nil
	}
	var names []string
	words := wordsOf(makefile)
	for _, found := range patterns {
		prefix, suffix := found[2], found[3]
		if found[1] == "src" || found[1] == "obj" {
			prefix = dir + "/" + prefix
		}
		var all, named []string
		for _, name := range t.list(path.Dir(prefix + "%")) {
			stem, ok := stemOf(name, prefix, suffix)
			if !ok {
				continue
			}
			all = append(all, name)
			if words[strings.TrimSuffix(stem, path.Ext(stem))] {
				named = append(named, name)
			}
		}
		if len(named) == 0 {
			named = all
		}
		names = append(names, named...)
	}
	return names
}

var word = regexp.MustCompile(`[A-Za-z0-9_+-]+`)

// wordsOf returns the words of a text, and what follows each hyphen in them.
func wordsOf(text string) map[string]bool {
	words := map[string]bool{}
	for _, w := range word.FindAllString(text, -1) {
		for words[w] = true; ; words[w] = true {
			_, after, ok := strings.Cut(w, "-")
			if !ok {
				break
			}
			w = after
		}
	}
	return words
}

// stemOf returns the part of a name that a pattern has % for, if it matches.
func stemOf(name, prefix, suffix string) (string, bool) {
	rest, hasPrefix := strings.CutPrefix(name, prefix)
	stem, hasSuffix := strings.CutSuffix(rest, suffix)
	return stem, hasPrefix && hasSuffix && stem != ""
}
