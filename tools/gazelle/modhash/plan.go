// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_modhash/tools/gazelle/kbuild"
)

// planFlags turns ccflags-y into copts.
func (g *generation) planFlags(p *plan) {
	d := p.t.directories[g.Rel]
	p.copts = g.compilerFlags(p, d.CFlags, "ccflags-y")
	for _, v := range []struct {
		name  string
		words []string
	}{{"asflags-y", d.AFlags}, {"ldflags-y", d.LDFlags}, {"rustflags-y", d.RustFlags}} {
		if len(v.words) > 0 {
			p.beyond = append(p.beyond, beyond{v.name + " has " + strings.Join(v.words, " "), v.name, true})
		}
	}
	for _, name := range d.Variables {
		p.beyond = append(p.beyond, beyond{name + " is set", name, true})
	}
}

// compilerFlags returns the copts for the words of a variable.
func (g *generation) compilerFlags(p *plan, words []string, variable string) []string {
	var copts []string
	for i := 0; i < len(words); i++ {
		flag := words[i]
		if flag == "-I" && i+1 < len(words) {
			i++
			flag += words[i]
		}
		if dir, ok := strings.CutPrefix(flag, "-I"); ok {
			flag = g.planInclude(p, dir)
		}
		if strings.Contains(flag, kbuild.KernelRoot) || strings.Contains(flag, kbuild.ExternalRoot) {
			flag = strings.ReplaceAll(flag, kbuild.KernelRoot, "$(srctree)")
			flag = strings.ReplaceAll(flag, kbuild.ExternalRoot, "$(M)")
			p.beyond = append(p.beyond, beyond{"the flag " + flag + " names a source tree", variable, true})
			continue
		}
		if flag != "" {
			copts = append(copts, flag)
		}
	}
	return copts
}

// planObjectFlags turns CFLAGS_NAME.o into copts, if all C sources of the module have the
// same: copts are for all of them.
func (g *generation) planObjectFlags(p *plan) {
	var all [][]string
	for _, part := range p.module.Parts {
		if path.Ext(part.Source) != ".S" {
			all = append(all, g.compilerFlags(p, part.CFlags, p.flagsVariable(part)))
		}
	}
	for _, flags := range all {
		if !slices.Equal(flags, all[0]) {
			g.planDifferentFlags(p)
			return
		}
	}
	if len(all) > 0 {
		p.copts = append(p.copts, all[0]...)
	}
}

// planDifferentFlags notes the flags that only some sources of the module have.
func (g *generation) planDifferentFlags(p *plan) {
	for _, part := range p.module.Parts {
		if len(part.CFlags) > 0 {
			name := p.flagsVariable(part)
			p.beyond = append(p.beyond, beyond{name + " is not for all of its sources", name, false})
		}
	}
}

// flagsVariable names the variable that holds the flags of one object.
func (p *plan) flagsVariable(part kbuild.Part) string {
	return "CFLAGS_" + strings.TrimPrefix(part.Object, p.module.Directory+"/")
}

// planInclude notes a folder of headers and returns the flag for it: Kbuild compiles in the
// folder of the package, of which those of sources are copied. It is "" for the package
// itself, where kernel_module looks for headers anyway.
func (g *generation) planInclude(p *plan, dir string) string {
	if strings.HasPrefix(dir, kbuild.KernelRoot) {
		return "-I" + dir
	}
	dir = p.t.file(dir)
	if path.IsAbs(dir) || dir == ".." || strings.HasPrefix(dir, "../") {
		return "-I" + dir
	}
	p.includes = append(p.includes, dir)
	relative, err := filepath.Rel("/"+g.Rel, "/"+dir)
	if err != nil || relative == "." {
		return ""
	}
	return "-I" + filepath.ToSlash(relative)
}

// planSources finds the files that the module's objects are compiled from.
func (g *generation) planSources(p *plan) {
	for _, part := range p.module.Parts {
		source, problem := g.sourceOf(p, part)
		if problem != "" {
			p.impossible = append(p.impossible, beyond{problem, path.Base(part.Object), false})
			continue
		}
		if !isBelow(source, g.Rel) {
			p.needed = true
			p.beyond = append(p.beyond, beyond{source + " lies outside its package", path.Base(part.Object), false})
		}
		for _, name := range part.Variables {
			p.beyond = append(p.beyond, beyond{name + " is set", name, false})
		}
		g.addSource(p, source)
	}
	for _, name := range p.module.Variables {
		p.beyond = append(p.beyond, beyond{name + " is set", name, false})
	}
	slices.Sort(p.sources)
	p.sources = slices.Compact(p.sources)
}

func (g *generation) addSource(p *plan, name string) {
	if g.owns(name) {
		p.sources = append(p.sources, name)
	} else {
		p.foreignSources = append(p.foreignSources, name)
	}
}

// sourceOf returns the file that an object is compiled from: one of the repository, or one
// that a rule of this package makes. Otherwise it tells the problem.
func (g *generation) sourceOf(p *plan, part kbuild.Part) (source, problem string) {
	object := p.t.path(part.Object)
	for _, suffix := range []string{".c", ".S"} {
		if name := strings.TrimSuffix(object, ".o") + suffix; g.isGenerated(name) {
			return name, ""
		}
	}
	source = p.t.path(part.Source)
	switch {
	case part.Source == "" && part.Generated:
		return "", object + " is made by a rule of the Makefile"
	case part.Source == "":
		return "", object + " has no source"
	case path.Ext(source) != ".c" && path.Ext(source) != ".S":
		return "", source + " is neither C nor assembler"
	case part.Generated:
		return "", source + " is made by a rule of the Makefile, want one of the BUILD file"
	}
	return source, ""
}

// isGenerated tells whether a rule of this package makes a file.
func (g *generation) isGenerated(name string) bool {
	below := strings.TrimPrefix(strings.TrimPrefix(name, g.Rel), "/")
	return isBelow(name, g.Rel) && slices.Contains(g.GenFiles, below)
}

// planHeaders follows #include from the sources.
func (g *generation) planHeaders(p *plan) {
	seen := make(map[string]bool)
	queue := p.allSources()
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		scanned := g.x.sources.scan(g.Config.RepoRoot, name)
		if scanned == nil {
			continue
		}
		found := g.find(append([]string{path.Dir(name)}, p.includes...), scanned.Includes)
		found = append(found, g.find(append(p.includes[:len(p.includes):len(p.includes)], g.Rel), scanned.SystemIncludes)...)
		for _, header := range found {
			if !seen[header] {
				seen[header] = true
				queue = append(queue, header)
				g.planHeader(p, header)
			}
		}
	}
	for _, files := range [][]string{p.headers, p.foreignHeaders, p.textual, p.foreignTextual} {
		slices.Sort(files)
	}
}

// planHeader takes over one included file.
func (g *generation) planHeader(p *plan, header string) {
	switch {
	case slices.Contains(p.allSources(), header):
	case path.Ext(header) != ".h" && g.owns(header):
		p.textual = append(p.textual, header)
	case path.Ext(header) != ".h":
		p.foreignTextual = append(p.foreignTextual, header)
	case g.owns(header):
		p.headers = append(p.headers, header)
	default:
		p.foreignHeaders = append(p.foreignHeaders, header)
	}
}

// find returns the included files that the repository has, each in the first directory
// that has it.
func (g *generation) find(dirs, includes []string) []string {
	var found []string
	dirs = append(dirs[:len(dirs):len(dirs)], g.Rel, "")
	for _, include := range includes {
		for _, dir := range dirs {
			name := path.Join(dir, include)
			if strings.HasPrefix(name, "../") || !g.isFile(name) {
				continue
			}
			found = append(found, name)
			break
		}
	}
	return found
}

// isFile tells whether the repository has a file, or a rule of this package makes it.
func (g *generation) isFile(name string) bool {
	return g.isGenerated(name) || g.x.files(g.Config).Exists(name)
}

// usesOf returns what deps are resolved from.
func (g *generation) usesOf(p *plan) *uses {
	u := &uses{
		module:   p.module.Name(),
		makefile: p.t.makefile(g.Rel),
		kernel:   g.s.kernel.String(),
		sources:  p.foreignSources,
		headers:  p.foreignHeaders,
		textual:  p.foreignTextual,
		symbols:  make(map[string]string),
		symvers:  g.symvers(p),
		doubtful: p.t.isDoubtful(g.Rel),
	}
	if p.old != nil {
		u.old = p.old.AttrStrings("deps")
	}
	for _, name := range p.code() {
		if scanned := g.x.sources.scan(g.Config.RepoRoot, name); scanned != nil {
			for _, id := range scanned.Identifiers {
				if u.symbols[id] == "" && !slices.Contains(scanned.Functions, id) {
					u.symbols[id] = name
				}
			}
		}
	}
	for _, name := range union(u.headers, u.symvers) {
		g.result.RelsToIndex = union(g.result.RelsToIndex, []string{p.t.directoryOf(name)})
	}
	return u
}

// symvers returns the Module.symvers of KBUILD_EXTRA_SYMBOLS that the repository would have.
func (g *generation) symvers(p *plan) []string {
	var names []string
	for _, word := range p.t.directories[g.Rel].ExtraSymbols {
		name := p.t.file(path.Clean(word))
		if strings.HasPrefix(word, kbuild.KernelRoot) {
			continue
		}
		if path.IsAbs(name) || strings.HasPrefix(name, "../") || path.Base(name) != "Module.symvers" {
			g.x.say("%s: module %s: KBUILD_EXTRA_SYMBOLS has %s, want a Module.symvers of a directory in the repository",
				at(g.Config.RepoRoot, p.t.makefile(g.Rel), "KBUILD_EXTRA_SYMBOLS"), p.module.Name(), word)
			continue
		}
		names = append(names, name)
	}
	return names
}
