// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/kbuild"
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
			g.planWords(p, v.words)
			p.beyond = append(p.beyond, beyond{reason: v.name + " has " + strings.Join(v.words, " "), word: v.name, ofAll: true})
		}
	}
	for _, name := range d.Variables {
		p.beyond = append(p.beyond, beyond{reason: name + " is set", word: name, ofAll: true})
	}
	g.planWords(p, d.Words)
	for _, m := range d.Made {
		reason := p.t.path(m.File) + " is made by a rule of the Makefile"
		p.beyond = append(p.beyond, beyond{reason: reason, at: p.t.place(m.Position), ofAll: true})
	}
	for _, f := range d.Flags {
		if f.Use != kbuild.Nothing {
			g.planFlag(p, f)
		}
	}
}

// planFlag takes over a variable that kernel_module has no attribute for. Up to Linux 6.14
// EXTRA_CFLAGS is ccflags-y by another name.
func (g *generation) planFlag(p *plan, f kbuild.Flag) {
	if f.Name == "EXTRA_CFLAGS" && !f.Undecided {
		p.copts = append(p.copts, g.compilerFlags(p, f.Words, f.Name)...)
		return
	}
	b := beyond{reason: flagReason(f), at: p.t.place(f.Position), word: f.Name, ofAll: true}
	isCode := f.Use == kbuild.Compiler || f.Use == kbuild.SourceCode
	if isCode && !f.Removes && !f.Undecided && f.Target == "" && len(f.Words) > 0 {
		b.taken = true
		p.taken = append(p.taken, g.compilerFlags(p, f.Words, f.Name)...)
	} else {
		g.planWords(p, f.Words)
	}
	p.beyond = append(p.beyond, b)
}

// flagReason describes a variable.
func flagReason(f kbuild.Flag) string {
	words := strings.Join(f.Words, " ")
	switch {
	case f.Target != "":
		return f.Name + " " + words + " is for " + f.Target + " alone"
	case f.Undecided:
		return f.Name + " has " + words + ", which counts up to Linux 6.14, and the kernel's version is not known"
	case f.Removes && words == "":
		return f.Name + " is without some of the kernel's own flags"
	case f.Removes:
		return f.Name + " has " + words + ", and not all of the kernel's own flags"
	default:
		return f.Name + " has " + words
	}
}

// sayIdleFlags reports the flags that the Kbuild file here sets without effect.
func (g *generation) sayIdleFlags(t *tree) {
	for _, f := range t.directories[g.Rel].Flags {
		if f.Use == kbuild.Nothing {
			g.x.say("%s: %s has %s without effect: %s. If it matters, use ccflags-y or the like",
				t.place(f.Position), f.Name, t.display(strings.Join(f.Words, " ")), f.Reason)
		}
	}
}

// pairs are options of the compiler, assembler and linker whose argument may be the next
// word.
var pairs = []string{
	"--include", "--imacros", "--param", "--sysroot", "-B", "-D", "-I", "-L", "-T", "-U", "-Xassembler", "-Xclang",
	"-Xlinker", "-Xpreprocessor", "-idirafter", "-imacros", "-include", "-iprefix", "-iquote", "-isysroot", "-isystem",
	"-iwithprefix", "-iwithprefixbefore", "-mllvm", "-x",
}

// directoryOptions are those that name a directory of headers, forcedOptions those that name
// a file to be included before all others.
var (
	directoryOptions = []string{"-I", "-idirafter", "-iquote", "-isystem"}
	forcedOptions    = []string{"--imacros=", "--include=", "--imacros", "--include", "-imacros", "-include"}
)

// A forced is the file of an -include: its name as the flag has it.
type forced struct{ file, variable string }

// compilerFlags returns the copts for the words of a variable.
func (g *generation) compilerFlags(p *plan, words []string, variable string) []string {
	var copts []string
	for i := 0; i < len(words); i++ {
		flag, argument, isPair := words[i], "", false
		if isPair = slices.Contains(pairs, flag) && i+1 < len(words); isPair {
			i++
			argument = words[i]
		}
		option := g.planOption(p, flag, argument, variable)
		if text := strings.Join(option, " "); namesTree(text) {
			text = strings.ReplaceAll(text, kbuild.KernelRoot, "$(srctree)")
			text = strings.ReplaceAll(text, kbuild.ExternalRoot, "$(M)")
			p.beyond = append(p.beyond, beyond{reason: "the flag " + text + " names a source tree", word: variable, ofAll: true})
			continue
		}
		copts = append(copts, option...)
	}
	return copts
}

func namesTree(text string) bool {
	return strings.Contains(text, kbuild.KernelRoot) || strings.Contains(text, kbuild.ExternalRoot)
}

// planOption notes what an option and its argument, which may be empty, name, and returns
// the copts for it.
func (g *generation) planOption(p *plan, flag, argument, variable string) []string {
	for _, option := range forcedOptions {
		if file, ok := strings.CutPrefix(flag+argument, option); ok && file != "" && strings.HasPrefix(flag, option) {
			return []string{strings.TrimSuffix(option, "="), g.planForcedFile(p, file, variable)}
		}
	}
	for _, option := range directoryOptions {
		if dir, ok := strings.CutPrefix(flag+argument, option); ok && strings.HasPrefix(flag, option) {
			return g.planInclude(p, option, dir)
		}
	}
	if flag == "-D" || strings.HasPrefix(flag, "-D") {
		p.define(strings.TrimPrefix(flag+argument, "-D"))
	}
	return words(g.planPath(p, flag), g.planPath(p, argument))
}

// words returns those texts that are not empty.
func words(texts ...string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return text == "" })
}

// define notes a macro that may be the operand of #include.
func (p *plan) define(text string) {
	name, value, ok := strings.Cut(text, "=")
	value = strings.NewReplacer(`\`, "", "'", "").Replace(value)
	if ok && len(value) > 2 && (value[0] == '"' || value[0] == '<') {
		p.operands[name] = append(p.operands[name], value)
	}
}

// planWords notes what flags name that are not for copts.
func (g *generation) planWords(p *plan, words []string) {
	quiet := *p
	_ = g.compilerFlags(&quiet, words, "")
	p.includes, p.inputs, p.forced = quiet.includes, quiet.inputs, quiet.forced
}

// planForcedFile notes the file of an -include, and returns its name for copts: make works
// in the directory of the package.
func (g *generation) planForcedFile(p *plan, file, variable string) string {
	p.forced = append(p.forced, forced{file, variable})
	return g.planPath(p, file)
}

// planForced finds the files of -include. The compiler looks in the directory that it works
// in, then where it looks for other headers.
func (g *generation) planForced(p *plan) {
	for _, f := range p.forced {
		if strings.HasPrefix(f.file, kbuild.KernelRoot) {
			continue
		}
		name := g.repositoryFile(p, f.file)
		if name == "" && !path.IsAbs(f.file) {
			if found := g.find(p.includes, []string{f.file}); len(found) > 0 {
				name = found[0]
			}
		}
		if name == "" {
			g.x.say("%s: module %s: -include of %s: no such file in the repository",
				g.at(p, beyond{word: f.variable}), p.module.Name(), p.t.display(f.file))
			continue
		}
		p.forcedFiles = append(p.forcedFiles, name)
	}
	hasAssembler := slices.ContainsFunc(p.allSources(), func(name string) bool { return path.Ext(name) == ".S" })
	if len(p.forcedFiles) > 0 && hasAssembler {
		p.beyond = append(p.beyond, beyond{
			reason: "-include is for C, and copts are for assembler, too", word: p.forced[0].variable, ofAll: true,
		})
		p.copts = withoutForced(p.copts)
	}
}

// withoutForced returns copts without -include and its file.
func withoutForced(copts []string) []string {
	var kept []string
	for i := 0; i < len(copts); i++ {
		if slices.Contains(forcedOptions, copts[i]) {
			i++
			continue
		}
		kept = append(kept, copts[i])
	}
	return kept
}

// planPath notes a file of the repository that a word names, whatever stands before it, and
// returns the word with its path from the package.
func (g *generation) planPath(p *plan, word string) string {
	for i := range len(word) {
		if i > maxOption || i > 0 && !strings.ContainsRune("=,:@\"'", rune(word[i-1])) && !(i == 2 && word[0] == '-') {
			continue
		}
		name := g.repositoryFile(p, strings.TrimRight(word[i:], "\"'"))
		if name == "" {
			continue
		}
		p.inputs = append(p.inputs, name)
		relative, err := filepath.Rel("/"+g.Rel, "/"+name)
		if err == nil {
			return word[:i] + filepath.ToSlash(relative) + word[i+len(strings.TrimRight(word[i:], "\"'")):]
		}
	}
	return word
}

// maxOption is how far into a word the name of a file may begin.
const maxOption = 200

// repositoryFile returns the path of a file that a flag names, if the repository has it.
func (g *generation) repositoryFile(p *plan, file string) string {
	if file == "" || !path.IsAbs(file) && p.t.inKernel {
		return ""
	}
	name := p.t.file(file)
	if path.IsAbs(name) || strings.HasPrefix(name, "../") || !g.isFile(name) {
		return ""
	}
	return name
}

// inheritedFlags returns the copts for what directories above set for all below: the Kbuild
// file here does not have it.
func (g *generation) inheritedFlags(p *plan) []string {
	quiet := *p
	return g.compilerFlags(&quiet, p.t.directories[g.Rel].Inherited, "subdir-ccflags-y")
}

// addInputs adds what the Kbuild file here needs, and what its programs include.
func (g *generation) addInputs(p *plan) {
	f := g.follow(p)
	for _, name := range slices.Concat(p.allSources(), p.headers, p.foreignHeaders, p.textual, p.foreignTextual) {
		f.seen[name] = true
	}
	for _, name := range union(p.t.inputs(g.Rel), p.inputs) {
		switch {
		case name == p.t.makefile(g.Rel) || !g.isRegular(name):
		case slices.Contains([]string{".c", ".h", ".S"}, path.Ext(name)):
			f.found(name)
		case !f.seen[name]:
			p.data = append(p.data, name)
		}
	}
	for f.next() {
	}
}

// allTextual returns the textual files of this package and of others: those that sources
// include, and data, which have no code that others may use.
func (g *generation) allTextual(p *plan) (textual, foreign []string) {
	textual, foreign = p.textual, p.foreignTextual
	for _, name := range p.data {
		if g.owns(name) {
			textual = union(textual, []string{name})
		} else {
			foreign = union(foreign, []string{name})
		}
	}
	slices.Sort(textual)
	slices.Sort(foreign)
	return textual, foreign
}

// planObjectFlags turns CFLAGS_NAME.o into copts, if all C sources of the module have the
// same: copts are for all of them.
func (g *generation) planObjectFlags(p *plan) {
	var all [][]string
	for _, part := range p.module.Parts {
		if path.Ext(part.Source) != ".S" {
			all = append(all, g.compilerFlags(p, part.CFlags, p.flagsVariable(part)))
		}
		g.planWords(p, part.Words)
	}
	g.planWords(p, p.module.Words)
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
			p.beyond = append(p.beyond, beyond{reason: name + " is not for all of its sources", word: name})
		}
	}
}

// flagsVariable names the variable that holds the flags of one object.
func (p *plan) flagsVariable(part kbuild.Part) string {
	return "CFLAGS_" + strings.TrimPrefix(part.Object, p.module.Directory+"/")
}

// planInclude notes a directory of headers and returns the copts for it: Kbuild compiles in
// the directory of the package, of which those of sources are copied. None are for the
// package itself, where kernel_module looks for headers anyway.
func (g *generation) planInclude(p *plan, option, dir string) []string {
	if !strings.HasPrefix(dir, kbuild.KernelRoot) && p.t.inKernel && !path.IsAbs(dir) {
		dir = path.Join(kbuild.KernelRoot, dir)
	}
	if name := p.t.file(dir); !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../") {
		p.includes = append(p.includes, name)
		relative, err := filepath.Rel("/"+g.Rel, "/"+name)
		if err != nil || relative == "." && option == "-I" {
			return nil
		}
		dir = filepath.ToSlash(relative)
	}
	if option == "-I" {
		return []string{option + dir}
	}
	return []string{option, dir}
}

// planSources finds the files that the module's objects are compiled from.
func (g *generation) planSources(p *plan) {
	for _, part := range p.module.Parts {
		source, problem := g.sourceOf(p, part)
		if problem != "" {
			p.impossible = append(p.impossible, beyond{reason: problem, word: path.Base(part.Object)})
			continue
		}
		if !isBelow(source, g.Rel) {
			p.needed = true
			p.beyond = append(p.beyond, beyond{reason: source + " is outside its package", word: path.Base(part.Object)})
		}
		for _, name := range part.Variables {
			p.beyond = append(p.beyond, beyond{reason: name + " is set", word: name})
		}
		g.addSource(p, source)
	}
	for _, name := range p.module.Variables {
		p.beyond = append(p.beyond, beyond{reason: name + " is set", word: name})
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
// that a rule of this package makes. Otherwise it returns the problem.
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

// isGenerated reports whether a rule of this package makes a file.
func (g *generation) isGenerated(name string) bool {
	below := strings.TrimPrefix(strings.TrimPrefix(name, g.Rel), "/")
	return isBelow(name, g.Rel) && slices.Contains(g.GenFiles, below)
}

// planHeaders follows #include from the sources and from the files of -include.
func (g *generation) planHeaders(p *plan) {
	f := g.follow(p)
	for _, name := range p.forcedFiles {
		f.found(name)
	}
	f.queue = append(f.queue, p.allSources()...)
	for f.next() {
	}
	f.sayUnknown()
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
			if !g.isRegular(name) {
				g.sayIrregular(name)
				continue
			}
			found = append(found, name)
			break
		}
	}
	return found
}

// sayIrregular reports an included file that cannot be read. Directories are passed over,
// as the compiler does.
func (g *generation) sayIrregular(name string) {
	if !g.x.files(g.Config).IsDir(name) {
		g.x.say("%s: it is included, but is not a regular file: left out", name)
	}
}

// isFile reports whether the repository has a file, or a rule of this package makes it.
func (g *generation) isFile(name string) bool {
	return g.isGenerated(name) || g.x.files(g.Config).Exists(name)
}

// usesOf returns what deps are resolved from.
func (g *generation) usesOf(p *plan) *uses {
	_, foreignTextual := g.allTextual(p)
	u := &uses{
		module:    p.module.Name(),
		makefile:  p.t.makefile(g.Rel),
		kernel:    g.s.kernel.String(),
		sources:   p.foreignSources,
		headers:   p.foreignHeaders,
		textual:   foreignTextual,
		symbols:   make(map[string]string),
		symvers:   g.symvers(p),
		undecided: p.t.isUndecided(g.Rel),
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
