// SPDX-License-Identifier: Apache-2.0

package gnumake

import "strings"

// blanks are what separates words within a line.
const blanks = " \t\v\f\r"

// A line is one logical line: physical lines joined where a backslash ends them.
type line struct {
	// text still holds the backslash and newline of each continuation.
	text string
	// number of its first physical line, from 1.
	number int
}

// recipe reports whether the line has the form of a recipe line. It is one only after
// a rule.
func (l line) recipe() bool {
	return strings.HasPrefix(l.text, "\t")
}

// code returns what make looks at: continuations collapsed, comment and leading blanks
// gone. Trailing blanks stay, they belong to the value of an assignment.
func (l line) code() string {
	return strings.TrimLeft(stripComment(collapse(l.text)), blanks)
}

// splitLines cuts a Makefile into logical lines. Carriage returns before a newline are
// dropped, as make does.
func splitLines(text string) []line {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var lines []line
	for number := 1; text != ""; {
		end := logicalEnd(text)
		l := line{text: text[:end], number: number}
		lines = append(lines, l)
		number += strings.Count(l.text, "\n") + 1
		text = strings.TrimPrefix(text[end:], "\n")
	}
	return lines
}

// logicalEnd returns the length of the first logical line of text, without its newline.
func logicalEnd(text string) int {
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '\n')
		if i < 0 {
			return len(text)
		}
		end := from + i
		if trailingBackslashes(text[from:end])%2 == 0 {
			return end
		}
		from = end + 1
	}
}

func trailingBackslashes(s string) int {
	return len(s) - len(strings.TrimRight(s, `\`))
}

// collapse joins continued lines: backslash, newline and the blanks around them become
// one space. Pairs of backslashes before the one that continues are halved.
func collapse(text string) string {
	if !strings.Contains(text, "\\\n") {
		return text
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "\\\n")
		if !found {
			b.WriteString(text)
			return b.String()
		}
		kept := strings.TrimRight(before, `\`)
		kept += strings.Repeat(`\`, (len(before)-len(kept))/2)
		b.WriteString(strings.TrimRight(kept, blanks))
		b.WriteByte(' ')
		text = strings.TrimLeft(after, blanks)
	}
}

// stripComment cuts a collapsed line at its first number sign outside variable
// references, and takes the backslash off escaped ones.
func stripComment(s string) string {
	if strings.IndexByte(s, '#') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		switch {
		case s[i] == '$':
			end := skipReference(s, i)
			b.WriteString(s[i:end])
			i = end
		case s[i] == '\\':
			end := i + len(s[i:]) - len(strings.TrimLeft(s[i:], `\`))
			n := end - i
			if end == len(s) || s[end] != '#' {
				b.WriteString(s[i:end])
				i = end
				break
			}
			b.WriteString(strings.Repeat(`\`, n/2))
			if n%2 == 0 {
				return b.String()
			}
			b.WriteByte('#')
			i = end + 1
		case s[i] == '#':
			return b.String()
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String()
}

// skipReference returns the index after the variable reference that starts with the
// dollar sign at s[i]. An unterminated reference reaches to the end.
func skipReference(s string, i int) int {
	if i+1 >= len(s) {
		return len(s)
	}
	if end, ok := closing(s, i+1); ok {
		return end + 1
	}
	if s[i+1] == '(' || s[i+1] == '{' {
		return len(s)
	}
	return i + 2
}

// closing returns the index of the parenthesis or brace that matches the one at
// s[open]. Only the same kind counts, as in GNU make.
func closing(s string, open int) (int, bool) {
	var right byte
	switch s[open] {
	case '(':
		right = ')'
	case '{':
		right = '}'
	default:
		return 0, false
	}
	depth := 0
	for i := open; i < len(s); i++ {
		switch s[i] {
		case s[open]:
			depth++
		case right:
			if depth--; depth == 0 {
				return i, true
			}
		}
	}
	return 0, false
}
