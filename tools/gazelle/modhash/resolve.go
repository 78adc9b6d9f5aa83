// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/bazelbuild/bazel-gazelle/config"
	"github.com/bazelbuild/bazel-gazelle/label"
	"github.com/bazelbuild/bazel-gazelle/repo"
	"github.com/bazelbuild/bazel-gazelle/resolve"
	"github.com/bazelbuild/bazel-gazelle/rule"
)

// uses is what deps of a kernel_module are resolved from.
type uses struct {
	module, makefile string
	// kernel is the label of the kernel_build.
	kernel string
	// symbols are identifiers in the sources, and the first source that has each.
	symbols map[string]string
	// sources, headers and textual files of other packages.
	sources, headers, textual []string
	// symvers are those of KBUILD_EXTRA_SYMBOLS.
	symvers []string
	// old are the deps that are there already. With undecided, all of them stay.
	old       []string
	undecided bool
}

// moduleInfo is what is known of a kernel_module in the index.
type moduleInfo struct {
	kernel string
	// headers are the paths of hdrs in the repository.
	headers []string
	// symbols are those that it exports.
	symbols []string
}

// Imports implements [resolve.Resolver]. A module can be imported by each symbol it
// exports, by the path of each of its headers, and by the Module.symvers of its package.
func (x *extension) Imports(c *config.Config, r *rule.Rule, f *rule.File) []resolve.ImportSpec {
	if kindOf(c, r) != kernelModule {
		return nil
	}
	info := moduleInfo{kernel: absolute(r.AttrString("kernel"), f.Pkg), headers: paths(r.AttrStrings("hdrs"), f.Pkg)}
	names := append([]string{path.Join(f.Pkg, "Module.symvers")}, info.headers...)
	code := append(r.AttrStrings("srcs"), r.AttrStrings("textual_hdrs")...)
	for _, name := range paths(code, f.Pkg) {
		if path.Ext(name) == ".h" {
			continue
		}
		if scanned := x.sources.scan(c.RepoRoot, name); scanned != nil {
			for _, e := range scanned.Exports {
				info.symbols = append(info.symbols, e.Symbol)
			}
		}
	}
	names = append(names, info.symbols...)
	x.modules[label.New(c.RepoName, f.Pkg, r.Name())] = info
	specs := make([]resolve.ImportSpec, len(names))
	for i, name := range names {
		specs[i] = resolve.ImportSpec{Lang: languageName, Imp: name}
	}
	return specs
}

// absolute returns a label as text, in full; "" if it is none.
func absolute(text, pkg string) string {
	l, err := label.Parse(text)
	if err != nil {
		return ""
	}
	return l.Abs("", pkg).String()
}

// paths returns where the repository would have the files of labels.
func paths(labels []string, pkg string) []string {
	var names []string
	for _, text := range labels {
		if l, err := label.Parse(text); err == nil && l.Repo == "" {
			l = l.Abs("", pkg)
			names = append(names, path.Join(l.Pkg, l.Name))
		}
	}
	return names
}

// Resolve implements [resolve.Resolver].
func (x *extension) Resolve(
	c *config.Config, ix *resolve.RuleIndex, _ *repo.RemoteCache, r *rule.Rule, imports any, from label.Label,
) {
	u, ok := imports.(*uses)
	if !ok {
		return
	}
	s := &resolution{x: x, c: c, ix: ix, uses: u, from: from, deps: make(map[string]label.Label)}
	for _, symbol := range slices.Sorted(maps.Keys(u.symbols)) {
		s.symbol(symbol)
	}
	addFiles(r, "srcs", s.labels(s.foreignFiles()))
	addFiles(r, "textual_hdrs", s.labels(s.textual))
	for _, name := range u.symvers {
		s.symvers(name)
	}
	deps := slices.Collect(maps.Keys(s.deps))
	if u.undecided {
		deps = union(deps, u.old)
	}
	r.DelAttr("deps")
	if len(deps) > 0 {
		slices.Sort(deps)
		r.SetAttr("deps", deps)
	}
}

func addFiles(r *rule.Rule, attribute string, labels []string) {
	if len(labels) > 0 {
		r.SetAttr(attribute, union(r.AttrStrings(attribute), labels))
	}
}

// A resolution is the work on one rule.
type resolution struct {
	*uses
	x    *extension
	c    *config.Config
	ix   *resolve.RuleIndex
	from label.Label
	// deps by their text, relative to the rule's package.
	deps map[string]label.Label
}

// foreignFiles returns the sources of other packages, and those headers that no dependency
// brings.
func (s *resolution) foreignFiles() []string {
	files := slices.Clone(s.sources)
	for _, name := range s.headers {
		if !s.header(name) {
			files = append(files, name)
		}
	}
	return files
}

// labels returns the labels of files of other packages.
func (s *resolution) labels(files []string) []string {
	var labels []string
	for _, name := range files {
		l, ok := s.x.fileLabel(s.c, name)
		if !ok {
			s.x.say("%s: module %s needs it, but it is in no package: want a BUILD file in its directory", name, s.module)
			continue
		}
		labels = union(labels, []string{l.Rel("", s.from.Pkg).String()})
	}
	return labels
}

func (s *resolution) add(l label.Label) {
	s.deps[l.Rel(s.from.Repo, s.from.Pkg).String()] = l
}

// candidates returns the modules that provide something; explicit reports that a directive names
// the only one. A module does not depend on itself: then there are none.
func (s *resolution) candidates(name string) (found []label.Label, explicit bool) {
	spec := resolve.ImportSpec{Lang: languageName, Imp: name}
	results := s.ix.FindRulesByImportWithConfig(s.c, spec, languageName)
	for _, result := range results {
		if result.IsSelfImport(s.from) {
			return nil, false
		}
	}
	if l, ok := resolve.FindRuleWithOverride(s.c, spec, languageName); ok {
		if l = l.Abs(s.from.Repo, s.from.Pkg); l.Repo == "" {
			l.Repo = s.from.Repo
		}
		if l.Equal(s.from) {
			return nil, true
		}
		return []label.Label{l}, true
	}
	for _, result := range results {
		if info, ok := s.x.modules[result.Label]; !ok || info.kernel == s.kernel {
			found = append(found, result.Label)
		}
	}
	return found, false
}

// symbol adds the module that exports a symbol.
func (s *resolution) symbol(name string) {
	found, explicit := s.candidates(name)
	if found = s.prefer(found); len(found) == 1 && !explicit && s.isMutual(found[0]) {
		s.x.say("%s: module %s uses %s of %s, which uses symbols of this module: modules that need each other "+
			"cannot be loaded. Want # gazelle:resolve %s %s LABEL with the label of the module itself, for a name that is not a use",
			at(s.c.RepoRoot, s.uses.symbols[name], name), s.module, name, list(found), languageName, name)
		found = s.before(found)
	}
	if len(found) > 1 {
		s.x.say("%s: module %s uses %s, which %s export: want # gazelle:resolve %s %s LABEL",
			at(s.c.RepoRoot, s.uses.symbols[name], name), s.module, name, list(found), languageName, name)
		found = s.before(found)
	}
	for _, l := range found {
		s.add(l)
	}
}

// isMutual reports whether a module uses a symbol of this one.
func (s *resolution) isMutual(other label.Label) bool {
	for _, symbol := range s.x.modules[s.from].symbols {
		if used := s.x.uses[other]; used != nil && used.symbols[symbol] != "" && !s.x.exports(other, symbol) {
			t := &resolution{x: s.x, c: s.c, ix: s.ix, uses: used, from: other}
			if found, _ := t.candidates(symbol); len(found) == 1 && found[0].Equal(s.from) {
				return true
			}
		}
	}
	return false
}

// exports reports whether a module exports a symbol.
func (x *extension) exports(module label.Label, symbol string) bool {
	return slices.Contains(x.modules[module].symbols, symbol)
}

// prefer narrows several candidates down to those that KBUILD_EXTRA_SYMBOLS names.
func (s *resolution) prefer(found []label.Label) []label.Label {
	named := keep(found, func(l label.Label) bool {
		return slices.Contains(s.uses.symvers, path.Join(l.Pkg, "Module.symvers"))
	})
	if len(named) > 0 {
		return named
	}
	return found
}

// before returns the candidates that are deps already: what is undecided deletes nothing.
func (s *resolution) before(found []label.Label) []label.Label {
	return keep(found, func(l label.Label) bool {
		return slices.Contains(s.old, l.Rel(s.from.Repo, s.from.Pkg).String())
	})
}

func keep(all []label.Label, good func(label.Label) bool) []label.Label {
	var kept []label.Label
	for _, l := range all {
		if good(l) {
			kept = append(kept, l)
		}
	}
	return kept
}

func list(labels []label.Label) string {
	texts := make([]string, len(labels))
	for i, l := range labels {
		texts[i] = label.New("", l.Pkg, l.Name).String()
	}
	slices.Sort(texts)
	return strings.Join(texts, " and ")
}

// header reports whether a header comes with the dependencies: from one that symbols led to,
// or one that a directive names. Otherwise it is a source: modules may include headers of
// each other, but not depend on each other.
func (s *resolution) header(name string) bool {
	for _, l := range s.deps {
		if slices.Contains(s.x.modules[l].headers, name) {
			return true
		}
	}
	found, explicit := s.candidates(name)
	if explicit && len(found) > 0 {
		s.add(found[0])
	}
	return explicit
}

// symvers adds the one module of a package that KBUILD_EXTRA_SYMBOLS names, if no symbol
// led there.
func (s *resolution) symvers(name string) {
	for _, l := range s.deps {
		if path.Join(l.Pkg, "Module.symvers") == name {
			return
		}
	}
	switch found, _ := s.candidates(name); len(found) {
	case 0:
		s.x.say("%s: module %s: KBUILD_EXTRA_SYMBOLS has %s, but that directory has no kernel_module for the same kernel",
			at(s.c.RepoRoot, s.makefile, "KBUILD_EXTRA_SYMBOLS"), s.module, name)
	case 1:
		s.add(found[0])
	default:
		s.x.say("%s: module %s: KBUILD_EXTRA_SYMBOLS has %s of %s, but the module uses none of their symbols",
			at(s.c.RepoRoot, s.makefile, "KBUILD_EXTRA_SYMBOLS"), s.module, name, list(found))
	}
}
