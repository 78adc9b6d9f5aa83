// SPDX-License-Identifier: Apache-2.0

package gnumake

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// evaluate reads a text as Makefile, with some files next to it.
func evaluate(text string) *Evaluator {
	fsys := fstest.MapFS{
		"Makefile":   {Data: []byte(text)},
		"there.c":    {Data: []byte("x")},
		"part.mk":    {Data: []byte("included := y\n")},
		"self.mk":    {Data: []byte("\ninclude self.mk\n")},
		"wrong.mk":   {Data: []byte("a := b\nendif\n")},
		"binary.mk":  {Data: []byte("a := \x00\n")},
		"private.mk": {Data: []byte("a := \U000F0001\n")},
	}
	e := NewEvaluator(NewFiles("/tree", Mount{"/tree", fsys}), nil)
	e.OverrideUndecided("RELEASE", Undecided{Reason: "$(RELEASE)", NotEmpty: true})
	_ = e.Read("Makefile")
	return e
}

// describe returns a value with its undecided parts in angle brackets.
func describe(e *Evaluator, value string) string {
	var b strings.Builder
	for _, r := range value {
		if isMark(r) {
			u := e.undecided[r-markBase]
			fmt.Fprintf(&b, "<%s %s>", u.Position, u.Reason)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// TestUndecided: $u is undecided, $r is undecided but not empty. The value of x shows
// what was decided and what was not, and why.
func TestUndecided(t *testing.T) {
	const u = "<Makefile:1 $(shell cmd $$HOME)>"
	const r = "< $(RELEASE)>"
	tests := []struct{ name, text, want string }{
		{"shell", "x := a $u b", "a " + u + " b"},
		{"shell assignment", "x != cmd", "<Makefile:2 != cmd>"},
		{"at its definition", "later = $(shell later)\n\nx := $(later)", "<Makefile:2 $(shell later)>"},
		{"part of a name", "x := $(a-$u)", u},
		{"substitution", "x := $(subst a,b,a $u a)", "b " + u + " b"},
		{"substitution of it", "x := $(subst $u,b,a)", u},
		{"patsubst keeps it", "x := $(patsubst %.c,%.o,a.c $u.c)", "a.o " + u + ".c"},
		{"patsubst of it", "x := $(patsubst $u,%.o,a.c)", u},
		{"affixes", "x := $(addprefix p/,$(addsuffix .o,a $u))", "p/a.o p/" + u + ".o"},
		{"join", "x := $(join a,$u)", u},
		{"filter keeps it", "x := $(filter %.o,a.o b $u)", "a.o " + u},
		{"filter-out keeps it", "x := $(filter-out %.o,a.o b $u)", "b " + u},
		{"filter by it", "x := $(filter $u,a b)", u},
		{"findstring in it", "x := $(findstring a,$u)", u},
		{"findstring beside it", "x := $(findstring a,bab $u)", "a"},
		{"findstring of it", "x := $(findstring $u,b)", u},
		{"sort", "x := $(sort b $u a)", "a b " + u},
		{"firstword before it", "x := $(firstword a $u)", "a"},
		{"firstword after it", "x := $(firstword $u a)", u},
		{"lastword after it", "x := $(lastword $u a)", "a"},
		{"lastword before it", "x := $(lastword a $u)", u},
		{"word before it", "x := $(word 1,a $u)", "a"},
		{"word after it", "x := $(word 2,$u a)", u},
		{"word by it", "x := $(word $u,a b)", u},
		{"wordlist", "x := $(wordlist 1,2,a $u)", u},
		{"words", "x := $(words a $u)", u},
		{"dir", "x := $(dir a/b $u/c)", "a/ " + u},
		{"if decides", "x := $(if $ub,then,else)", "then"},
		{"if does not", "x := $(if $u,then,else)", "<Makefile:2 $(if …) of $(shell cmd $$HOME)>"},
		{"if need not", "x := $(if $u,same,same)", "same"},
		{"if not empty", "x := $(if $(RELEASE),then,else)", "then"},
		{"or decides", "x := $(or a,$u)", "a"},
		{"or does not", "x := $(or $u,a)", "<Makefile:2 $(or …) of $(shell cmd $$HOME)>"},
		{"or of it alone", "x := $(or ,$u)", u},
		{"and decides", "x := $(and $u,)", ""},
		{"and does not", "x := $(and $u,a)", "<Makefile:2 $(and …) of $(shell cmd $$HOME)>"},
		{"intcmp", "x := $(intcmp $u,1,a,b,c)", u},
		{"foreach", "x := $(foreach i,a $u,[$i])", "[a] [" + u + "]"},
		{"foreach that drops it", "x := $(foreach i,$u,a)", "a" + u},
		{"let", "x := $(let a b,$u y,$b$a)", "y" + u},
		{"call of it", "x := $(call $u,a)", u},
		{"origin", "x := $(origin $u) $(flavor $u) $(value $u)", u + " " + u + " " + u},
		{"wildcard", "x := $(wildcard $u there.c)", u + " there.c"},
		{"wildcard outside", "x := $(wildcard /etc/passwd ../x)",
			"<Makefile:2 /etc/passwd, which is outside the source tree> <Makefile:2 ../x, which is outside the source tree>"},
		{"file that is not there", "x := $(file < gone)", "<Makefile:2 $(file < gone)>"},
		{"append", "x := a\nx += $u", "a " + u},
		{"command line wins", "RELEASE := 1\nx := $(RELEASE)", r},

		{"ifeq decided by a letter", "ifeq ($ua,b)\nx := yes\nelse\nx := no\nendif", "no"},
		{"ifeq decided by length", "ifeq (ab$ubc,abc)\nx := yes\nelse\nx := no\nendif", "no"},
		{"ifneq of what is not empty", "ifneq ($(RELEASE),)\nx := yes\nendif", "yes"},
		{"ifeq", "ifeq ($u,b)\nx := yes\nendif", "<Makefile:3 ifeq ($u,b), $(shell cmd $$HOME) at Makefile:1>"},
		{"ifeq of two", "ifneq ($u,$(RELEASE))\nx := yes\nendif",
			"<Makefile:3 ifneq ($u,$(RELEASE)), $(shell cmd $$HOME) at Makefile:1; $(RELEASE)>"},
		{"ifdef of a text", "l = $(shell cmd)\nifdef l\nx := yes\nendif", "yes"},
		{"ifdef", "ifdef u\nx := yes\nendif", "<Makefile:3 ifdef u, $(shell cmd $$HOME) at Makefile:1>"},
		{"branch appends", "x := a\nifdef u\nx += b\nelse\nx += c\nendif\nx += d",
			"a <Makefile:4 ifdef u, $(shell cmd $$HOME) at Makefile:1> <Makefile:6 ifdef u, $(shell cmd $$HOME) at Makefile:1> d"},
		{"branch of a later test", "ifdef nothing\nx := a\nelse ifdef u\nx := b\nendif",
			"<Makefile:5 ifdef u, $(shell cmd $$HOME) at Makefile:1>"},
		{"branch sets if unset", "x := a\nifdef u\nx ?= b\nendif", "a"},
		{"branch undefines", "x := a\nifdef u\nundefine x\nendif",
			"<Makefile:4 ifdef u, $(shell cmd $$HOME) at Makefile:1>"},
		{"branch nested", "ifdef u\nifdef nothing\nelse\nx := a\nendif\nendif",
			"<Makefile:5 ifdef u, $(shell cmd $$HOME) at Makefile:1>"},
		{"branch elsewhere", "x := a\nifdef u\ny := b\nendif", "a"},
		{"name assigned to", "y-z := a\ny-$u := b\nx := $(y-z) $(z)",
			"a <Makefile:3 an assignment to y-…, $(shell cmd $$HOME) at Makefile:1> "},
		{"eval of a value", "$(eval x := $u)", u},
		{"line that is undecided", "$u\nx := a", "a"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := evaluate("u := $(shell cmd $$HOME)\n" + test.text + "\n")
			if err := e.Err(); err != nil {
				t.Fatal(err)
			}
			if got := describe(e, e.Value("x")); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if d := e.Diagnostics(); len(d) > 0 {
				t.Errorf("got diagnostics %v, want none", d)
			}
		})
	}
}

func TestDiagnostics(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"include", "include $u.mk",
			"Makefile:2: undecided which file is included: $(shell cmd) at Makefile:1"},
		{"branch includes", "ifdef u\ninclude part.mk\nendif",
			"Makefile:3: undecided whether part.mk is included: ifdef u, $(shell cmd) at Makefile:1"},
		{"include outside", "-include ../part.mk",
			"Makefile:2: undecided whether ../part.mk exists: it is outside the source tree"},
		{"branch evaluates", "ifdef u\n$(eval x := y)\nendif",
			"Makefile:3: undecided whether $(eval x := y) is evaluated: ifdef u, $(shell cmd) at Makefile:1"},
		{"undefine", "undefine $u",
			"Makefile:2: undecided which variable is undefined: $(shell cmd) at Makefile:1"},
		{"export", "export $u",
			"Makefile:2: undecided which variable is exported: $(shell cmd) at Makefile:1"},
		{"branch exports", "ifdef u\nexport a\nendif",
			"Makefile:3: undecided whether a is exported: ifdef u, $(shell cmd) at Makefile:1"},
		{"branch exports all", "ifdef u\nexport\nendif",
			"Makefile:3: undecided whether every variable is exported: ifdef u, $(shell cmd) at Makefile:1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := evaluate("u := $(shell cmd)\n" + test.text + "\n")
			if err := e.Err(); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(e.Diagnostics()); got != "["+test.want+"]" {
				t.Errorf("got  %s\nwant [%s]", got, test.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no endif", "ifdef A\nx := 1\n", "Makefile:1: missing endif for this ifdef"},
		{"no if", "x := 1\nendif", "Makefile:2: endif without a conditional before it"},
		{"else alone", "else\n", "Makefile:1: else without a conditional before it"},
		{"two elses", "ifdef A\nelse\nelse\nendif",
			"Makefile:3: only one else may belong to the ifdef of line 1"},
		{"text after endif", "ifdef A\nendif A", `Makefile:2: extraneous text "A" after endif`},
		{"text after else", "ifdef A\nelse A\nendif", `Makefile:2: extraneous text "A" after else`},
		{"operands", "ifeq (a\nendif", `Makefile:1: invalid ifeq "(a", want (A,B) or "A" "B"`},
		{"operands, more", "ifeq (a,b) c\nendif", `Makefile:1: invalid ifeq "(a,b) c", want (A,B) or "A" "B"`},
		{"no name", "ifdef\nendif", "Makefile:1: ifdef without a variable name"},
		{"no endef", "\ndefine x\ny", "Makefile:2: missing endef for define x"},
		{"define nothing", "define\nendef", "Makefile:1: define without a variable name"},
		{"define with a value", "define x = y\nendef", `Makefile:1: extraneous text "y" after define`},
		{"empty name", "$(nothing) := x", "Makefile:1: empty variable name"},
		{"separator", "\nobj-m foo.o",
			`Makefile:2: missing separator in "obj-m foo.o": neither an assignment nor a rule`},
		{"unterminated", "x := $(subst a,b", "Makefile:1: unterminated variable reference $(subst a,b"},
		{"arguments", "x := $(subst a,b)", "Makefile:1: $(subst a,b) has 2 arguments, want at least 3"},
		{"arguments of call", "x := $(call subst,a)",
			"Makefile:1: $(call subst,…) has 1 arguments, want at least 3"},
		{"word 0", "x := $(word 0,a)", `Makefile:1: $(word …) with "0", want a number from 1`},
		{"word x", "x := $(word x,a)", `Makefile:1: $(word …) with "x", want a number from 1`},
		{"intcmp", "x := $(intcmp 1a,2)", `Makefile:1: $(intcmp 1a,2,…) compares integers, got "1a"`},
		{"refers to itself", "\nx = $(y)\ny = $(x)\nz := $(x)", "Makefile:3: variable x refers to itself"},
		{"error", "$(error stop $(A)here)", "Makefile:1: $(error stop here)"},
		{"eval", "\n$(eval ifdef A)", "Makefile:2: in $(eval ifdef A): missing endif for this ifdef"},
		{"include", "include gone.mk", "Makefile:1: reading gone.mk: file does not exist"},
		{"include itself", "include self.mk", "self.mk:2: self.mk includes itself"},
		{"include wrong", "include wrong.mk", "wrong.mk:2: endif without a conditional before it"},
		{"include binary", "include binary.mk", "binary.mk:1: contains a NUL byte: it is not a Makefile"},
		{"include private use", "include private.mk",
			"private.mk:1: contains a character of the private use plane U+F0000, which stands for undecided values here"},
		{"endless call", "f = $(call f,$1x)\nx := $(call f,a)", "Makefile:1: expansions nest deeper than 200"},
		{"nested parentheses",
			"x := " + strings.Repeat("$(", 300) + strings.Repeat(")", 300), "Makefile:1: expansions nest deeper than 200"},
		{"long value",
			"a := 0123456789\n" + strings.Repeat("a := $(a)$(a)\n", 20),
			"Makefile:20: a value grows longer than 4194304 bytes"},
		{"long subst",
			"a := aaaaaaaaaa\n" + strings.Repeat("a := $(subst a,$(a),$(a))\n", 4),
			"Makefile:4: a value grows longer than 4194304 bytes"},
		{"endless work",
			"a := " + strings.Repeat("a ", 10000) + "\nx := $(foreach i,$(a),$(foreach j,$(a),$(if ,)))",
			"Makefile:2: expansions take more than 268435456 bytes of work"},
		{"nested conditionals", strings.Repeat("ifndef A\n", 101), "Makefile:101: more than 100 nested conditionals"},
		{"long file", strings.Repeat("#", 5<<20), "Makefile: contains more than 4194304 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := evaluate(test.text).Err()
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestMade(t *testing.T) {
	e := evaluate("obj := dir\n" +
		"$(obj)/a.o: $(obj)/gen.h\n" + // a dependency, no recipe
		"$(obj)/b.c: $(src)in/b.txt FORCE\n\tcommand\n" +
		"$(obj)/i/%.o: ../other/%.c FORCE ; command\n" +
		"$(obj)/c.o $(obj)/d.o: $(obj)/%.o: $(obj)/%.x FORCE\n\tcommand\n" +
		"$(obj)/e.o:\n\tcommand\n" +
		"ifdef nothing\n$(obj)/f.o: x\n\tcommand\nendif\n")
	tests := []struct {
		name, prerequisite string
		ok                 bool
	}{
		{"dir/a.o", "", false},
		{"dir/b.c", "in/b.txt", true},
		{"dir/i/x.o", "../other/x.c", true},
		{"dir/d.o", "dir/d.x", true},
		{"dir/e.o", "", true},
		{"dir/f.o", "", false},
		{"a.o", "", false},
	}
	for _, test := range tests {
		if got, ok := e.Made(test.name); got != test.prerequisite || ok != test.ok {
			t.Errorf("Made(%q) = %q, %t, want %q, %t", test.name, got, ok, test.prerequisite, test.ok)
		}
	}
}

// TestEnvironment: what a make below sees is what was exported, expanded, and what was
// changed of the environment it had itself.
func TestEnvironment(t *testing.T) {
	top := evaluate("export A = $(B)\nB := b\nC := c\nexport C\nD := d\nexport D\n" +
		"unexport D\nU := $(shell x)\nexport U\n")
	below := NewEvaluator(top.files, top.Environment())
	below.run(mustParse(t, "A += more\nB := own\nE := e\n"))
	last := NewEvaluator(top.files, below.Environment())
	for name, want := range map[string]string{
		"A": "b more", "B": "", "C": "c", "D": "", "E": "", "U": "<Makefile:8 $(shell x)>",
	} {
		if got := describe(last, last.Value(name)); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if got := last.Expand("$(origin A) $(origin B)"); got != "environment undefined" {
		t.Errorf("got origins %q, want environment and undefined", got)
	}
}

func mustParse(t *testing.T, text string) []statement {
	t.Helper()
	m, err := Parse("text", text)
	if err != nil {
		t.Fatal(err)
	}
	return m.stmts
}

// FuzzEvaluate: every Makefile comes to an end without a panic, and what is said about it
// has a place. The same Makefile always gives the same.
func FuzzEvaluate(f *testing.F) {
	for _, seed := range []string{
		"obj-m += $(foreach i,a b,$(i).o)\n", "ifeq ($(A),)\nx=y\nelse ifdef x\nendif\n",
		"define a\n$(1)\nendef\n$(eval $(call a,x=1))",
		"x := $(shell a)\nifeq ($x,a)\nobj-$x += b\nendif\n", "a=$(a)\nb:=$(a)\n",
		"include *.mk\n", "x:=$(wildcard */../*)\n",
		"a: b\n\tc\n a:=${subst a,$(let x,y,$x),a}\\\n#\\\n", "$(let a b,$(shell),$(intcmp 1,$(words $a),$(call or,1,2)))",
		"export\nA-$(shell) = 1\nB := $(A-x:a=%b)\n", "x := $(wordlist 1,1000000000,a b)\ny = $(patsubst \\\\%,%\\%,\\\\a)\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			t.Skip()
		}
		first, second := summary(text), summary(text)
		if first != second {
			t.Errorf("got\n%s, then\n%s", first, second)
		}
	})
}

func summary(text string) string {
	e := evaluate(text)
	_ = e.Environment()
	_, made := e.Made("dir/a.o")
	return fmt.Sprint(describe(e, e.Value("obj-m")), describe(e, e.Value("x")), made, e.Diagnostics(), e.Err())
}
