// SPDX-License-Identifier: Apache-2.0

// Package csource finds in the text of C and assembler sources which symbols they export
// to modules, which files they include and which identifiers they use.
//
// It does not preprocess: both sides of an #if count, and a macro that exports under
// another name than the kernel's own is not seen. What is found is therefore a good guess
// for resolving dependencies between modules, never the truth that modpost has.
//
// Source: include/linux/export.h, percpu-defs.h, static_call.h, tracepoint.h and pm.h of
// Linux 7.2, include/kunit/visibility.h, include/acpi/platform/aclinux.h.
package csource

import (
	"regexp"
	"slices"
	"strings"
)

// An Export is a symbol that a source exports.
type Export struct {
	Symbol string
	// GPL is set if only modules with a GPL-compatible licence may use it.
	GPL bool
	// Namespace that a user must import; empty if none. "module:a,b" means that only these
	// modules may use it.
	Namespace string
}

// A Source is what was found in one file.
type Source struct {
	// Exports in order of appearance.
	Exports []Export
	// Includes holds the operands of #include "…", in order of appearance, each once.
	Includes []string
	// SystemIncludes holds the operands of #include <…> likewise.
	SystemIncludes []string
	// MacroIncludes holds the macros that #include NAME has for an operand, and Operands what
	// macros are defined as that may be one: NAME, and the text with its quotes or brackets.
	MacroIncludes []string
	Operands      []Operand
	// Embedded holds the files of .incbin, of #embed, and of macros whose name has incbin in
	// it. Those of .include are among Includes.
	Embedded []string
	// Identifiers holds every identifier outside comments and strings, sorted, each once.
	Identifiers []string
	// Functions holds the names of the functions that are defined here, in order of appearance,
	// and those of attributes with arguments next to them: what the rest of the source means by
	// them is not a symbol of another module.
	Functions []string
}

// An Operand is a macro that stands for a file to be included.
type Operand struct{ Name, Text string }

// Scan reads a source. Every text gives a result.
func Scan(text string) Source {
	s := &scanner{text: text, seen: make(map[string]bool)}
	s.scan()
	found := s.included()
	found.Exports, found.Functions = s.exports(), s.functions
	for name := range s.seen {
		found.Identifiers = append(found.Identifiers, name)
	}
	slices.Sort(found.Identifiers)
	return found
}

// ScanIncludes reads of a source which files it includes, and nothing else: headers of drivers hold a million names of
// registers, which nobody asks for.
func ScanIncludes(text string) Source {
	s := &scanner{text: text, includesOnly: true}
	s.scan()
	return s.included()
}

func (s *scanner) included() Source {
	s.assembler()
	slices.Sort(s.embeds)
	return Source{
		Includes: s.includes, SystemIncludes: s.systemIncludes, MacroIncludes: s.macroIncludes, Operands: s.operands,
		Embedded: slices.Compact(s.embeds),
	}
}

var (
	// assembled finds directives of the assembler, in its sources or in a string of C.
	assembled = regexp.MustCompile(`\.(incbin|include)[ \t]+\\?"([^"\\\n]+)\\?"`)
	// called finds macros that end up in such a directive.
	called = regexp.MustCompile(`(?i)\b\w*incbin\w*[ \t]*\(([^()\n]*)\)`)
	// literal finds a string.
	literal = regexp.MustCompile(`"([^"\\\n]+)"`)
)

// assembler finds what the assembler is to read.
func (s *scanner) assembler() {
	if strings.Contains(s.text, ".incbin") || strings.Contains(s.text, ".include") {
		for _, found := range assembled.FindAllStringSubmatch(s.text, -1) {
			if found[1] == "include" {
				s.addOnce(&s.includes, found[2], `"`)
			} else {
				s.embeds = append(s.embeds, found[2])
			}
		}
	}
	if strings.Contains(s.text, "incbin") || strings.Contains(s.text, "INCBIN") {
		for _, call := range called.FindAllStringSubmatch(s.text, -1) {
			for _, found := range literal.FindAllStringSubmatch(call[1], -1) {
				s.embeds = append(s.embeds, found[1])
			}
		}
	}
}

// maxCall is how many tokens an EXPORT_… call may have.
const maxCall = 16

// kind of a token: an identifier, a string, or any other character but blanks.
type kind byte

const (
	identifier kind = iota
	quoted
	other
)

type token struct {
	kind kind
	// text of an identifier, of a string without its quotes, or the character.
	text string
}

// scanner splits a source into tokens; those of EXPORT_… calls are kept.
type scanner struct {
	text string
	pos  int
	// includesOnly skips all but comments and #include.
	includesOnly bool
	// call holds the tokens of the call that is being read, calls those that are complete.
	call     []token
	calls    [][]token
	includes []string
	// functions are those that are defined.
	functions []string
	outline   outline
	// systemIncludes are those in angle brackets.
	systemIncludes []string
	// macroIncludes, operands and embeds are what [Source] has.
	macroIncludes []string
	operands      []Operand
	embeds        []string
	// addedOnce has what stands in the lists of includes, with its quotes or brackets.
	addedOnce map[string]bool
	seen      map[string]bool
	// namespace is what DEFAULT_SYMBOL_NAMESPACE was last defined as.
	namespace string
	// namespaces holds it for each of calls.
	namespaces []string
}

func (s *scanner) scan() {
	lineStart := true
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		switch {
		case c == '\n':
			lineStart = true
			s.pos++
			continue
		case c == ' ' || c >= '\t' && c <= '\r':
			s.pos++
			continue
		case s.comment():
			continue
		case c == '#' && lineStart:
			s.directive()
		case s.includesOnly:
			s.skipToken()
		default:
			s.take(s.token())
		}
		lineStart = false
	}
}

// comment skips a comment, if there is one.
func (s *scanner) comment() bool {
	rest := s.text[s.pos:]
	var end string
	switch {
	case strings.HasPrefix(rest, "//"):
		end = "\n"
	case strings.HasPrefix(rest, "/*"):
		end = "*/"
	default:
		return false
	}
	n := strings.Index(rest[2:], end)
	switch {
	case n < 0:
		s.pos = len(s.text)
	case end == "\n":
		s.pos += 2 + n
	default:
		s.pos += 2 + n + len(end)
	}
	return true
}

// skipToken skips at least one character, and nothing that a comment or a line may begin in.
func (s *scanner) skipToken() {
	if c := s.text[s.pos]; c == '"' || c == '\'' {
		s.pos++
		s.quoted(c)
		return
	}
	if n := strings.IndexAny(s.text[s.pos+1:], "\n/\"'"); n >= 0 {
		s.pos += 1 + n
	} else {
		s.pos = len(s.text)
	}
}

// token reads one token; the position is at its first character.
func (s *scanner) token() token {
	start := s.pos
	c := s.text[start]
	s.pos++
	switch {
	case isLetter(c):
		for s.pos < len(s.text) && (isLetter(s.text[s.pos]) || isDigit(s.text[s.pos])) {
			s.pos++
		}
		name := s.text[start:s.pos]
		s.seen[name] = true
		return token{identifier, name}
	case isDigit(c):
		for s.pos < len(s.text) && (isLetter(s.text[s.pos]) || isDigit(s.text[s.pos])) {
			s.pos++
		}
	case c == '"' || c == '\'':
		return token{quoted, s.quoted(c)}
	}
	return token{other, s.text[start:s.pos]}
}

// quoted reads up to a closing quote or the end of the line: an apostrophe in assembler or
// in a false #if must not swallow the rest.
func (s *scanner) quoted(quote byte) string {
	start := s.pos
	for s.pos < len(s.text) && s.text[s.pos] != '\n' {
		switch s.text[s.pos] {
		case quote:
			s.pos++
			return s.text[start : s.pos-1]
		case '\\':
			s.pos++
		}
		s.pos++
	}
	s.pos = min(s.pos, len(s.text))
	return s.text[start:s.pos]
}

func isLetter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// directive reads the start of a preprocessor line. Macros that are defined there do not
// export anything by themselves.
func (s *scanner) directive() {
	s.pos++
	s.skipBlanks()
	name := s.word()
	switch name {
	case "include", "include_next", "import":
		s.skipBlanks()
		s.include()
	case "embed":
		s.skipBlanks()
		if found := literal.FindStringSubmatch(s.text[s.pos:s.lineEnd(s.pos)]); found != nil {
			s.embeds = append(s.embeds, found[1])
		}
		s.pos = s.lineEnd(s.pos)
	case "define":
		s.skipBlanks()
		s.define(s.word())
		s.body()
	case "undef":
		s.skipBlanks()
		if s.word() == "DEFAULT_SYMBOL_NAMESPACE" {
			s.namespace = ""
		}
	}
	s.call = nil
}

// define notes a macro that may be the operand of #include, or the namespace of exports.
func (s *scanner) define(name string) {
	start := s.pos
	s.skipBlanks()
	text := strings.TrimSpace(s.text[s.pos:s.lineEnd(s.pos)])
	if name == "DEFAULT_SYMBOL_NAMESPACE" {
		s.namespace = strings.Trim(text, `"`)
		return
	}
	if s.pos > start && len(text) > 2 && len(text) < maxOperand && (text[0] == '"' || text[0] == '<') {
		s.operands = append(s.operands, Operand{name, text})
	}
	s.pos = start
}

// maxOperand is the length of the longest text that is taken for a file's name.
const maxOperand = 4096

// include reads the operand of #include; the position is at its first character.
func (s *scanner) include() {
	end := s.lineEnd(s.pos)
	switch rest := s.text[s.pos:end]; {
	case strings.HasPrefix(rest, `"`):
		s.pos++
		s.addOnce(&s.includes, s.quoted('"'), `"`)
		return
	case strings.HasPrefix(rest, "<"):
		if name, _, ok := strings.Cut(rest[1:], ">"); ok {
			s.addOnce(&s.systemIncludes, name, "<")
		}
	case rest != "" && isLetter(rest[0]):
		s.addOnce(&s.macroIncludes, s.word(), "")
	}
	s.pos = end
}

// addOnce adds a name of a kind to a list.
func (s *scanner) addOnce(to *[]string, name, kind string) {
	if s.addedOnce == nil {
		s.addedOnce = make(map[string]bool)
	}
	if !s.addedOnce[kind+name] {
		s.addedOnce[kind+name] = true
		*to = append(*to, name)
	}
}

// body reads the identifiers of a macro up to the end of its last continued line.
func (s *scanner) body() {
	end := s.lineEnd(s.pos)
	for end > 0 && end < len(s.text) && s.text[end-1] == '\\' {
		end = s.lineEnd(end + 1)
	}
	for s.pos < end {
		switch {
		case s.comment():
		case s.includesOnly:
			s.skipToken()
		default:
			s.token()
		}
	}
}

func (s *scanner) skipBlanks() {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\t') {
		s.pos++
	}
}

// word reads the letters and digits that follow.
func (s *scanner) word() string {
	start := s.pos
	for s.pos < len(s.text) && (isLetter(s.text[s.pos]) || isDigit(s.text[s.pos])) {
		s.pos++
	}
	return s.text[start:s.pos]
}

func (s *scanner) lineEnd(from int) int {
	if n := strings.IndexByte(s.text[from:], '\n'); n >= 0 {
		return from + n
	}
	return len(s.text)
}

// An outline states which tokens are outside of braces, and which name a brace belongs to.
type outline struct {
	braces, parentheses int
	// last is the identifier before the token at hand.
	last string
	// called are those before parentheses in the declaration at hand: a function's name, and
	// those of attributes and the like.
	called []string
	// closed is set right after such a parenthesis.
	closed bool
}

// next takes a token, and returns the names that a function's body may belong to if it
// opens one.
func (o *outline) next(t token) (functions []string) {
	closed := o.closed
	o.closed = false
	if t.kind == identifier {
		o.last = t.text
		return nil
	}
	switch t.text {
	case "{":
		if closed && o.braces == 0 {
			functions = o.called
		}
		o.called = nil
		o.braces++
	case "}":
		// An #if with a brace in each branch leaves too many open: then functions are missed.
		o.braces = max(0, o.braces-1)
		o.called = nil
	case ";", "=":
		o.called = nil
	case "(":
		if o.parentheses == 0 && o.braces == 0 && o.last != "" {
			o.called = append(o.called, o.last)
		}
		o.parentheses++
	case ")":
		o.parentheses = max(0, o.parentheses-1)
		o.closed = o.parentheses == 0
	}
	if t.kind == other {
		o.last = ""
	}
	return functions
}

// take adds a token to the call it belongs to, and notes the functions that are defined.
func (s *scanner) take(t token) {
	s.functions = append(s.functions, s.outline.next(t)...)
	if name := strings.TrimPrefix(t.text, "ACPI_"); t.kind == identifier && strings.HasPrefix(name, "EXPORT_") {
		// ACPI_EXPORT_SYMBOL is EXPORT_SYMBOL: include/acpi/platform/aclinux.h.
		s.call = []token{{identifier, name}}
		return
	}
	if s.call == nil {
		return
	}
	s.call = append(s.call, t)
	switch {
	case len(s.call) == 2 && t.text != "(" || len(s.call) > maxCall:
		s.call = nil
	case t.kind == other && t.text == ")":
		s.calls = append(s.calls, s.call)
		s.namespaces = append(s.namespaces, s.namespace)
		s.call = nil
	}
}

// exports turns the calls into exported symbols.
func (s *scanner) exports() []Export {
	var all []Export
	for i, call := range s.calls {
		all = append(all, exported(call, s.namespaces[i])...)
	}
	return all
}

// exported reads MACRO ( NAME [, …] [, NAMESPACE] ).
func exported(call []token, namespace string) []Export {
	macro, name := call[0].text, call[2].text
	if call[2].kind != identifier {
		return nil
	}
	e := Export{
		GPL:       strings.Contains(macro, "_GPL") || strings.HasPrefix(macro, "EXPORT_SYMBOL_FOR_"),
		Namespace: namespace,
	}
	switch last := call[len(call)-2].text; {
	case macro == "EXPORT_SYMBOL_IF_KUNIT":
		e.Namespace = "EXPORTED_FOR_KUNIT_TESTING"
	case len(call) < 6:
	case strings.Contains(macro, "_NS_"), strings.HasSuffix(macro, "_NS"):
		e.Namespace = last
	case strings.HasSuffix(macro, "_FOR_MODULES"):
		e.Namespace = "module:" + last
	}
	var all []Export
	for _, symbol := range symbols(macro, name) {
		e.Symbol = symbol
		all = append(all, e)
	}
	return all
}

// symbols returns what a macro of the kernel exports for a name.
func symbols(macro, name string) []string {
	switch {
	case strings.HasPrefix(macro, "EXPORT_SYMBOL"), strings.HasPrefix(macro, "EXPORT_PER_CPU_SYMBOL"),
		strings.HasSuffix(macro, "_PM_OPS"):
		return []string{name}
	case strings.HasPrefix(macro, "EXPORT_TRACEPOINT_SYMBOL"):
		return []string{"__tracepoint_" + name, "__traceiter_" + name, "__SCK__tp_func_" + name}
	case strings.HasPrefix(macro, "EXPORT_STATIC_CALL_TRAMP"):
		return []string{"__SCT__" + name}
	case strings.HasPrefix(macro, "EXPORT_STATIC_CALL"):
		return []string{"__SCK__" + name, "__SCT__" + name}
	}
	return nil
}
