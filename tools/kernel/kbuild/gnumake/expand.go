// SPDX-License-Identifier: Apache-2.0

package gnumake

import "strings"

// Bounds on one run. Reading all of Linux stays below a hundredth of each.
const (
	// maxDepth bounds how deep expansions nest, through variables, functions and includes.
	maxDepth = 200
	// maxValue is the size of the longest value, in bytes.
	maxValue = 4 << 20
	// maxWork bounds the bytes that all steps of a run may produce or search: about a second.
	maxWork = 256 << 20
)

// Expand returns a text with its variable references and function calls replaced.
func (e *Evaluator) Expand(text string) string {
	return e.expand(text)
}

func (e *Evaluator) expand(s string) string {
	i := strings.IndexByte(s, '$')
	if i < 0 {
		return s
	}
	if !e.enter() {
		return ""
	}
	defer e.leave()
	var b strings.Builder
	for e.err == nil {
		b.WriteString(s[:i])
		value, rest := e.reference(s[i:])
		b.WriteString(value)
		if s = rest; !e.spend(len(value)+i) || b.Len() > maxValue {
			e.tooLong(b.Len())
			return ""
		}
		if i = strings.IndexByte(s, '$'); i < 0 {
			b.WriteString(s)
			break
		}
	}
	return b.String()
}

// enter counts nested expansions; false means that the run was stopped.
func (e *Evaluator) enter() bool {
	if e.depth >= maxDepth {
		e.fail("expansions nest deeper than %d", maxDepth)
	}
	e.depth++
	if e.err != nil {
		e.depth--
		return false
	}
	return true
}

func (e *Evaluator) leave() { e.depth-- }

// operation is what any step costs, in bytes.
const operation = 64

// spend counts work; false means that the run was stopped.
func (e *Evaluator) spend(bytes int) bool {
	if e.spent += bytes + operation; e.spent > maxWork {
		e.fail("expansions take more than %d bytes of work", maxWork)
	}
	return e.err == nil
}

// tooLong stops the run if a value of this size would be too long.
func (e *Evaluator) tooLong(size int) bool {
	if size > maxValue {
		e.fail("a value grows longer than %d bytes", maxValue)
	}
	return e.err != nil
}

// reference expands the reference at the start of s, which is a dollar sign, and returns
// what follows it.
func (e *Evaluator) reference(s string) (value, rest string) {
	if len(s) == 1 {
		return "", ""
	}
	switch s[1] {
	case '$':
		return "$", s[2:]
	case '(', '{':
		end, ok := closing(s, 1)
		if !ok {
			e.fail("unterminated variable reference %s", shorten(s))
			return "", ""
		}
		return e.inner(s[2:end], s[1]), s[end+1:]
	default:
		return e.valueOf(e.lookup(s[1:2]), s[1:2]), s[2:]
	}
}

// inner expands what stands between $( and ): a function call, a variable name, or a
// substitution reference.
func (e *Evaluator) inner(s string, open byte) string {
	if name, args, ok := cutFunction(s); ok {
		return e.function(functions[name], name, args, open)
	}
	name := e.expand(s)
	if !e.spend(len(s)) {
		return ""
	}
	if hasMark(name) {
		return onlyMarks(name)
	}
	variable, substitution, found := strings.Cut(name, ":")
	from, to, ok := strings.Cut(substitution, "=")
	if !found || !ok {
		return e.referred(name)
	}
	if !strings.Contains(from, "%") {
		from, to = "%"+from, "%"+to
	}
	return e.patsubst(from, to, e.referred(variable))
}

// referred returns the value of a variable that a Makefile refers to.
func (e *Evaluator) referred(name string) string {
	v := e.lookup(name)
	e.use(name, v)
	if v == nil {
		return e.missing
	}
	return e.valueOf(v, name)
}

// cutFunction splits "name args" if name is a function.
func cutFunction(s string) (name, args string, ok bool) {
	i := strings.IndexAny(s, blanks+"\n")
	if i < 0 {
		return "", "", false
	}
	if _, ok := functions[s[:i]]; !ok {
		return "", "", false
	}
	return s[:i], strings.TrimLeft(s[i:], blanks+"\n"), true
}

// valueOf returns the expanded value of a variable, which may be nil.
func (e *Evaluator) valueOf(v *variable, name string) string {
	switch {
	case v == nil:
		return ""
	case !v.recursive:
		return v.value
	case e.expanding[v]:
		e.fail("variable %s refers to itself", name)
		return ""
	}
	e.expanding[v] = true
	defer delete(e.expanding, v)
	return e.atDefinition(v, func() string { return e.expand(v.value) })
}

// atDefinition runs a function at the place where a variable was defined, so that what is
// undecided in its value is reported there.
func (e *Evaluator) atDefinition(v *variable, run func() string) string {
	defer func(at Position) { e.at = at }(e.at)
	if v.at.File != "" {
		e.at = v.at
	}
	return run()
}

// splitArguments cuts function arguments at commas outside parentheses of the kind that
// encloses the call. The last of at most max arguments keeps its commas.
func splitArguments(s string, open byte, max int) []string {
	right := byte(')')
	if open == '{' {
		right = '}'
	}
	var args []string
	depth := 0
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case open:
			depth++
		case right:
			depth--
		case ',':
			if depth == 0 && (max == 0 || len(args) < max-1) {
				args = append(args, s[start:i])
				start = i + 1
			}
		}
	}
	return append(args, s[start:])
}
