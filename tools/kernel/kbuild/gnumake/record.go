// SPDX-License-Identifier: Apache-2.0

package gnumake

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Record is what a run came across that does not show in the values of variables.
type Record struct {
	// Included are the names of the Makefiles that were read, each once.
	Included []string
	// Used are the variables that were referred to, and by which assignment of a variable: ""
	// where it was none.
	Used map[string]map[string]bool
	// Unset are those of them that were not set, empty or undecided, and where that was seen
	// first.
	Unset map[string]Position
	// Switches are what an unset variable switches off.
	Switches []Switch
	// Specific are the variables of single targets, "TARGET: NAME = VALUE".
	Specific []Specific
	// Matched are the files that $(wildcard) found.
	Matched []string
	// Rules are those that were read.
	Rules []Rule
}

// A Switch is an assignment that does not count because variables are not set: its name
// ends in what one of them would give, as that of "obj-$(CONFIG_X) := x.o" does, or it
// stands in a branch of a conditional.
type Switch struct {
	Position Position
	// Name is what is assigned to, up to what is not set: "obj-".
	Name string
	// Words are assigned.
	Words []string
	// Unset names the variables. Value is what they are in place of y or m, if they are set.
	Unset []string
	Value string
}

// A Specific is a variable of some targets only.
type Specific struct {
	Position            Position
	Targets, Name, Text string
}

// A Rule is one with targets that are files.
type Rule struct {
	Position Position
	Targets  []string
	// Words are its prerequisites and the words of its recipe.
	Words []string
	// Recipe is set if it has one.
	Recipe bool
}

// Bounds on what is recorded of one run: of a longer list the beginning is kept.
const (
	maxSwitches = 1000
	maxMatched  = 10000
	maxRules    = 1000
)

// StartRecord makes the run keep a record from here on.
func (e *Evaluator) StartRecord() *Record {
	e.record = &Record{Used: make(map[string]map[string]bool), Unset: make(map[string]Position)}
	return e.record
}

func (r *Record) include(name string) {
	if r != nil && !slices.Contains(r.Included, name) {
		r.Included = append(r.Included, name)
	}
}

// use notes a reference to a variable, nil if it is not set.
func (e *Evaluator) use(name string, v *variable) {
	r := e.record
	if r == nil {
		return
	}
	if r.Used[name] == nil {
		r.Used[name] = make(map[string]bool)
	}
	r.Used[name][e.assigning] = true
	if _, seen := r.Unset[name]; !seen && (v == nil || onlyMarks(v.value) == v.value) {
		r.Unset[name] = e.at
	}
}

func (r *Record) match(names []string) {
	if r != nil && len(r.Matched)+len(names) <= maxMatched {
		r.Matched = append(r.Matched, names...)
	}
}

// references finds the variables that a text refers to by name.
var references = regexp.MustCompile(`\$[({]([A-Za-z_][A-Za-z0-9_]*)[)}]`)

// unsetIn returns the variables that a text refers to and that are not set.
func (e *Evaluator) unsetIn(text string) []string {
	var names []string
	for _, found := range references.FindAllStringSubmatch(text, -1) {
		name := found[1]
		if v := e.lookup(name); (v == nil || v.value == "") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// useIn notes the variables that a text which is not expanded refers to.
func (e *Evaluator) useIn(text string) {
	if e.record == nil {
		return
	}
	for _, found := range references.FindAllStringSubmatch(text, -1) {
		e.use(found[1], e.lookup(found[1]))
	}
}

// isList reports whether a variable lists objects or directories.
func isList(name string) bool {
	if strings.Contains(name, "flags") {
		return false
	}
	return strings.HasPrefix(name, "obj-") || strings.HasPrefix(name, "subdir-") ||
		strings.HasSuffix(name, "-objs") || strings.HasSuffix(name, "-y") || strings.HasSuffix(name, "-m") ||
		strings.HasSuffix(name, "-") || strings.HasSuffix(name, "-n")
}

// recordSwitches notes an assignment that a variable which is not set makes void.
func (e *Evaluator) recordSwitches(a *assignment, name string) {
	if e.record == nil || e.condition != "" || !isList(name) {
		return
	}
	value := name[strings.LastIndexByte(name, '-')+1:]
	unset := e.unsetIn(a.name)
	switch {
	case value == "" && len(unset) > 0:
	case value != "" && !counts[value] && strings.Contains(a.name, "$"):
		unset = e.withValue(a.name, value)
	case strings.Contains(a.value, "(if "):
		// Functions in the value, such as $(if $(CONFIG_X),x.o), may switch as well.
		unset, value = e.unsetIn(a.value), ""
	default:
		return
	}
	if len(unset) > 0 {
		e.addSwitch(Switch{Position: e.at, Name: name, Words: e.switchWords(a.value), Unset: unset, Value: value})
	}
}

// counts has the suffixes of lists that Kbuild reads.
var counts = map[string]bool{"y": true, "m": true, "objs": true}

// withValue returns the variables in a text that have a value.
func (e *Evaluator) withValue(text, value string) []string {
	var names []string
	for _, found := range references.FindAllStringSubmatch(text, -1) {
		if v := e.lookup(found[1]); v != nil && strings.TrimSpace(e.valueOf(v, found[1])) == value {
			names = append(names, found[1])
		}
	}
	return names
}

func (e *Evaluator) addSwitch(s Switch) {
	if len(e.record.Switches) < maxSwitches {
		e.record.Switches = append(e.record.Switches, s)
	}
}

// switchWords returns the words of a text that has nothing to be expanded, or the text.
func (e *Evaluator) switchWords(text string) []string {
	if strings.Contains(text, "$") {
		return []string{shorten(text)}
	}
	return strings.Fields(text)
}

// recordBranches notes the lists in the branches of a conditional that are not taken, if
// its tests ask for variables that are not set.
func (e *Evaluator) recordBranches(c *conditional, taken int) {
	if e.record == nil {
		return
	}
	var unset []string
	for i, b := range c.branches {
		if i <= taken {
			unset = e.addUnset(unset, b)
		}
		if i != taken && len(unset) > 0 {
			e.recordBody(b.body, unset)
		}
	}
}

func (e *Evaluator) addUnset(unset []string, b branch) []string {
	names := e.unsetIn(b.left + " " + b.right)
	if name := strings.TrimSpace(b.left); b.keyword == "ifdef" || b.keyword == "ifndef" {
		names = append(names, e.unsetIn("$("+name+")")...)
	}
	for _, name := range names {
		if !slices.Contains(unset, name) {
			unset = append(unset, name)
		}
	}
	return unset
}

func (e *Evaluator) recordBody(stmts []statement, unset []string) {
	for _, s := range stmts {
		switch s := s.(type) {
		case *assignment:
			if isList(s.name) {
				at := e.at
				at.Line = s.at()
				e.addSwitch(Switch{Position: at, Name: s.name, Words: e.switchWords(s.value), Unset: unset})
			}
		case *conditional:
			for _, b := range s.branches {
				e.recordBody(b.body, unset)
			}
		}
	}
}

// recordRule notes a rule, or a variable of its targets.
func (e *Evaluator) recordRule(r *rule, targets, rest string) {
	if e.record == nil {
		return
	}
	if s, ok := e.specific(targets, rest); ok {
		e.record.Specific = append(e.record.Specific, s)
		return
	}
	if len(e.record.Rules) >= maxRules {
		return
	}
	found := Rule{Position: e.at, Recipe: r.recipe, Targets: e.plainWords(targets), Words: e.plainWords(strings.ReplaceAll(rest, ";", " "))}
	for _, line := range r.recipes {
		found.Words = append(found.Words, e.plainWords(line)...)
	}
	e.record.Rules = append(e.record.Rules, found)
}

// plainWords returns the words of a text in which only references to variables with plain
// values are expanded: the text may be a recipe, whose time has not come.
func (e *Evaluator) plainWords(text string) []string {
	e.spend(len(text))
	e.useIn(text)
	return Words(references.ReplaceAllStringFunc(text, func(reference string) string {
		v := e.lookup(reference[2 : len(reference)-1])
		if v == nil || v.recursive || len(v.value) > maxPlain {
			return ""
		}
		return v.value
	}))
}

// maxPlain bounds, in bytes, a value that is put into the text of a rule.
const maxPlain = 4096

// specific reads "TARGETS: NAME op VALUE".
func (e *Evaluator) specific(targets, rest string) (Specific, bool) {
	rest = strings.TrimLeft(rest, blanks)
	for {
		word, after := cutWord(rest)
		if word != "private" && word != "override" && word != "export" {
			break
		}
		rest = after
	}
	name, op, value, ok := cutAssignment(rest)
	if !ok {
		return Specific{}, false
	}
	s := Specific{Position: e.at, Targets: joinWords(strings.Fields(targets)), Name: joinWords(e.plainWords(name))}
	s.Text = string(op) + " " + value
	return s, true
}

// InFile reports whether a Makefile below a directory gave a variable its value, and where.
func (e *Evaluator) InFile(name, dir string) (Position, bool) {
	v := e.lookup(name)
	if v == nil || v.at.File == "" {
		return Position{}, false
	}
	file := e.files.Absolute(v.at.File)
	return v.at, dir == path.Dir(file) || strings.HasPrefix(file, dir+"/")
}

// Names returns the variables that this run set, sorted.
func (e *Evaluator) Names() []string {
	names := make([]string, 0, len(e.variables))
	for name, v := range e.variables {
		if v != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
