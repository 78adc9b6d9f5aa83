// SPDX-License-Identifier: Apache-2.0

package gnumake

import (
	"slices"
	"strconv"
	"strings"
)

// A function is one of GNU make's built-in functions.
type function struct {
	// min and max count its arguments; max 0 means any number.
	min, max int
	// call gets its arguments expanded, unless it is lazy.
	call func(e *Evaluator, args []string) string
	lazy bool
}

var functions map[string]function

// functions refers to itself through expansion, so it is filled here.
func init() {
	functions = map[string]function{
		"abspath":    {1, 1, (*Evaluator).abspath, false},
		"addprefix":  {2, 2, (*Evaluator).addprefix, false},
		"addsuffix":  {2, 2, (*Evaluator).addsuffix, false},
		"and":        {1, 0, (*Evaluator).and, true},
		"basename":   {1, 1, eachWord(func(w string) string { return w[:suffixAt(w)] }, true), false},
		"call":       {1, 0, (*Evaluator).callFunction, true},
		"dir":        {1, 1, eachWord(directory, true), false},
		"error":      {1, 1, (*Evaluator).errorFunction, false},
		"eval":       {1, 1, (*Evaluator).eval, false},
		"file":       {1, 2, (*Evaluator).file, false},
		"filter":     {2, 2, func(e *Evaluator, a []string) string { return e.filter(a, true) }, false},
		"filter-out": {2, 2, func(e *Evaluator, a []string) string { return e.filter(a, false) }, false},
		"findstring": {2, 2, (*Evaluator).findstring, false},
		"firstword":  {1, 1, (*Evaluator).firstword, false},
		"flavor":     {1, 1, (*Evaluator).flavor, false},
		"foreach":    {3, 3, (*Evaluator).foreach, true},
		"if":         {2, 3, (*Evaluator).ifFunction, true},
		"info":       {1, 1, (*Evaluator).message, false},
		"intcmp":     {2, 5, (*Evaluator).intcmp, true},
		"join":       {2, 2, (*Evaluator).join, false},
		"lastword":   {1, 1, (*Evaluator).lastword, false},
		"let":        {3, 3, (*Evaluator).let, true},
		"notdir":     {1, 1, eachWord(notDirectory, true), false},
		"or":         {1, 0, (*Evaluator).or, true},
		"origin":     {1, 1, (*Evaluator).origin, false},
		"patsubst":   {3, 3, func(e *Evaluator, a []string) string { return e.patsubst(a[0], a[1], a[2]) }, false},
		"realpath":   {1, 1, (*Evaluator).realpath, false},
		"shell":      {1, 1, (*Evaluator).shell, true},
		"sort":       {1, 1, (*Evaluator).sort, false},
		"strip":      {1, 1, func(_ *Evaluator, a []string) string { return joinWords(strings.Fields(a[0])) }, false},
		"subst":      {3, 3, (*Evaluator).subst, false},
		"suffix":     {1, 1, eachWord(func(w string) string { return w[suffixAt(w):] }, false), false},
		"value":      {1, 1, (*Evaluator).rawValue, false},
		"warning":    {1, 1, (*Evaluator).message, false},
		"wildcard":   {1, 1, (*Evaluator).wildcard, false},
		"word":       {2, 2, (*Evaluator).word, false},
		"wordlist":   {3, 3, (*Evaluator).wordlist, false},
		"words":      {1, 1, (*Evaluator).words, false},
	}
}

// function splits and, unless it is lazy, expands the arguments, and calls it.
func (e *Evaluator) function(f function, name, text string, open byte) string {
	args := splitArguments(text, open, f.max)
	if len(args) < f.min {
		e.fail("$(%s %s) has %d arguments, want at least %d", name, shorten(text), len(args), f.min)
		return ""
	}
	if !e.enter() {
		return ""
	}
	defer e.leave()
	if !f.lazy {
		for i := range args {
			args[i] = e.expand(args[i])
		}
	}
	if e.err != nil || !e.spend(len(text)) {
		return ""
	}
	return f.call(e, args)
}

func joinWords(words []string) string {
	return strings.Join(words, " ")
}

// eachWord makes a function of one argument out of a function of a word. Words that become
// empty leave their blank behind if keepEmpty is set. Of undecided words nothing but that
// they are undecided is left.
func eachWord(change func(string) string, keepEmpty bool) func(*Evaluator, []string) string {
	return func(_ *Evaluator, args []string) string {
		var out []string
		for _, w := range strings.Fields(args[0]) {
			if hasMark(w) {
				w = onlyMarks(w)
			} else {
				w = change(w)
			}
			if w != "" || keepEmpty {
				out = append(out, w)
			}
		}
		return joinWords(out)
	}
}

// Text functions.

func (e *Evaluator) subst(args []string) string {
	from, to, text := args[0], args[1], args[2]
	switch {
	case hasMark(from):
		return onlyMarks(from + to + text)
	case from == "":
		e.tooLong(len(text) + len(to))
		return text + to
	case e.tooLong(len(text) + strings.Count(text, from)*len(to)):
		return ""
	}
	return strings.ReplaceAll(text, from, to)
}

func (e *Evaluator) patsubst(from, to, text string) string {
	if hasMark(from) {
		return onlyMarks(from + to + text)
	}
	words := strings.Fields(text)
	if e.tooLong(len(text) + len(words)*len(to)) {
		return ""
	}
	f, t := newPattern(from), newPattern(to)
	if !f.stem {
		return replaceWords(text, f.prefix, t.replace("%"))
	}
	for i, w := range words {
		if !hasMark(w) {
			words[i] = f.substitute(t, w)
		}
	}
	return joinWords(words)
}

// replaceWords replaces whole words and keeps all blanks, as patsubst does for a pattern
// without a %.
func replaceWords(text, from, to string) string {
	var b strings.Builder
	for text != "" {
		start := wordStart(text)
		end := start + wordEnd(text[start:])
		b.WriteString(text[:start])
		if w := text[start:end]; w == from && w != "" {
			b.WriteString(to)
		} else {
			b.WriteString(w)
		}
		text = text[end:]
	}
	return b.String()
}

func (e *Evaluator) addprefix(args []string) string {
	return e.affix(args[0], "", args[1])
}

func (e *Evaluator) addsuffix(args []string) string {
	return e.affix("", args[0], args[1])
}

func (e *Evaluator) affix(prefix, suffix, text string) string {
	words := strings.Fields(text)
	if e.tooLong(len(text) + len(words)*len(prefix+suffix)) {
		return ""
	}
	for i, w := range words {
		words[i] = prefix + w + suffix
	}
	return joinWords(words)
}

// join pairs the words of two lists.
func (e *Evaluator) join(args []string) string {
	if hasMark(args[0] + args[1]) {
		return onlyMarks(args[0] + args[1])
	}
	a, b := strings.Fields(args[0]), strings.Fields(args[1])
	for i, w := range b {
		if i < len(a) {
			a[i] += w
		} else {
			a = append(a, w)
		}
	}
	return joinWords(a)
}

// filter keeps the words that match any pattern, or those that match none. Undecided words
// stay.
func (e *Evaluator) filter(args []string, keep bool) string {
	words := strings.Fields(args[1])
	if hasMark(args[0]) {
		return onlyMarks(args[0] + args[1])
	}
	match := e.matcher(strings.Fields(args[0]), len(words))
	return joinWords(slices.DeleteFunc(words, func(w string) bool {
		return !hasMark(w) && match(w) != keep
	}))
}

// matcher returns a test whether any of the patterns matches a word, to be used on that
// many words. Plain words are looked up, so that long lists stay cheap.
func (e *Evaluator) matcher(patterns []string, words int) func(string) bool {
	plain := make(map[string]bool)
	var stems []pattern
	for _, s := range patterns {
		if p := newPattern(s); p.stem {
			stems = append(stems, p)
		} else {
			plain[p.prefix] = true
		}
	}
	e.spend(words * (1 + len(stems)))
	return func(w string) bool {
		return plain[w] || slices.ContainsFunc(stems, func(p pattern) bool {
			_, ok := p.match(w)
			return ok
		})
	}
}

func (e *Evaluator) findstring(args []string) string {
	find, text := args[0], args[1]
	switch {
	case hasMark(find):
		return onlyMarks(find + text)
	case strings.Contains(text, find):
		return find
	default:
		return onlyMarks(text)
	}
}

// sort orders words bytewise and drops repeated ones.
func (e *Evaluator) sort(args []string) string {
	words := strings.Fields(args[0])
	slices.Sort(words)
	return joinWords(slices.Compact(words))
}

func (e *Evaluator) firstword(args []string) string {
	return e.pick(args[0], 0)
}

func (e *Evaluator) lastword(args []string) string {
	words := strings.Fields(args[0])
	if len(words) == 0 {
		return ""
	}
	// An undecided word may stand for none: then the one before would be the last.
	if last := words[len(words)-1]; !hasMark(last) {
		return last
	}
	return onlyMarks(args[0])
}

// pick returns the word at an index, undecided if anything before it or itself is.
func (e *Evaluator) pick(text string, index int) string {
	words := strings.Fields(text)
	for i, w := range words {
		switch {
		case hasMark(w):
			return onlyMarks(text)
		case i == index:
			return w
		}
	}
	return ""
}

func (e *Evaluator) word(args []string) string {
	if hasMark(args[0]) {
		return onlyMarks(args[0] + args[1])
	}
	n, ok := e.number("word", args[0], 1)
	if !ok {
		return ""
	}
	return e.pick(args[1], n-1)
}

func (e *Evaluator) wordlist(args []string) string {
	if text := args[0] + args[1] + args[2]; hasMark(text) {
		return onlyMarks(text)
	}
	first, ok := e.number("wordlist", args[0], 1)
	last, ok2 := e.number("wordlist", args[1], 0)
	if !ok || !ok2 || first > last {
		return ""
	}
	from, rest := skipWords(args[2], first-1), skipWords(args[2], last)
	return strings.TrimRight(strings.TrimSuffix(from, rest), spaces)
}

// number reads a decimal argument of at least least.
func (e *Evaluator) number(function, text string, least int) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < least {
		e.fail("$(%s …) with %q, want a number from %d", function, text, least)
		return 0, false
	}
	return n, true
}

func (e *Evaluator) words(args []string) string {
	if hasMark(args[0]) {
		return onlyMarks(args[0])
	}
	return strconv.Itoa(len(strings.Fields(args[0])))
}

// Functions that decide.

func (e *Evaluator) ifFunction(args []string) string {
	condition := strings.TrimSpace(args[0])
	value := e.expand(condition)
	otherwise := ""
	if len(args) > 2 {
		otherwise = args[2]
	}
	switch e.notEmpty(value) {
	case yes:
		return e.expand(args[1])
	case no:
		return e.expand(otherwise)
	}
	then, otherwise := e.expand(args[1]), e.expand(otherwise)
	if then == otherwise {
		return then
	}
	return e.undecidedHere("$(if …) of %s", e.show(onlyMarks(value)))
}

// or returns the first argument that is not empty.
func (e *Evaluator) or(args []string) string {
	doubt := ""
	for _, arg := range args {
		value := e.expand(strings.TrimSpace(arg))
		switch e.notEmpty(value) {
		case yes:
			if doubt == "" {
				return value
			}
			return e.undecidedHere("$(or …) of %s", e.show(onlyMarks(doubt)))
		case maybe:
			doubt += value
		}
	}
	return onlyMarks(doubt)
}

// and returns its last argument if none is empty.
func (e *Evaluator) and(args []string) string {
	doubt, value := "", ""
	for _, arg := range args {
		value = e.expand(strings.TrimSpace(arg))
		switch e.notEmpty(value) {
		case no:
			return ""
		case maybe:
			doubt += value
		}
	}
	if doubt == "" {
		return value
	}
	return e.undecidedHere("$(and …) of %s", e.show(onlyMarks(doubt)))
}

// intcmp compares two integers: $(intcmp A,B[,LESS[,EQUAL[,GREATER]]]).
func (e *Evaluator) intcmp(args []string) string {
	left, right := strings.TrimSpace(e.expand(args[0])), strings.TrimSpace(e.expand(args[1]))
	if hasMark(left + right) {
		return onlyMarks(left + right)
	}
	order, ok := e.compareIntegers(left, right)
	if !ok {
		return ""
	}
	return e.expand(intcmpArgument(args, order, left))
}

// intcmpArgument chooses as GNU make does: without LESS and so on an equal number gives
// itself; a missing GREATER is EQUAL.
func intcmpArgument(args []string, order int, left string) string {
	at := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	switch {
	case len(args) == 2 && order == 0:
		return left
	case order < 0:
		return at(2)
	case order > 0 && len(args) > 4:
		return at(4)
	default:
		return at(3)
	}
}

func (e *Evaluator) compareIntegers(left, right string) (order int, ok bool) {
	for _, s := range []string{left, right} {
		digits := strings.TrimLeft(s, "+-")
		if digits == "" || len(s)-len(digits) > 1 || strings.Trim(digits, "0123456789") != "" {
			e.fail("$(intcmp %s,%s,…) compares integers, got %q", shorten(left), shorten(right), s)
			return 0, false
		}
	}
	return compareDecimal(left, right), true
}

// compareDecimal orders decimal integers of any length.
func compareDecimal(a, b string) int {
	x, xNegative := magnitude(a)
	y, yNegative := magnitude(b)
	switch {
	case xNegative && !yNegative:
		return -1
	case yNegative && !xNegative:
		return 1
	case xNegative:
		x, y = y, x
	}
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(x, y)
}

// magnitude returns the digits without leading zeros, and whether the number is below 0.
func magnitude(s string) (digits string, negative bool) {
	digits = strings.TrimLeft(strings.TrimLeft(s, "+-"), "0")
	return digits, strings.HasPrefix(s, "-") && digits != ""
}

// Functions that bind variables.

// foreach expands a text once for each word of a list.
func (e *Evaluator) foreach(args []string) string {
	name, list := strings.TrimSpace(e.expand(args[0])), e.expand(args[1])
	var out []string
	size := 0
	for _, w := range strings.Fields(list) {
		value := e.with(map[string]string{name: w}, args[2])
		if size += len(value) + 1; e.tooLong(size) {
			return ""
		}
		if hasMark(w) && !hasMark(value) {
			value += onlyMarks(w)
		}
		out = append(out, value)
	}
	return joinWords(out)
}

// let binds the words of a list to names, the rest to the last one.
func (e *Evaluator) let(args []string) string {
	names, list := strings.Fields(e.expand(args[0])), strings.Fields(e.expand(args[1]))
	bound := make(map[string]string)
	for i, name := range names {
		switch {
		case i >= len(list):
			bound[name] = ""
		case i == len(names)-1:
			bound[name] = joinWords(list[i:])
		default:
			bound[name] = list[i]
		}
	}
	return e.with(bound, args[2])
}

// callFunction expands a variable with $1, $2 and so on bound to the arguments.
func (e *Evaluator) callFunction(args []string) string {
	name := strings.TrimSpace(e.expand(args[0]))
	if hasMark(name) {
		return onlyMarks(name)
	}
	if f, ok := functions[name]; ok {
		return e.callBuiltin(f, name, args[1:])
	}
	v := e.lookup(name)
	e.use(name, v)
	if v == nil {
		return e.missing
	}
	bound := map[string]string{"0": name}
	for i, arg := range args[1:] {
		bound[strconv.Itoa(i+1)] = e.expand(arg)
	}
	for i := len(args); i < 10; i++ {
		bound[strconv.Itoa(i)] = ""
	}
	if !v.recursive {
		return v.value
	}
	return e.atDefinition(v, func() string { return e.with(bound, v.value) })
}

func (e *Evaluator) callBuiltin(f function, name string, args []string) string {
	if len(args) < f.min {
		e.fail("$(call %s,…) has %d arguments, want at least %d", name, len(args), f.min)
		return ""
	}
	if f.max > 0 && len(args) > f.max {
		args = append(args[:f.max-1:f.max-1], strings.Join(args[f.max-1:], ","))
	}
	if !f.lazy {
		args = slices.Clone(args)
		for i := range args {
			args[i] = e.expand(args[i])
		}
	}
	if e.err != nil {
		return ""
	}
	return f.call(e, args)
}

// with expands a text while variables have other values.
func (e *Evaluator) with(bound map[string]string, text string) string {
	if e.err != nil || !e.spend(0) {
		return ""
	}
	type saved struct {
		v  *variable
		ok bool
	}
	before := make(map[string]saved, len(bound))
	for name, value := range bound {
		v, ok := e.variables[name]
		before[name] = saved{v, ok}
		e.variables[name] = &variable{value: value, origin: fromAutomatic, at: e.at}
	}
	result := e.expand(text)
	for name, s := range before {
		if s.ok {
			e.variables[name] = s.v
		} else {
			delete(e.variables, name)
		}
	}
	return result
}

// Functions about variables.

func (e *Evaluator) origin(args []string) string {
	if hasMark(args[0]) {
		return onlyMarks(args[0])
	}
	if v := e.lookup(args[0]); v != nil {
		return string(v.origin)
	}
	return "undefined"
}

func (e *Evaluator) flavor(args []string) string {
	v := e.lookup(args[0])
	switch {
	case hasMark(args[0]):
		return onlyMarks(args[0])
	case v == nil:
		return "undefined"
	case v.recursive:
		return "recursive"
	default:
		return "simple"
	}
}

func (e *Evaluator) rawValue(args []string) string {
	if hasMark(args[0]) {
		return onlyMarks(args[0])
	}
	if v := e.lookup(args[0]); v != nil {
		return v.value
	}
	return ""
}

// eval reads a text as part of the Makefile.
func (e *Evaluator) eval(args []string) string {
	e.spend(len(args[0]))
	p := &parser{lines: splitLines(args[0])}
	stmts := p.file()
	if p.err != nil {
		e.fail("in $(eval %s): %s", e.show(args[0]), p.err.Message)
		return ""
	}
	e.evaluating++
	e.run(stmts)
	e.evaluating--
	return ""
}

// Functions about files.

func (e *Evaluator) abspath(args []string) string {
	return eachWord(e.files.Absolute, true)(e, args)
}

func (e *Evaluator) realpath(args []string) string {
	return e.eachFile(args[0], func(name string) []string {
		if !e.files.Exists(name) {
			return nil
		}
		return []string{e.files.Absolute(name)}
	})
}

func (e *Evaluator) wildcard(args []string) string {
	return e.eachFile(args[0], func(pattern string) []string {
		names, err := e.files.Glob(pattern)
		if err != nil {
			e.fail("%s", err)
		}
		e.spend(100 * len(names))
		e.record.match(names)
		return names
	})
}

// eachFile replaces names by what is found for them; names outside the source tree are
// undecided.
func (e *Evaluator) eachFile(names string, find func(string) []string) string {
	var out []string
	for _, name := range strings.Fields(names) {
		switch {
		case hasMark(name):
			out = append(out, onlyMarks(name))
		case !e.files.Known(name):
			out = append(out, e.undecidedHere("%s, which is outside the source tree", shorten(name)))
		default:
			out = append(out, find(name)...)
		}
	}
	return joinWords(out)
}

// file reads a file: $(file < NAME). It never writes.
func (e *Evaluator) file(args []string) string {
	name, reads := strings.CutPrefix(args[0], "<")
	name = strings.TrimSpace(name)
	if !reads {
		return ""
	}
	if hasMark(name) {
		return onlyMarks(name)
	}
	data, err := e.files.ReadFile(name)
	if err != nil || checkText(name, string(data)) != nil {
		return e.undecidedHere("$(file < %s)", shorten(name))
	}
	e.spend(len(data))
	e.record.match([]string{name})
	return strings.TrimSuffix(string(data), "\n")
}

// Functions that do more than expand.

func (e *Evaluator) shell(args []string) string {
	e.useIn(args[0])
	return e.undecidedHere("$(shell %s)", shorten(args[0]))
}

func (e *Evaluator) errorFunction(args []string) string {
	e.fail("%s", "$(error "+e.show(args[0])+")")
	return ""
}

// message stands for info and warning, which have no value.
func (e *Evaluator) message([]string) string { return "" }
