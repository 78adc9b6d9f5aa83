// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/kbuild"
	"rules_modhash/tools/kernel/kbuild/gnumake"
)

// maxSwitches is how many switches of one Kbuild file are reported.
const maxSwitches = 20

// An offSwitch is what one variable, or several, switch off at one place.
type offSwitch struct {
	at           gnumake.Position
	unset, words []string
	// is is what they are, if they are set. value is what would switch on: m for modules, y for
	// parts of one.
	is, value string
}

// saySwitches reports what the Kbuild file here does not build because variables are not set.
func (g *generation) saySwitches(t *tree) {
	d, known := t.directories[g.Rel]
	if !known {
		return
	}
	off := switches(d, g.builtWords(t))
	for i, s := range off {
		if i == maxSwitches {
			g.x.say("%s: %d more switches are off", t.makefile(g.Rel), len(off)-i)
			break
		}
		g.x.say("%s: %s, not built: %s. To build it, add # gazelle:%s %s to a BUILD file here or above",
			t.place(s.at), s.state(), listed(s.words), configSetDirective, g.suggestion(t, s))
	}
	if len(off) == 0 && len(t.modules[g.Rel]) == 0 && !g.hasBelow(t) {
		g.sayNothingBuilt(t, d)
	}
}

// sayNothingBuilt reports of a Kbuild file without any module which symbols it asks for.
func (g *generation) sayNothingBuilt(t *tree, d kbuild.Directory) {
	for _, a := range d.Asked {
		if !a.Set {
			g.x.say("%s: %s is not set or not known, and no module is built. Want # gazelle:%s %s=VALUE in a BUILD file here or above, "+
				"if one is wanted", t.place(a.Position), a.Name, configSetDirective, a.Name)
		}
	}
}

// hasBelow reports whether Kbuild descends from here.
func (g *generation) hasBelow(t *tree) bool {
	for dir := range t.directories {
		if dir != g.Rel && isBelow(dir, g.Rel) {
			return true
		}
	}
	return false
}

// state describes the values of the variables.
func (s *offSwitch) state() string {
	verb, is := " is ", s.is
	if len(s.unset) > 1 {
		verb = " are "
	}
	if is == "" {
		is = "not set"
	}
	return strings.Join(s.unset, ", ") + verb + is
}

// maxListed is how many words of a list are reported.
const maxListed = 12

func listed(words []string) string {
	if len(words) <= maxListed {
		return strings.Join(words, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:maxListed], " "), len(words)-maxListed)
}

// builtWords returns the objects that are built here, as the Makefile names them: another
// branch of it may list what one that is off lists, too.
func (g *generation) builtWords(t *tree) []string {
	var built []string
	for _, m := range t.modules[g.Rel] {
		prefix := strings.TrimPrefix(m.Directory+"/", "./")
		built = append(built, strings.TrimPrefix(m.Object, prefix))
		for _, part := range m.Parts {
			built = append(built, strings.TrimPrefix(part.Object, prefix))
		}
	}
	return built
}

// switches joins those of the same variables, without what is built all the same.
func switches(d kbuild.Directory, built []string) []*offSwitch {
	var all []*offSwitch
	for _, s := range d.Off {
		i := slices.IndexFunc(all, func(o *offSwitch) bool { return o.is == s.Value && slices.Equal(o.unset, s.Unset) })
		if i < 0 {
			i = len(all)
			all = append(all, &offSwitch{at: s.Position, unset: s.Unset, is: s.Value, value: "y"})
		}
		if strings.HasPrefix(s.Name, "obj-") {
			all[i].value = "m"
		}
		all[i].words = union(all[i].words, without(s.Words, built))
	}
	return slices.DeleteFunc(all, func(o *offSwitch) bool { return len(o.words) == 0 })
}

// suggestion returns NAME=VALUE for the first variable of a switch, with the value that the
// part of the Makefile for the outer make gives it, if it does.
func (g *generation) suggestion(t *tree, s *offSwitch) string {
	name := s.unset[0]
	assigned := regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\s*[:?+]?=\s*([A-Za-z0-9_]+)`)
	beside := path.Join(g.Rel, "Makefile")
	for _, file := range append([]string{t.makefile(g.Rel), beside}, t.inputs(g.Rel)...) {
		text, err := readText(filepath.Join(g.Config.RepoRoot, filepath.FromSlash(file)))
		if err != nil {
			continue
		}
		for _, found := range assigned.FindAllStringSubmatch(text, -1) {
			if found[1] != "n" {
				return name + "=" + found[1]
			}
		}
	}
	return name + "=" + s.value
}
