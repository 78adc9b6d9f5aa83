// SPDX-License-Identifier: Apache-2.0

package gnumake

import (
	"fmt"
	"strings"
)

// A Makefile is a parsed file. It is not changed by evaluation and may be shared.
type Makefile struct {
	name  string
	stmts []statement
}

// A Position is a place in a Makefile.
type Position struct {
	// File is the path as make was given it.
	File string
	// Line counts from 1; 0 stands for the file as a whole.
	Line int
}

// String returns "FILE:LINE", or FILE for the file as a whole.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// A SyntaxError is a Makefile that cannot be read.
type SyntaxError struct {
	Position Position
	Message  string
}

// Error names the place.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: %s", e.Position, e.Message)
}

// A statement is what one line of a Makefile, or a conditional with all its branches,
// states. Its texts are not expanded yet.
type statement interface{ at() int }

type lineNumber int

func (n lineNumber) at() int { return int(n) }

// operator is how an assignment gives its variable a value.
type operator string

const (
	opRecursive operator = "="
	opSimple    operator = ":="
	opPosix     operator = "::="
	opImmediate operator = ":::="
	opAppend    operator = "+="
	opIfUnset   operator = "?="
	opShell     operator = "!="
)

// operators, longest first.
var operators = []operator{opImmediate, opPosix, opSimple, opAppend, opIfUnset, opShell, opRecursive}

type assignment struct {
	lineNumber
	name     string
	op       operator
	value    string
	override bool
	export   bool
}

// A conditional holds the tests in order; the last may be a plain else.
type conditional struct {
	lineNumber
	branches []branch
}

type branch struct {
	lineNumber
	// keyword is ifeq, ifneq, ifdef or ifndef; empty for a plain else.
	keyword string
	// left and right are what ifeq and ifneq compare; left is what ifdef and ifndef name.
	left, right string
	body        []statement
}

type inclusion struct {
	lineNumber
	paths    string
	optional bool
}

type exportation struct {
	lineNumber
	names string
	// off is set for unexport.
	off bool
}

type undefinition struct {
	lineNumber
	name string
}

// A rule is any other line: a rule, or text that must expand to one or to nothing.
type rule struct {
	lineNumber
	text string
	// recipe is set if the rule has one, be it empty. recipes are its lines.
	recipe  bool
	recipes []string
}

// Parse reads a Makefile. The name is used in messages only. An error is a
// [*SyntaxError] with the first line that makes no sense.
func Parse(name, text string) (*Makefile, error) {
	if err := checkText(name, text); err != nil {
		return nil, err
	}
	p := &parser{name: name, lines: splitLines(text)}
	stmts := p.file()
	if p.err != nil {
		return nil, p.err
	}
	return &Makefile{name: name, stmts: stmts}, nil
}

// maxMakefile is the size of the largest Makefile that is read, in bytes. The largest in
// Linux has about 100,000.
const maxMakefile = 4 << 20

// maxNesting bounds conditionals in conditionals.
const maxNesting = 100

func checkText(name, text string) error {
	at := func(i int) Position {
		return Position{name, strings.Count(text[:i], "\n") + 1}
	}
	if len(text) > maxMakefile {
		message := fmt.Sprintf("contains more than %d bytes", maxMakefile)
		return &SyntaxError{Position{File: name}, message}
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return &SyntaxError{at(i), "contains a NUL byte: it is not a Makefile"}
	}
	if i := strings.IndexFunc(text, isMark); i >= 0 {
		return &SyntaxError{at(i), "contains a character of the private use plane U+F0000, " +
			"which stands for undecided values here"}
	}
	return nil
}

type parser struct {
	name  string
	lines []line
	// next is the index of the line to read next.
	next int
	// number of the line read last.
	number int
	// rule is the one whose recipe a line that starts with a tab belongs to, nil if there
	// is none.
	rule  *rule
	depth int
	err   *SyntaxError
}

func (p *parser) fail(number int, format string, args ...any) {
	if p.err == nil {
		p.err = &SyntaxError{Position{p.name, number}, fmt.Sprintf(format, args...)}
	}
}

// file reads all statements.
func (p *parser) file() []statement {
	stmts, stop := p.block()
	if p.err == nil && stop != "" {
		p.fail(p.number, "%s without a conditional before it", stop)
	}
	return stmts
}

// block reads statements up to an else, an endif or the end of the file, and returns the
// line that stopped it, "" at the end.
func (p *parser) block() (stmts []statement, stop string) {
	for p.err == nil && p.next < len(p.lines) {
		l := p.lines[p.next]
		p.next++
		p.number = l.number
		if l.recipe() && p.rule != nil {
			p.rule.recipe = true
			p.rule.recipes = append(p.rule.recipes, collapse(l.text))
			continue
		}
		code := l.code()
		switch word, rest := cutWord(strings.TrimRight(code, blanks)); word {
		case "":
		case "else", "endif":
			return stmts, strings.TrimRight(code, blanks)
		case "ifeq", "ifneq", "ifdef", "ifndef":
			stmts = append(stmts, p.conditional(word, rest))
		default:
			stmts = append(stmts, p.statement(l, code))
		}
	}
	return stmts, ""
}

// conditional reads the branches that follow an opening keyword.
func (p *parser) conditional(keyword, rest string) statement {
	c := &conditional{lineNumber: lineNumber(p.number)}
	if p.depth++; p.depth > maxNesting {
		p.fail(p.number, "more than %d nested conditionals", maxNesting)
	}
	defer func() { p.depth-- }()
	for p.err == nil {
		b := branch{lineNumber: lineNumber(p.number), keyword: keyword}
		p.operands(&b, rest)
		var stop string
		b.body, stop = p.block()
		c.branches = append(c.branches, b)
		word, after := cutWord(stop)
		if word != "else" {
			p.endif(c, stop)
			return c
		}
		if keyword == "" {
			p.fail(p.number, "only one else may belong to the %s of line %d", c.branches[0].keyword, c.at())
		}
		keyword, rest = p.elseBranch(after)
	}
	return c
}

func (p *parser) endif(c *conditional, stop string) {
	switch word, rest := cutWord(stop); {
	case word == "":
		p.fail(c.at(), "missing endif for this %s", c.branches[0].keyword)
	case rest != "":
		p.fail(p.number, "extraneous text %q after endif", rest)
	}
}

// elseBranch splits what follows an else: nothing, or a separate conditional.
func (p *parser) elseBranch(after string) (keyword, rest string) {
	switch word, rest := cutWord(after); word {
	case "":
		return "", ""
	case "ifeq", "ifneq", "ifdef", "ifndef":
		return word, rest
	default:
		p.fail(p.number, "extraneous text %q after else", after)
		return "", ""
	}
}

func (p *parser) operands(b *branch, rest string) {
	switch b.keyword {
	case "ifeq", "ifneq":
		var ok bool
		if b.left, b.right, ok = splitOperands(rest); !ok {
			p.fail(p.number, "invalid %s %q, want (A,B) or \"A\" \"B\"", b.keyword, rest)
		}
	case "ifdef", "ifndef":
		if b.left = rest; rest == "" {
			p.fail(p.number, "%s without a variable name", b.keyword)
		}
	}
}

// splitOperands takes "(A,B)" or two quoted texts apart.
func splitOperands(s string) (left, right string, ok bool) {
	if s == "" {
		return "", "", false
	}
	var rest string
	if s[0] == '(' {
		i := indexOutside(s[1:], ',')
		if i < 0 {
			return "", "", false
		}
		left, rest = strings.TrimRight(s[1:1+i], blanks), strings.TrimLeft(s[2+i:], blanks)
		j := indexOutside(rest, ')')
		if j < 0 {
			return "", "", false
		}
		return left, rest[:j], strings.TrimSpace(rest[j+1:]) == ""
	}
	if left, rest, ok = cutQuoted(s); !ok {
		return "", "", false
	}
	if right, rest, ok = cutQuoted(strings.TrimLeft(rest, blanks)); !ok {
		return "", "", false
	}
	return left, right, strings.TrimSpace(rest) == ""
}

// indexOutside returns the index of the first c outside parentheses, -1 if there is none.
func indexOutside(s string, c byte) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == c && depth <= 0:
			return i
		case s[i] == '(':
			depth++
		case s[i] == ')':
			depth--
		}
	}
	return -1
}

func cutQuoted(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return "", "", false
	}
	return strings.Cut(s[1:], s[:1])
}

// statement reads what is neither conditional nor recipe.
func (p *parser) statement(l line, code string) statement {
	p.rule = nil
	at := lineNumber(l.number)
	if a, ok := p.assignment(l, code); ok {
		return a
	}
	code = strings.TrimRight(code, blanks)
	switch word, rest := cutWord(code); word {
	case "include":
		return &inclusion{lineNumber: at, paths: rest}
	case "-include", "sinclude":
		return &inclusion{lineNumber: at, paths: rest, optional: true}
	case "export", "unexport":
		return &exportation{lineNumber: at, names: rest, off: word == "unexport"}
	case "undefine":
		return &undefinition{lineNumber: at, name: rest}
	case "override":
		if word, rest = cutWord(rest); word == "undefine" {
			return &undefinition{lineNumber: at, name: rest}
		}
	}
	p.rule = &rule{lineNumber: at, text: code, recipe: strings.Contains(code, ";")}
	return p.rule
}

// assignment reads "[modifiers] NAME op VALUE" and define … endef.
func (p *parser) assignment(l line, code string) (*assignment, bool) {
	a := &assignment{lineNumber: lineNumber(l.number)}
	for rest := code; rest != ""; {
		if name, op, value, ok := cutAssignment(rest); ok {
			a.name, a.op, a.value = name, op, value
			return a, true
		}
		var word string
		word, rest = cutWord(rest)
		switch word {
		case "override":
			a.override = true
		case "export":
			a.export = true
		case "private":
		case "define":
			p.define(a, strings.TrimRight(rest, blanks))
			return a, true
		default:
			return nil, false
		}
	}
	return nil, false
}

// cutAssignment splits "NAME op VALUE". The name is one word, in which variable
// references may hold blanks.
func cutAssignment(s string) (name string, op operator, value string, ok bool) {
	i := 0
	for i < len(s) && !isBlank(s[i]) {
		if _, ok = cutOperator(s[i:]); ok || s[i] == ':' {
			break
		}
		if s[i] == '$' {
			i = skipReference(s, i)
		} else {
			i++
		}
	}
	name, rest := s[:i], strings.TrimLeft(s[i:], blanks)
	if op, ok = cutOperator(rest); !ok || name == "" {
		return "", "", "", false
	}
	return name, op, strings.TrimLeft(rest[len(op):], blanks), true
}

func isBlank(c byte) bool {
	return strings.IndexByte(blanks, c) >= 0
}

func cutOperator(s string) (operator, bool) {
	for _, op := range operators {
		if strings.HasPrefix(s, string(op)) {
			return op, true
		}
	}
	return "", false
}

// define reads the lines of a multi-line variable up to its endef.
func (p *parser) define(a *assignment, head string) {
	a.name, a.op = head, opRecursive
	if name, op, rest, ok := cutAssignment(head); ok {
		a.name, a.op = name, op
		if rest != "" {
			p.fail(p.number, "extraneous text %q after define", rest)
		}
	}
	if a.name == "" {
		p.fail(p.number, "define without a variable name")
	}
	var body []string
	for open := 1; p.err == nil; {
		if p.next == len(p.lines) {
			p.fail(a.at(), "missing endef for define %s", a.name)
			return
		}
		l := p.lines[p.next]
		p.next++
		p.number = l.number
		if open += nesting(l); open == 0 {
			break
		}
		body = append(body, collapse(l.text))
	}
	a.value = strings.Join(body, "\n")
}

// nesting is 1 for a line that opens a define, -1 for one that closes it.
func nesting(l line) int {
	if l.recipe() {
		return 0
	}
	switch word, _ := cutWord(strings.TrimRight(l.code(), blanks)); word {
	case "define":
		return 1
	case "endef":
		return -1
	}
	return 0
}

// cutWord splits off the first word of a trimmed text.
func cutWord(s string) (word, rest string) {
	i := strings.IndexAny(s, blanks)
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], blanks)
}
