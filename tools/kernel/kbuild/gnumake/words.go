// SPDX-License-Identifier: Apache-2.0

package gnumake

import "strings"

// spaces are what separates words in a value.
const spaces = " \t\n\v\f\r"

// wordStart returns the length of the spaces at the start of a text.
func wordStart(text string) int {
	return len(text) - len(strings.TrimLeft(text, spaces))
}

// wordEnd returns the length of the text up to its first space.
func wordEnd(text string) int {
	if i := strings.IndexAny(text, spaces); i >= 0 {
		return i
	}
	return len(text)
}

// skipWords returns what follows the first n words and the spaces after them.
func skipWords(text string, n int) string {
	text = text[wordStart(text):]
	for ; n > 0 && text != ""; n-- {
		text = text[wordEnd(text):]
		text = text[wordStart(text):]
	}
	return text
}

// A pattern is a word in which the first unescaped % matches any text.
type pattern struct {
	prefix, suffix string
	// stem is set where there is a %.
	stem bool
}

// newPattern reads a pattern; a backslash takes the meaning off a %.
func newPattern(s string) pattern {
	var prefix strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			return pattern{prefix.String(), s[i+1:], true}
		}
		if n := len(s[i:]) - len(strings.TrimLeft(s[i:], `\`)); n > 0 {
			if i+n < len(s) && s[i+n] == '%' {
				prefix.WriteString(strings.Repeat(`\`, n/2))
				if i += n; n%2 == 0 {
					return pattern{prefix.String(), s[i+1:], true}
				}
				prefix.WriteByte('%')
				continue
			}
			prefix.WriteString(s[i : i+n])
			i += n - 1
			continue
		}
		prefix.WriteByte(s[i])
	}
	return pattern{prefix: prefix.String()}
}

// match reports whether the pattern matches a word, and what its % stands for.
func (p pattern) match(word string) (stem string, ok bool) {
	if !p.stem {
		return "", word == p.prefix
	}
	rest, ok := strings.CutPrefix(word, p.prefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, p.suffix)
}

// substitute returns the word with the replacement where the pattern matches.
func (p pattern) substitute(to pattern, word string) string {
	stem, ok := p.match(word)
	switch {
	case !ok:
		return word
	case !p.stem:
		return to.replace("%")
	default:
		return to.replace(stem)
	}
}

// replace returns the pattern with a stem in place of its %.
func (p pattern) replace(stem string) string {
	if !p.stem {
		return p.prefix
	}
	return p.prefix + stem + p.suffix
}

// directory returns the part of a file name up to its last slash, "./" without one.
func directory(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i+1]
	}
	return "./"
}

// notDirectory returns the part of a file name after its last slash.
func notDirectory(name string) string {
	return name[strings.LastIndexByte(name, '/')+1:]
}

// suffixAt returns where the suffix of a file name starts, its length if it has none.
func suffixAt(name string) int {
	if i := strings.LastIndexByte(name, '.'); i > strings.LastIndexByte(name, '/') {
		return i
	}
	return len(name)
}
