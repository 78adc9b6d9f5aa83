// SPDX-License-Identifier: Apache-2.0

package gnumake

import (
	"fmt"
	"maps"
	"slices"
)

// A Diagnostic is something about a Makefile that its reader should know.
type Diagnostic struct {
	Position Position
	Message  string
}

// String returns "FILE:LINE: MESSAGE".
func (d Diagnostic) String() string {
	return d.Position.String() + ": " + d.Message
}

// origin is where a variable got its value, in the words of $(origin).
type origin string

const (
	fromEnvironment origin = "environment"
	fromFile        origin = "file"
	fromOverride    origin = "override"
	fromCommandLine origin = "command line"
	fromAutomatic   origin = "automatic"
)

// A variable is immutable once it is in a scope.
type variable struct {
	value string
	// recursive variables are expanded each time they are used.
	recursive bool
	origin    origin
	at        Position
}

// A Scope holds variables that several evaluations start from, and the undecided parts of
// their values. It is not changed once made.
type Scope struct {
	parent    *Scope
	variables map[string]*variable
	undecided []Undecided
	// unknown has the arguments of [Evaluator.Unknown].
	unknown []doubtfulName
}

func (s *Scope) lookup(name string) *variable {
	for ; s != nil; s = s.parent {
		if v, ok := s.variables[name]; ok {
			return v
		}
	}
	return nil
}

// An Evaluator is one run of make over some Makefiles.
type Evaluator struct {
	files *Files
	base  *Scope
	// variables set by this run; nil hides one of the base.
	variables map[string]*variable
	// exported holds the last export or unexport by name.
	exported map[string]bool
	// doubtfulNames were assigned to: which variables changed is undecided.
	doubtfulNames []doubtfulName
	// unknown holds names that every evaluation below this one starts with. They matter until
	// something is assigned.
	unknown []doubtfulName
	// exportAll is set by an export without names.
	exportAll bool
	targets   []target

	undecided []Undecided
	marks     map[Undecided]int

	// at is the place that is being evaluated.
	at Position
	// condition is why it is undecided whether the statements at hand count, "" if they do.
	condition string
	reading   []string
	// evaluating counts the $(eval)s around the statements at hand.
	evaluating int
	expanding  map[*variable]bool
	depth      int
	spent      int

	diagnostics []Diagnostic
	reported    map[Diagnostic]bool
	err         *SyntaxError

	// keepGoing is set by [Evaluator.KeepGoing]. missing then stands for what the files that
	// were left out may have set.
	keepGoing bool
	missing   string
	// record is nil until [Evaluator.StartRecord].
	record *Record
	// assigning is the variable that the value at hand is for.
	assigning string
}

// NewEvaluator starts a run. The base may be nil.
func NewEvaluator(files *Files, base *Scope) *Evaluator {
	e := &Evaluator{
		files:     files,
		base:      base,
		variables: make(map[string]*variable),
		exported:  make(map[string]bool),
		marks:     make(map[Undecided]int),
		expanding: make(map[*variable]bool),
		reported:  make(map[Diagnostic]bool),
	}
	if base != nil {
		e.undecided = slices.Clip(base.undecided)
		for i, u := range base.undecided {
			e.marks[u] = i
		}
		e.unknown = slices.Clip(base.unknown)
	}
	return e
}

// Set gives a variable a literal value, as a := in a Makefile would.
func (e *Evaluator) Set(name, value string) {
	e.set(name, &variable{value: value, origin: fromFile})
}

// Override gives a variable a literal value that Makefiles cannot change without the
// override directive, as on the command line of make.
func (e *Evaluator) Override(name, value string) {
	e.set(name, &variable{value: value, origin: fromCommandLine})
}

// SetUndecided is like Set for a value that is not known: Makefiles may change it.
func (e *Evaluator) SetUndecided(name string, u Undecided) {
	e.set(name, &variable{value: e.mark(u), origin: fromFile})
}

// OverrideUndecided is like Override for a value that is not known.
func (e *Evaluator) OverrideUndecided(name string, u Undecided) {
	e.set(name, &variable{value: e.mark(u), origin: fromCommandLine})
}

// Unknown reports that variables whose names start with a prefix have values that are not
// known, here and in evaluations that start from what this one returns.
func (e *Evaluator) Unknown(prefix string, u Undecided) {
	d := doubtfulName{name: prefix + e.mark(u), mark: e.mark(u)}
	e.unknown = append(e.unknown, d)
}

// KeepGoing makes an include that cannot be read a diagnostic in place of an error. A
// variable that is not set is undecided from there on: the file may have set it.
func (e *Evaluator) KeepGoing() {
	e.keepGoing = true
}

// Export puts variables into what [Evaluator.Environment] returns.
func (e *Evaluator) Export(names ...string) {
	for _, name := range names {
		e.exported[name] = true
	}
}

func (e *Evaluator) set(name string, v *variable) {
	e.variables[name] = v
}

func (e *Evaluator) lookup(name string) *variable {
	v, ok := e.variables[name]
	if !ok {
		v = e.base.lookup(name)
	}
	if v == nil && len(e.unknown) > 0 {
		v = e.doubted(e.unknown, name, nil)
	}
	if len(e.doubtfulNames) > 0 {
		return e.doubted(e.doubtfulNames, name, v)
	}
	return v
}

// Value returns the expanded value of a variable, "" if it is not set.
func (e *Evaluator) Value(name string) string {
	return e.valueOf(e.lookup(name), name)
}

// Defined reports whether a variable is set, be it to an empty value.
func (e *Evaluator) Defined(name string) bool {
	return e.lookup(name) != nil
}

// Position returns where a variable got its value, the zero Position if in no Makefile.
func (e *Evaluator) Position(name string) Position {
	if v := e.lookup(name); v != nil {
		return v.at
	}
	return Position{}
}

// Diagnostics returns what was noticed so far, in order of appearance.
func (e *Evaluator) Diagnostics() []Diagnostic {
	return e.diagnostics
}

// Report adds a diagnostic, once.
func (e *Evaluator) Report(at Position, format string, args ...any) {
	d := Diagnostic{at, fmt.Sprintf(format, args...)}
	if !e.reported[d] {
		e.reported[d] = true
		e.diagnostics = append(e.diagnostics, d)
	}
}

// Err returns the error that stopped the run, a [*SyntaxError] or nil.
func (e *Evaluator) Err() error {
	if e.err == nil {
		return nil
	}
	return e.err
}

// fail stops the run at the place that is being evaluated.
func (e *Evaluator) fail(format string, args ...any) {
	if e.err == nil {
		e.err = &SyntaxError{e.at, fmt.Sprintf(format, args...)}
	}
}

// Environment returns what a make that is started from a recipe of this run would see: the
// exported variables on top of the scope that this run started from, where variables that
// came from the environment stay exported. With nothing new it is that scope itself.
func (e *Evaluator) Environment() *Scope {
	exported := make(map[string]*variable)
	for _, name := range e.namesToExport() {
		v := e.lookup(name)
		if on, listed := e.exported[name]; v == nil || listed && !on {
			continue
		}
		exported[name] = &variable{value: e.valueOf(v, name), origin: fromEnvironment, at: v.at}
	}
	if len(exported) == 0 {
		return e.base
	}
	return &Scope{
		parent: e.base, variables: exported, undecided: slices.Clip(e.undecided), unknown: slices.Clip(e.unknown),
	}
}

// namesToExport returns, sorted, what is exported by name or by an export without names,
// and what came from the environment and was changed.
func (e *Evaluator) namesToExport() []string {
	names := slices.Collect(maps.Keys(e.exported))
	for name, v := range e.variables {
		old := e.base.lookup(name)
		if v != nil && v.origin != fromAutomatic && (e.exportAll || old != nil && old.origin == fromEnvironment) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Scope returns all variables of this run, for others to start from.
func (e *Evaluator) Scope() *Scope {
	return &Scope{
		parent: e.base, variables: maps.Clone(e.variables), undecided: slices.Clip(e.undecided),
		unknown: slices.Clip(e.unknown),
	}
}
