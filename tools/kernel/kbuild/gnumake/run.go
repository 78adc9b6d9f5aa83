// SPDX-License-Identifier: Apache-2.0

package gnumake

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"
)

// Read evaluates a Makefile as the include directive does. The error is that of
// [Evaluator.Err].
func (e *Evaluator) Read(name string) error {
	e.include(name, false)
	return e.Err()
}

func (e *Evaluator) include(name string, optional bool) {
	if e.err != nil || slices.Contains(e.reading, name) {
		e.fail("%s includes itself", name)
		return
	}
	name = e.files.search(name)
	file, err := e.files.Makefile(name)
	if err != nil {
		e.unreadable(name, optional, err)
		return
	}
	if !e.enter() {
		return
	}
	e.record.include(name)
	defer e.leave()
	defer func(at Position) { e.at = at }(e.at)
	defer func(evaluating int) { e.evaluating = evaluating }(e.evaluating)
	e.reading, e.evaluating = append(e.reading, name), 0
	e.at = Position{File: file.name}
	e.Set("MAKEFILE_LIST", strings.TrimLeft(e.Value("MAKEFILE_LIST")+" "+name, " "))
	e.run(file.stmts)
	e.reading = e.reading[:len(e.reading)-1]
}

func (e *Evaluator) unreadable(name string, optional bool, err error) {
	var syntax *SyntaxError
	isSyntax := errors.As(err, &syntax)
	switch {
	case isSyntax && e.keepGoing && len(e.reading) > 0:
		e.leaveOut(name, syntax.Position, syntax.Message)
	case isSyntax && e.err == nil:
		e.err = syntax
	case isSyntax:
	case optional && e.files.Known(name) && !e.files.Exists(name):
	case optional && !e.files.Known(name):
		e.Report(e.at, "undecided whether %s exists: it is outside the source tree", name)
		e.doubtUnset(name)
	case optional || e.keepGoing && len(e.reading) > 0:
		e.leaveOut(name, e.at, err.Error())
	default:
		e.fail("%s", err)
	}
}

// leaveOut goes on without a file.
func (e *Evaluator) leaveOut(name string, at Position, why string) {
	e.Report(at, "include is left out, what it sets is undecided: %s", why)
	e.doubtUnset(name)
}

// doubtUnset makes undecided what a file that is not read may set and nothing else does.
func (e *Evaluator) doubtUnset(name string) {
	if e.keepGoing {
		e.missing += e.undecidedHere("%s, which is not read", name)
	}
}

// run evaluates statements until one fails.
func (e *Evaluator) run(stmts []statement) {
	if !e.enter() {
		return
	}
	defer e.leave()
	for _, s := range stmts {
		if e.evaluating == 0 {
			e.at.Line = s.at()
		}
		if !e.spend(0) {
			return
		}
		e.statement(s)
	}
}

func (e *Evaluator) statement(s statement) {
	switch s := s.(type) {
	case *assignment:
		e.assign(s)
	case *conditional:
		e.conditional(s)
	case *inclusion:
		e.inclusion(s)
	case *exportation:
		e.exportation(s)
	case *undefinition:
		e.undefine(s)
	case *rule:
		e.rule(s)
	}
}

// Assignments.

func (e *Evaluator) assign(a *assignment) {
	name := strings.TrimSpace(e.expand(a.name))
	if e.err != nil {
		return
	}
	if hasMark(name) {
		e.doubtfulNames = append(e.doubtfulNames, e.newDoubtfulName(name))
		return
	}
	if name == "" {
		e.fail("empty variable name")
		return
	}
	if a.export {
		e.exported[name] = true
	}
	e.recordSwitches(a, name)
	old := e.lookup(name)
	if old != nil && (old.origin == fromCommandLine || old.origin == fromOverride) && !a.override {
		return
	}
	from := fromFile
	if a.override {
		from = fromOverride
	}
	assigning := e.assigning
	e.assigning = name
	v := e.assigned(a, old)
	e.assigning = assigning
	if e.err == nil && v != nil {
		v.origin, v.at = from, e.at
		e.set(name, v)
	}
}

// assigned returns the variable that an assignment makes of the old one, nil to keep it.
func (e *Evaluator) assigned(a *assignment, old *variable) *variable {
	switch {
	case a.op == opIfUnset && old != nil:
		return nil
	case e.condition != "":
		return e.assignUndecided(a, old)
	}
	switch a.op {
	case opSimple, opPosix:
		return &variable{value: e.expand(a.value)}
	case opImmediate:
		// GNU make keeps the text for a second expansion, with dollar signs doubled.
		return &variable{value: strings.ReplaceAll(e.expand(a.value), "$", "$$"), recursive: true}
	case opShell:
		return &variable{value: e.undecidedHere("!= %s", shorten(a.value))}
	case opAppend:
		return e.appended(a, old)
	default:
		return &variable{value: a.value, recursive: true}
	}
}

func (e *Evaluator) appended(a *assignment, old *variable) *variable {
	if old == nil {
		return &variable{value: a.value, recursive: true}
	}
	added := a.value
	if !old.recursive {
		added = e.expand(added)
	}
	v := &variable{value: old.value, recursive: old.recursive}
	switch {
	case added == "":
	case old.value == "":
		v.value = added
	case !e.tooLong(len(old.value) + len(added)):
		v.value += " " + added
	}
	e.spend(len(v.value))
	return v
}

// assignUndecided returns the variable after an assignment of which it is undecided whether it counts.
// What += appends to stays known, everything else becomes undecided.
func (e *Evaluator) assignUndecided(a *assignment, old *variable) *variable {
	v := &variable{value: e.undecidedHere("%s", e.condition)}
	if a.op != opAppend || old == nil {
		return v
	}
	v.recursive = old.recursive
	if !e.tooLong(len(old.value)) {
		v.value = old.value + " " + v.value
	}
	return v
}

// A doubtfulName is a partly undecided name that was assigned to: every variable whose
// name it may be has become undecided.
type doubtfulName struct {
	name string
	mark string
}

func (e *Evaluator) newDoubtfulName(name string) doubtfulName {
	shown := strings.Map(func(r rune) rune {
		if isMark(r) {
			return '…'
		}
		return r
	}, name)
	return doubtfulName{name, e.undecidedHere("an assignment to %s, %s", shown, e.reasons(name))}
}

// doubted returns what a variable is after assignments to partly undecided names.
func (e *Evaluator) doubted(names []doubtfulName, name string, v *variable) *variable {
	for _, d := range names {
		if e.matches(d.name, name) == no {
			continue
		}
		if v == nil {
			v = &variable{value: d.mark, origin: fromFile}
			continue
		}
		changed := *v
		changed.value += " " + d.mark
		v = &changed
	}
	return v
}

func (e *Evaluator) undefine(u *undefinition) {
	name := strings.TrimSpace(e.expand(u.name))
	switch {
	case e.err != nil:
	case hasMark(name):
		e.Report(e.at, "undecided which variable is undefined: %s", e.reasons(name))
	case e.condition != "":
		e.set(name, &variable{value: e.undecidedHere("%s", e.condition), origin: fromFile, at: e.at})
	default:
		e.set(name, nil)
	}
}

func (e *Evaluator) exportation(x *exportation) {
	names := e.expand(x.names)
	switch {
	case e.condition != "":
		e.Report(e.at, "undecided whether %s is exported: %s", cmp.Or(e.show(names), "every variable"), e.condition)
		return
	case hasMark(names):
		e.Report(e.at, "undecided which variable is exported: %s", e.reasons(names))
	case x.names == "":
		e.exportAll = !x.off
	}
	for _, name := range strings.Fields(names) {
		if !hasMark(name) {
			e.exported[name] = !x.off
		}
	}
}

// Conditionals.

func (e *Evaluator) conditional(c *conditional) {
	if e.condition != "" {
		for _, b := range c.branches {
			e.run(b.body)
		}
		return
	}
	for i, b := range c.branches {
		if e.evaluating == 0 {
			e.at.Line = b.at()
		}
		holds, why := e.test(b)
		switch {
		case e.err != nil:
			return
		case holds == yes:
			e.recordBranches(c, i)
			e.run(b.body)
			return
		case holds == maybe:
			e.doubt(c.branches[i:], why)
			return
		}
	}
	e.recordBranches(c, len(c.branches))
}

// doubt goes through branches of which it is undecided whether they count.
func (e *Evaluator) doubt(branches []branch, why string) {
	e.condition = why
	for _, b := range branches {
		e.run(b.body)
	}
	e.condition = ""
}

// test answers whether a branch is taken, and if that is undecided, why.
func (e *Evaluator) test(b branch) (holds truth, why string) {
	switch b.keyword {
	case "ifeq", "ifneq":
		left, right := e.expand(b.left), e.expand(b.right)
		holds = e.equal(left, right)
		why = b.keyword + " (" + shorten(b.left) + "," + shorten(b.right) + "), " + e.reasons(left+right)
	case "ifdef", "ifndef":
		name := strings.TrimSpace(e.expand(b.left))
		holds = e.defined(name)
		why = b.keyword + " " + shorten(b.left) + ", " + e.reasons(e.rawValue([]string{name})+name+e.missing)
	default:
		return yes, ""
	}
	if b.keyword == "ifneq" || b.keyword == "ifndef" {
		holds = not(holds)
	}
	return holds, why
}

func not(t truth) truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	default:
		return maybe
	}
}

// defined answers ifdef: whether the value has any character before expansion.
func (e *Evaluator) defined(name string) truth {
	if hasMark(name) {
		return maybe
	}
	v := e.lookup(name)
	e.use(name, v)
	switch {
	case v == nil && e.missing != "":
		return maybe
	case v == nil || v.value == "":
		return no
	case onlyMarks(v.value) == v.value:
		return e.notEmpty(v.value)
	default:
		return yes
	}
}

// reasons lists why parts of a value are undecided.
func (e *Evaluator) reasons(value string) string {
	var all []string
	for _, u := range e.Undecided(value) {
		reason := u.Reason
		if u.Position != e.at && u.Position.File != "" {
			reason += " at " + u.Position.String()
		}
		all = append(all, reason)
	}
	return strings.Join(all, "; ")
}

// Includes and rules.

func (e *Evaluator) inclusion(i *inclusion) {
	paths := e.expand(i.paths)
	if e.condition != "" {
		e.Report(e.at, "undecided whether %s is included: %s", e.show(paths), e.condition)
		return
	}
	for _, name := range strings.Fields(paths) {
		switch {
		case hasMark(name):
			e.Report(e.at, "undecided which file is included: %s", e.reasons(name))
		default:
			e.includeAll(name, i.optional)
		}
	}
}

func (e *Evaluator) includeAll(pattern string, optional bool) {
	names := []string{pattern}
	if strings.ContainsAny(pattern, wildcards) {
		var err error
		if names, err = e.files.Glob(pattern); err != nil {
			e.fail("%s", err)
		}
	}
	for _, name := range names {
		e.include(path.Clean(name), optional)
	}
}

// A target is what a rule with a recipe makes.
type target struct {
	name pattern
	// prerequisite is the first one; a % in it stands for what the name's % matched.
	prerequisite pattern
}

// Made returns the first prerequisite of the first rule with a recipe that has a file as
// its target, by name or by pattern. ok reports whether there is such a rule.
func (e *Evaluator) Made(name string) (prerequisite string, ok bool) {
	e.spend(len(e.targets))
	for _, t := range e.targets {
		if stem, ok := t.name.match(name); ok {
			return t.prerequisite.replace(stem), true
		}
	}
	return "", false
}

// rule notes the targets of a rule. A line without a colon must expand to nothing, or to
// a rule.
func (e *Evaluator) rule(r *rule) {
	if e.condition != "" {
		if strings.Contains(r.text, "eval") {
			e.Report(e.at, "undecided whether %s is evaluated: %s", shorten(r.text), e.condition)
		}
		return
	}
	text := r.text
	if indexColon(text) < 0 {
		text = e.expand(text)
	}
	i := indexColon(text)
	switch {
	case e.err != nil:
	case i >= 0:
		e.recordRule(r, text[:i], strings.TrimLeft(text[i:], ":"))
		if r.recipe {
			e.addTargets(text[:i], strings.TrimLeft(text[i:], ":"))
		}
	case strings.TrimSpace(text) != "" && !hasMark(text):
		e.fail("missing separator in %q: neither an assignment nor a rule", shorten(text))
	}
}

// addTargets notes the targets of "targets: prerequisites" or of a static pattern rule,
// "targets: pattern: prerequisites".
func (e *Evaluator) addTargets(targets, rest string) {
	rest, _, _ = strings.Cut(rest, ";")
	var form *pattern
	if i := indexColon(rest); i >= 0 {
		p := newPattern(strings.TrimSpace(e.expand(rest[:i])))
		form, rest = &p, rest[i+1:]
	}
	var first pattern
	if words := strings.Fields(e.expand(rest)); len(words) > 0 && !hasMark(words[0]) {
		first = newPattern(words[0])
	}
	for _, name := range strings.Fields(strings.TrimRight(e.expand(targets), "&")) {
		t := target{name: newPattern(name), prerequisite: first}
		if form != nil {
			stem, _ := form.match(name)
			t.prerequisite = pattern{prefix: first.replace(stem)}
		}
		e.targets = append(e.targets, t)
	}
}

// indexColon returns the index of the first colon outside variable references, -1 if
// there is none.
func indexColon(s string) int {
	for i := 0; i < len(s); {
		switch s[i] {
		case ':':
			return i
		case '$':
			i = skipReference(s, i)
		default:
			i++
		}
	}
	return -1
}
