// SPDX-License-Identifier: Apache-2.0

package elfdiff

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Cause is a likely reason for a difference.
type Cause struct {
	// ID is a word for programs.
	ID CauseID `json:"id"`
	// Text states it in plain words.
	Text string `json:"text"`
}

// CauseID identifies a cause.
type CauseID string

// The causes.
const (
	OtherMachine  CauseID = "machine"
	OtherRelease  CauseID = "release"
	OtherCompiler CauseID = "compiler"
	OtherConfig   CauseID = "configuration"
	OtherSource   CauseID = "source"
	OtherSymbols  CauseID = "symbol-versions"
	BuildPath     CauseID = "build-path"
	TimeStamp     CauseID = "time-stamp"
	Stripped      CauseID = "strip"
	SymbolOrder   CauseID = "symbol-order"
	TypeInfo      CauseID = "type-information"
	OnlyBuildID   CauseID = "build-id"
	OtherInfo     CauseID = "module-information"
	OtherCode     CauseID = "code"
	Layout        CauseID = "layout"
)

var titles = map[CauseID]string{
	OtherMachine:  "another machine",
	OtherRelease:  "another kernel release",
	OtherCompiler: "another compiler",
	OtherConfig:   "another kernel configuration",
	OtherSource:   "another source",
	OtherSymbols:  "interfaces of the kernel or of other modules changed",
	BuildPath:     "an embedded build path",
	TimeStamp:     "an embedded timestamp",
	Stripped:      "stripped in another way",
	SymbolOrder:   "symbols in another order",
	TypeInfo:      "type information (BTF) made in another way",
	OnlyBuildID:   "a build-id over parts that were stripped since",
	OtherInfo:     "another module description",
	OtherCode:     "another source, configuration or compiler option",
	Layout:        "another layout of the ELF file",
}

// Title is the cause in a few words, without what one module shows of it.
func (id CauseID) Title() string { return titles[id] }

// facts are the facts in the contents of sections, in addition to the differences.
type facts struct {
	// infoA and infoB are .modinfo, nil if it does not differ.
	infoA, infoB map[string][]string
	// crcs is how many symbols have other versions.
	crcs                       int
	symbolsOnlyA, symbolsOnlyB int
	symbolOrder                bool
	buildPaths                 [][2]string
	times                      [][2]string
	producers                  [][2]string
	// unexplained are sections that differ in more than embedded paths and times, code states that code is among them.
	unexplained []string
	code        bool
}

func (f *facts) infoKeys() []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(f.infoA)), maps.Keys(f.infoB))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// info returns the values of a key on each side, "" for none.
func (f *facts) info(key string) (a, b string) {
	return strings.Join(f.infoA[key], " "), strings.Join(f.infoB[key], " ")
}

func (f *facts) addBuildPath(a, b string) {
	a, b = buildDirectories(a, b)
	if pair := [2]string{a, b}; a != b && !slices.Contains(f.buildPaths, pair) {
		f.buildPaths = append(f.buildPaths, pair)
	}
}

// causes returns what is likely, from what explains most to what explains least.
func (c *comparison) causes() []Cause {
	if other := c.machine(); other != nil {
		return []Cause{*other}
	}
	out := []Cause{}
	for _, find := range []func() *Cause{
		c.release, c.compiler, c.configuration, c.source, c.symbolVersions, c.buildPath, c.timeStamp, c.strip,
		c.order, c.typeInformation,
	} {
		if cause := find(); cause != nil {
			out = append(out, *cause)
		}
	}
	if more := c.more(out); more != nil {
		return append(out, *more)
	}
	if len(out) == 0 || c.codeUnexplained(out) {
		out = append(out, c.rest())
	}
	return out
}

// machine finds that the modules are for different machines: what else differs follows from that.
func (c *comparison) machine() *Cause {
	a, b := c.a.elf, c.b.elf
	if a.Class == b.Class && a.Data == b.Data && a.Machine == b.Machine {
		return nil
	}
	return cause(OtherMachine, "built for another machine: %s %s %s against %s %s %s",
		a.Class, a.Data, a.Machine, b.Class, b.Data, b.Machine)
}

func cause(id CauseID, format string, args ...any) *Cause {
	return &Cause{id, fmt.Sprintf(format, args...)}
}

// vermagic returns the two parts of the version magic (include/linux/vermagic.h): release, and what the
// configuration adds.
func (c *comparison) vermagic() (releaseA, releaseB, restA, restB string) {
	a, b := c.facts.info("vermagic")
	releaseA, restA, _ = strings.Cut(a, " ")
	releaseB, restB, _ = strings.Cut(b, " ")
	return releaseA, releaseB, strings.TrimSpace(restA), strings.TrimSpace(restB)
}

func (c *comparison) release() *Cause {
	a, b, _, _ := c.vermagic()
	if a == b {
		return nil
	}
	return cause(OtherRelease, "built for another kernel release: %s against %s", nameOrNone(a), nameOrNone(b))
}

func nameOrNone(text string) string {
	if text == "" {
		return "none"
	}
	return printable(text)
}

func (c *comparison) compiler() *Cause {
	if s := c.find(Comment, Changed); s != nil && len(s.Details) > 0 {
		return cause(OtherCompiler, "another compiler: %s against %s", nameOrNone(s.Details[0].A), nameOrNone(s.Details[0].B))
	}
	if len(c.facts.producers) > 0 {
		p := c.facts.producers[0]
		return cause(OtherCompiler, "another compiler, or other options for it: %s against %s", printable(p[0]), printable(p[1]))
	}
	return nil
}

func (c *comparison) configuration() *Cause {
	var why []string
	if _, _, a, b := c.vermagic(); a != b {
		why = append(why, fmt.Sprintf("vermagic %q against %q", a, b))
	}
	if s := c.find(ThisModule, Changed); s != nil && s.SizeA != s.SizeB {
		why = append(why, fmt.Sprintf("struct module of %d against %d bytes", s.SizeA, s.SizeB))
	}
	if a, b := c.facts.info("retpoline"); a != b {
		why = append(why, fmt.Sprintf("retpoline %s against %s", nameOrNone(a), nameOrNone(b)))
	}
	for _, s := range c.sections {
		if s.Change != Changed && isConfigured(s.Name) {
			why = append(why, fmt.Sprintf("%s %s", s.Name, s.Change))
		}
	}
	if why == nil {
		return nil
	}
	return cause(OtherConfig, "another kernel configuration: %s", strings.Join(why, ", "))
}

func (c *comparison) source() *Cause {
	var why []string
	for _, key := range []string{"srcversion", "version"} {
		if a, b := c.facts.info(key); a != b {
			why = append(why, fmt.Sprintf("%s %s against %s", key, nameOrNone(a), nameOrNone(b)))
		}
	}
	if why == nil {
		return nil
	}
	return cause(OtherSource, "another source: %s", strings.Join(why, ", "))
}

func (c *comparison) symbolVersions() *Cause {
	if c.facts.crcs == 0 {
		return nil
	}
	return cause(OtherSymbols, "interfaces of the kernel or of other modules changed: %s with another CRC",
		count(c.facts.crcs, "symbol"))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (c *comparison) buildPath() *Cause {
	if len(c.facts.buildPaths) == 0 {
		return nil
	}
	var why []string
	for _, p := range c.facts.buildPaths[:min(len(c.facts.buildPaths), maxShown)] {
		why = append(why, fmt.Sprintf("%s against %s", printable(p[0]), printable(p[1])))
	}
	return cause(BuildPath, "the path of the build directory is embedded: %s (compilers leave it out with -ffile-prefix-map)",
		strings.Join(why, ", "))
}

func (c *comparison) timeStamp() *Cause {
	if len(c.facts.times) == 0 {
		return nil
	}
	t := c.facts.times[0]
	return cause(TimeStamp, "a timestamp is embedded: %s against %s (set SOURCE_DATE_EPOCH or KBUILD_BUILD_TIMESTAMP)",
		printable(t[0]), printable(t[1]))
}

// stripped states what is missing of sections that strip(1) drops.
var stripped = map[Kind]string{
	Debug: "debug information", Symbols: "the symbol table", Comment: "the compiler's name (.comment)",
}

// strip finds debug information or symbols that one side alone has.
func (c *comparison) strip() *Cause {
	for _, change := range []Change{OnlyA, OnlyB} {
		for _, kind := range []Kind{Debug, Symbols, Comment} {
			if c.find(kind, change) != nil {
				return cause(Stripped, "stripped in another way: %s is %s", stripped[kind], change)
			}
		}
	}
	if c.changed(Code, Data) || (c.facts.symbolsOnlyA == 0) == (c.facts.symbolsOnlyB == 0) {
		return nil
	}
	if c.facts.symbolsOnlyA > 0 {
		return cause(Stripped, "stripped in another way: %s only in A", count(c.facts.symbolsOnlyA, "symbol"))
	}
	return cause(Stripped, "stripped in another way: %s only in B", count(c.facts.symbolsOnlyB, "symbol"))
}

func (c *comparison) order() *Cause {
	if !c.facts.symbolOrder || c.changed(Code) {
		return nil
	}
	return cause(SymbolOrder, "the same symbols in another order: objects linked in another order, or another linker")
}

func (c *comparison) typeInformation() *Cause {
	if c.find(BTF, Changed) == nil || c.changed(Code, Data, ModInfo, Debug) {
		return nil
	}
	return cause(TypeInfo, "type information alone (BTF): another pahole, or made against another vmlinux")
}

// codeUnexplained reports that code differs though no cause found so far makes it differ.
func (c *comparison) codeUnexplained(found []Cause) bool {
	if !c.facts.code {
		return false
	}
	return !slices.ContainsFunc(found, func(cause Cause) bool {
		return cause.ID == OtherCompiler || cause.ID == OtherConfig || cause.ID == OtherSource
	})
}

// rest is the cause where none was found, or none that explains the code.
func (c *comparison) rest() Cause {
	switch {
	case len(c.sections) == 0 && c.reordered:
		return *cause(Layout, "the same sections in another order: another linker or linker script, "+
			"or a tool that wrote the file again")
	case len(c.sections) == 0:
		return *cause(Layout, "all sections are the same: ELF headers, padding or data after the sections "+
			"differ")
	case c.changed(Code):
		return *cause(OtherCode, "code differs, and the modules do not show why: another source, "+
			"configuration or compiler option%s", c.compared())
	case c.only(BuildID):
		return *cause(OnlyBuildID, "only the build-id differs, which is a hash over what was linked: parts that were "+
			"stripped since differed (debug information with another build path), or the linker used another --build-id")
	case c.only(ModInfo, BuildID, Symbols, Names):
		return *cause(OtherInfo, "only the module's description differs (.modinfo)")
	}
	what := "data differ"
	if c.only(Debug, BuildID, Relocations, Symbols, Names) && c.changed(Debug) {
		what = "debug information differs"
	}
	return *cause(OtherCode, "%s, and the modules do not show why: another source, configuration or "+
		"compiler option%s", what, c.compared())
}

// find returns a section of that kind that differs so, or nil.
func (c *comparison) find(kind Kind, change Change) *Section {
	for i, s := range c.sections {
		if s.Kind == kind && s.Change == change {
			return &c.sections[i]
		}
	}
	return nil
}

// changed reports whether any section of these kinds differs.
func (c *comparison) changed(kinds ...Kind) bool {
	return slices.ContainsFunc(c.sections, func(s Section) bool { return slices.Contains(kinds, s.Kind) })
}

// only reports whether the sections that differ are all of these kinds.
func (c *comparison) only(kinds ...Kind) bool {
	return !slices.ContainsFunc(c.sections, func(s Section) bool { return !slices.Contains(kinds, s.Kind) })
}
