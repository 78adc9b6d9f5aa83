// SPDX-License-Identifier: Apache-2.0

package gnumake

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// An Undecided is a part of a value that cannot be known from the files at hand.
type Undecided struct {
	Position Position
	// Reason states what stands there, such as "$(shell uname -r)".
	Reason string
	// NotEmpty is set where at least one character other than a blank is certain.
	NotEmpty bool
}

// Within a value an undecided part is one character, a mark: markBase plus its index in
// Evaluator.undecided. Text functions then carry it along without knowing it.
const (
	markBase = 0xF0000
	maxMarks = 0xFFF0
	// markByte starts the UTF-8 encoding of each mark.
	markByte = 0xF3
)

func isMark(r rune) bool {
	return r >= markBase && r < markBase+maxMarks
}

// hasMark reports whether a value has an undecided part.
func hasMark(s string) bool {
	return strings.IndexByte(s, markByte) >= 0 && strings.IndexFunc(s, isMark) >= 0
}

// onlyMarks returns the undecided parts of a value, each once.
func onlyMarks(s string) string {
	var b strings.Builder
	for _, r := range s {
		if isMark(r) && !strings.ContainsRune(b.String(), r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// mark returns the value that stands for an undecided part.
func (e *Evaluator) mark(u Undecided) string {
	i, ok := e.marks[u]
	if !ok {
		if i = len(e.undecided); i == maxMarks {
			e.fail("more than %d undecided values", maxMarks)
			return ""
		}
		e.undecided = append(e.undecided, u)
		e.marks[u] = i
	}
	return string(rune(markBase + i))
}

// undecidedHere returns the value of an undecided part at the place that is being
// evaluated.
func (e *Evaluator) undecidedHere(format string, args ...any) string {
	return e.mark(Undecided{Position: e.at, Reason: fmt.Sprintf(format, args...)})
}

// Undecided returns the undecided parts of a value in order of appearance, each once.
func (e *Evaluator) Undecided(value string) []Undecided {
	var all []Undecided
	for _, r := range onlyMarks(value) {
		all = append(all, e.undecided[r-markBase])
	}
	return all
}

// options are those of compilers and linkers whose argument is the next word.
var options = []string{
	"--imacros", "--include", "--param", "-D", "-I", "-L", "-T", "-U", "-Xassembler", "-Xlinker", "-Xpreprocessor",
	"-idirafter", "-imacros", "-include", "-iquote", "-isystem", "-mllvm", "-x",
}

// Words splits a value and returns the words that are decided. An option goes with its
// argument: without it, it would take the next word for one.
func Words(value string) []string {
	var words []string
	previous := ""
	for _, w := range strings.Fields(value) {
		switch {
		case !hasMark(w):
			words = append(words, w)
		case slices.Contains(options, previous):
			words = words[:len(words)-1]
		}
		previous = w
	}
	return words
}

// truth is the answer to a question about a value that may be partly undecided.
type truth int

const (
	no truth = iota
	yes
	maybe
)

// notEmpty answers whether a value has a character other than blanks.
func (e *Evaluator) notEmpty(value string) truth {
	answer := no
	for _, r := range value {
		switch {
		case isMark(r) && !e.undecided[r-markBase].NotEmpty:
			answer = maybe
		case strings.ContainsRune(spaces, r):
		default:
			return yes
		}
	}
	return answer
}

// equal answers whether two values are the same text.
func (e *Evaluator) equal(a, b string) truth {
	switch {
	case !hasMark(a) && !hasMark(b):
		if a == b {
			return yes
		}
		return no
	case !hasMark(b):
		return e.matches(a, b)
	case !hasMark(a):
		return e.matches(b, a)
	default:
		return maybe
	}
}

// matches answers no where text cannot be what the partly undecided value stands for.
func (e *Evaluator) matches(value, text string) truth {
	first := strings.IndexFunc(value, isMark)
	last := strings.LastIndexFunc(value, isMark)
	_, size := utf8.DecodeRuneInString(value[last:])
	prefix, suffix := value[:first], value[last+size:]
	if _, ok := (pattern{prefix, suffix, true}).match(text); !ok {
		return no
	}
	if strings.TrimSpace(text) == "" && e.notEmpty(value) == yes {
		return no
	}
	return maybe
}

// show returns a value as messages print it: undecided parts as their reasons, cut at a
// length that fits a line.
func (e *Evaluator) show(value string) string {
	var b strings.Builder
	for _, r := range value {
		if isMark(r) {
			b.WriteString(e.undecided[r-markBase].Reason)
		} else {
			b.WriteRune(r)
		}
	}
	return shorten(b.String())
}

// shorten puts a text on one line of at most 80 characters.
func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return s
}
