// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bazelbuild/bazel-gazelle/config"
	"github.com/bazelbuild/bazel-gazelle/label"
	"github.com/bazelbuild/bazel-gazelle/rule"

	"rules_modhash/tools/kernel/kbuild"
)

// external writes a kernel_module for each module that the Kbuild file here lists.
func (g *generation) external() {
	t, how := g.x.reach(g.Config, g.s, g.Rel)
	switch {
	case how == unreadable:
		return
	case how == outside:
		g.removeSourceless()
		return
	case g.s.kernel == nil:
		g.sayKernelWanted(t)
		g.saySwitches(t)
		return
	}
	for _, p := range t.problems {
		g.x.say("%s", p.text)
	}
	g.sayIdleFlags(t)
	g.saySwitches(t)
	current := make(map[string]bool)
	for _, m := range t.modules[g.Rel] {
		g.built[m.Name()] = true
		current[g.module(t, m)] = true
	}
	if t.isUndecided(g.Rel) {
		return
	}
	for _, r := range g.existing(kernelModule) {
		if !current[r.Name()] {
			g.remove(r)
		}
	}
}

func (g *generation) sayKernelWanted(t *tree) {
	for _, m := range t.modules[g.Rel] {
		g.built[m.Name()] = true
		g.x.say("%s: builds modules, but for an unknown kernel: want # gazelle:%s LABEL, the label of a "+
			"kernel_build, in a BUILD file here or above", t.makefile(g.Rel), kernelDirective)
	}
}

// removeSourceless removes modules whose sources are all gone. Others may be without a
// Kbuild file.
func (g *generation) removeSourceless() {
	for _, r := range g.existing(kernelModule) {
		srcs := r.AttrStrings("srcs")
		there := func(src string) bool {
			return strings.Contains(src, "//") || g.hasFile(strings.TrimPrefix(src, ":"))
		}
		if len(srcs) > 0 && !slices.ContainsFunc(srcs, there) {
			g.remove(r)
		}
	}
}

// hasFile reports whether a file of this package is there, or made by a rule, or is not a file
// but a rule.
func (g *generation) hasFile(name string) bool {
	isRule := func(r *rule.Rule) bool { return r.Name() == name }
	return slices.Contains(g.GenFiles, name) || exists(filepath.Join(g.Dir, filepath.FromSlash(name))) ||
		g.File != nil && slices.ContainsFunc(g.File.Rules, isRule)
}

// A plan is what becomes a kernel_module.
type plan struct {
	t      *tree
	module kbuild.Module
	// old is the rule that is there already, or nil.
	old *rule.Rule
	// sources, headers and textual files, which are only included, are paths in the
	// repository; foreign ones are of other packages, whose labels are known when all have
	// been visited.
	sources, foreignSources, headers, foreignHeaders, textual, foreignTextual []string
	// includes are the directories of -I that lie in the repository.
	includes []string
	copts    []string
	// forced are the files of -include, to be found when all of includes are known.
	forced      []forced
	forcedFiles []string
	// inputs are what the Kbuild file needs in addition to sources and headers, if it is kept. data are
	// files without code, needed in any case.
	inputs, data []string
	// operands are what macros are defined as by flags, NAME and "FILE" or <FILE>.
	operands map[string][]string
	// taken are copts in place of what beyond has, if there is no Kbuild file.
	taken []string
	// beyond reports what requires a separate Kbuild file: a kernel_module without one builds
	// all of srcs with copts. Where needed is set it cannot be built at all otherwise.
	beyond []beyond
	needed bool
	// impossible reports what no kernel_module can have.
	impossible []beyond
}

// beyond is a reason, and a word that stands where it comes from.
type beyond struct {
	reason, word string
	// ofAll is set if it holds for all modules of the directory.
	ofAll bool
	// at is where it is, if that is known better than by word; taken is set if copts have it.
	at    string
	taken bool
}

// module adds the rule of a module and returns its name.
func (g *generation) module(t *tree, m kbuild.Module) string {
	p := &plan{t: t, module: m, old: g.moduleRule(m.Name()), operands: make(map[string][]string)}
	g.planFlags(p)
	g.planSources(p)
	g.planObjectFlags(p)
	g.planForced(p)
	g.planHeaders(p)
	name := g.freeName(kernelModule, m.Name(), m.Name()+"_module")
	if p.old != nil {
		name = p.old.Name()
	}
	ownKbuild := g.ownKbuild(p)
	if g.sayBeyond(p, ownKbuild) || len(p.sources)+len(p.foreignSources) == 0 {
		return name
	}
	r := g.newRule(kernelModule, name, p.old)
	g.setAttributes(r, p, ownKbuild)
	u := g.usesOf(p)
	g.x.uses[label.New(g.Config.RepoName, g.Rel, name)] = u
	g.add(r, u)
	return name
}

// moduleRule returns the rule that a module has already.
func (g *generation) moduleRule(module string) *rule.Rule {
	var byName *rule.Rule
	for _, r := range g.existing(kernelModule) {
		switch {
		case r.AttrString("module_name") == module:
			return r
		case r.Name() == module && r.AttrString("module_name") == "":
			byName = r
		}
	}
	return byName
}

// ownKbuild returns the label for the attribute kbuild: what is there, or the Makefile here
// if it is needed and good for it.
func (g *generation) ownKbuild(p *plan) string {
	if p.old != nil && p.old.Attr("kbuild") != nil {
		return p.old.AttrString("kbuild")
	}
	if len(p.beyond)+len(p.forced) > 0 && g.sole(p) {
		return path.Base(p.t.makefile(g.Rel))
	}
	return ""
}

// sole reports whether the Makefile here builds the module and nothing else, without those of
// the directories above and without what only a directive sets.
func (g *generation) sole(p *plan) bool {
	isSet := func(a kbuild.Asked) bool { return a.Set }
	if !p.t.sole(g.Rel) || slices.ContainsFunc(p.t.directories[g.Rel].Asked, isSet) {
		return false
	}
	if p.t.top == g.Rel {
		return true
	}
	alone := g.x.tree(g.Config, g.s, g.Rel)
	if alone == nil || !alone.sole(g.Rel) || len(alone.problems) > len(p.t.problems) {
		return false
	}
	return g.isSame(p, alone)
}

// isSame reports whether a Kbuild file that is read alone gives the module the same objects and
// flags, except those that directories above set for all below.
func (g *generation) isSame(p *plan, alone *tree) bool {
	d, other := p.t.directories[g.Rel], alone.directories[g.Rel]
	module := alone.modules[g.Rel][0]
	if len(d.Flags) != len(other.Flags) || len(module.Parts) != len(p.module.Parts) {
		return false
	}
	own := d.CFlags[min(len(d.Inherited), len(d.CFlags)):]
	flags := [][2][]string{{own, other.CFlags}, {d.AFlags, other.AFlags}, {d.LDFlags, other.LDFlags}}
	for i, part := range p.module.Parts {
		if p.t.path(part.Object) != alone.path(module.Parts[i].Object) {
			return false
		}
		flags = append(flags, [2][]string{part.CFlags, module.Parts[i].CFlags})
	}
	return !slices.ContainsFunc(flags, func(words [2][]string) bool {
		return !slices.Equal(g.flagsFrom(p.t, words[0]), g.flagsFrom(alone, words[1]))
	})
}

// flagsFrom returns flags with paths that do not depend on where Kbuild starts.
func (g *generation) flagsFrom(t *tree, words []string) []string {
	return g.compilerFlags(&plan{t: t, operands: make(map[string][]string)}, words, "")
}

// sayBeyond reports what the rule of a module does not have; true if it would be none then.
func (g *generation) sayBeyond(p *plan, ownKbuild string) bool {
	for _, b := range p.impossible {
		g.x.say("%s: module %s: %s: write its kernel_module by hand", g.at(p, b), p.module.Name(), b.reason)
	}
	if ownKbuild != "" {
		return len(p.impossible) > 0
	}
	for _, b := range p.beyond {
		g.sayOneBeyond(p, b)
	}
	return p.needed || len(p.impossible) > 0
}

func (g *generation) sayOneBeyond(p *plan, b beyond) {
	reason := p.t.display(b.reason)
	switch {
	case b.taken:
		g.x.say("%s: %s: copied to copts, which follow the kernel's own flags. If the order matters, "+
			"set the attribute kbuild of each module to a separate Kbuild file", g.at(p, b), reason)
	case b.ofAll:
		g.x.say("%s: %s: left out. If it matters, set the attribute kbuild of each module to a separate Kbuild file",
			g.at(p, b), reason)
	default:
		g.x.say("%s: module %s: %s: want a separate Kbuild file in the attribute kbuild",
			g.at(p, b), p.module.Name(), reason)
	}
}

// at returns FILE:LINE of something in the Makefile here, or in what it includes.
func (g *generation) at(p *plan, b beyond) string {
	if b.at != "" {
		return b.at
	}
	makefile := p.t.makefile(g.Rel)
	names := append([]string{makefile}, p.t.inputs(g.Rel)...)
	for _, name := range names {
		if found := at(g.Config.RepoRoot, name, b.word); found != name {
			return found
		}
	}
	return makefile
}

func (g *generation) setAttributes(r *rule.Rule, p *plan, ownKbuild string) {
	g.setNames(r, p)
	copts := append(p.copts, p.taken...)
	if ownKbuild != "" {
		copts = nil
		r.SetAttr("kbuild", ownKbuild)
	}
	if ownKbuild == path.Base(p.t.makefile(g.Rel)) {
		copts = g.inheritedFlags(p)
		g.addInputs(p)
	}
	srcs, hdrs := g.labels(p.sources), g.labels(p.headers)
	if !g.exports(p) {
		srcs, hdrs = union(srcs, hdrs), nil
	}
	ownTextual, _ := g.allTextual(p)
	textual := g.labels(ownTextual)
	files := slices.Concat(srcs, hdrs, textual)
	for _, a := range []struct {
		name   string
		values []string
	}{{"srcs", srcs}, {"hdrs", hdrs}, {"textual_hdrs", textual}, {"copts", copts}} {
		if p.old != nil && p.t.isUndecided(g.Rel) {
			a.values = union(a.values, without(p.old.AttrStrings(a.name), files))
		}
		if len(a.values) > 0 {
			r.SetAttr(a.name, a.values)
		}
	}
	r.SetSortedAttrs([]string{"srcs", "hdrs", "textual_hdrs", "deps"})
}

// setNames sets the attributes that name the module, its kernel and its place.
func (g *generation) setNames(r *rule.Rule, p *plan) {
	if r.Name() != p.module.Name() {
		r.SetAttr("module_name", p.module.Name())
	}
	r.SetAttr("kernel", g.s.kernel.Rel("", g.Rel).String())
	prefix := "updates"
	if given := g.s.installPrefix; given != nil && given.value != "" {
		prefix = given.value
	}
	switch dir := path.Join(prefix, path.Dir(p.module.Object)); {
	case dir != "updates":
		r.SetAttr("install_dir", dir)
	case g.s.installPrefix == nil && p.old != nil && p.old.Attr("install_dir") != nil:
		// Nothing contradicts the user.
		r.SetAttr("install_dir", p.old.Attr("install_dir"))
	}
}

// allSources returns the sources of this package and of others.
func (p *plan) allSources() []string { return slices.Concat(p.sources, p.foreignSources) }

// code returns all sources, and what is compiled as a part of them.
func (p *plan) code() []string { return slices.Concat(p.allSources(), p.textual, p.foreignTextual) }

// exports reports whether others may use the module, and thus need its headers.
func (g *generation) exports(p *plan) bool {
	return slices.ContainsFunc(p.code(), func(name string) bool {
		s := g.x.sources.scan(g.Config.RepoRoot, name)
		return s != nil && len(s.Exports) > 0
	})
}

// labels returns labels of files in the repository, relative to this package.
func (g *generation) labels(files []string) []string {
	var labels []string
	for _, name := range files {
		below := strings.TrimPrefix(strings.TrimPrefix(name, g.Rel), "/")
		if g.isGenerated(name) {
			below = ":" + below
		}
		labels = append(labels, below)
	}
	return labels
}

// owns reports whether a file belongs to this package. All directories below were visited.
func (g *generation) owns(name string) bool {
	for dir := path.Dir(name); isBelow(dir, g.Rel) && dir != g.Rel && dir != "."; dir = path.Dir(dir) {
		if g.x.isPackage(g.Config, dir) {
			return false
		}
	}
	return isBelow(name, g.Rel)
}

// isPackage reports whether a directory has a BUILD file, or gets one.
func (x *extension) isPackage(c *config.Config, dir string) bool {
	return x.packages[dir] || hasBuildFile(c, filepath.Join(c.RepoRoot, filepath.FromSlash(dir)))
}

// fileLabel returns the label of a file of another package; false if no package has it. To
// be asked when all directories were visited.
func (x *extension) fileLabel(c *config.Config, name string) (label.Label, bool) {
	dir := path.Dir(name)
	for ; dir != "." && !x.isPackage(c, dir); dir = path.Dir(dir) {
	}
	if dir == "." {
		dir = ""
	}
	below := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
	return label.New("", dir, below), dir != "" || x.isPackage(c, "")
}
