// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/kbuild/csource"
)

// A following is the way from the sources of a module to all that they include.
type following struct {
	g *generation
	p *plan
	// seen are files that were found.
	seen  map[string]bool
	queue []string
	// macros are those of #include NAME, and the first file that has each. They are looked up
	// when the queue is empty: what defines them may come late.
	macros map[string]string
}

func (g *generation) follow(p *plan) *following {
	return &following{g: g, p: p, seen: make(map[string]bool), macros: make(map[string]string)}
}

// found takes over an included file, once.
func (f *following) found(name string) {
	if !f.seen[name] {
		f.seen[name] = true
		f.queue = append(f.queue, name)
		f.g.planHeader(f.p, name)
	}
}

// next follows one file, and the macros when there is none; false if all is done.
func (f *following) next() bool {
	if len(f.queue) == 0 {
		f.followMacros()
		return len(f.queue) > 0
	}
	name := f.queue[0]
	f.queue = f.queue[1:]
	scanned := f.g.x.sources.scan(f.g.Config.RepoRoot, name)
	if scanned == nil {
		f.g.sayUnread(name)
		return true
	}
	for _, include := range scanned.Includes {
		f.include(name, include, true)
	}
	for _, include := range scanned.SystemIncludes {
		f.include(name, include, false)
	}
	f.embed(name, scanned)
	for _, o := range scanned.Operands {
		f.p.operands[o.Name] = append(f.p.operands[o.Name], o.Text)
	}
	for _, macro := range scanned.MacroIncludes {
		if f.macros[macro] == "" {
			f.macros[macro] = name
		}
	}
	return true
}

// sayUnread reports a source or header that was not followed.
func (g *generation) sayUnread(name string) {
	if g.isGenerated(name) {
		return
	}
	if _, err := readText(filepath.Join(g.Config.RepoRoot, filepath.FromSlash(name))); err != nil {
		g.x.say("%s: what it includes is not followed: %v", name, withoutPath(err))
	}
}

// include finds an included file: that of quotes first next to the one that includes it.
func (f *following) include(from, include string, quotes bool) bool {
	found := f.find(from, include, quotes)
	for _, name := range found {
		f.found(name)
	}
	return len(found) > 0
}

func (f *following) find(from, include string, quotes bool) []string {
	dirs := append(f.p.includes[:len(f.p.includes):len(f.p.includes)], f.g.Rel)
	if quotes {
		dirs = append([]string{path.Dir(from)}, dirs...)
	}
	return f.g.find(dirs, []string{include})
}

// embed takes over the data that the assembler is to read.
func (f *following) embed(from string, scanned *csource.Source) {
	for _, name := range scanned.Embedded {
		found := f.find(from, name, true)
		f.p.data = append(f.p.data, found...)
		if len(found) == 0 {
			f.g.x.say("%s: module %s: it embeds %s, which is not in the repository: want a rule that makes it, or the file",
				at(f.g.Config.RepoRoot, from, name), f.p.module.Name(), name)
		}
	}
}

// followMacros takes over all that macros of #include NAME may stand for.
func (f *following) followMacros() {
	for _, macro := range slices.Sorted(maps.Keys(f.macros)) {
		from, known := f.macros[macro], false
		for _, operand := range f.p.operands[macro] {
			text := operand[1:]
			if i := strings.IndexAny(text, `">`); i >= 0 {
				text = text[:i]
			}
			known = f.include(from, text, operand[0] == '"') || known || operand[0] == '<'
		}
		if known {
			delete(f.macros, macro)
		}
	}
}

// sayUnknown reports which #include cannot be followed.
func (f *following) sayUnknown() {
	for _, macro := range slices.Sorted(maps.Keys(f.macros)) {
		from := f.macros[macro]
		f.g.x.say("%s: module %s: #include %s is not followed: want the file in srcs or textual_hdrs, with # keep",
			at(f.g.Config.RepoRoot, from, "include "+macro), f.p.module.Name(), macro)
	}
}

// isRegular reports whether the repository has a file that can be read, or a rule of this
// package makes it.
func (g *generation) isRegular(name string) bool {
	return g.isGenerated(name) || g.x.files(g.Config).IsRegular(name)
}
