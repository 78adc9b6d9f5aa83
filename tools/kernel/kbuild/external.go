// SPDX-License-Identifier: Apache-2.0

package kbuild

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rules_modhash/tools/kernel/kbuild/gnumake"
)

// A Version is that of a kernel, such as 6.12. The zero Version is not known.
type Version struct{ Major, Minor int }

// String returns "Linux MAJOR.MINOR".
func (v Version) String() string {
	return fmt.Sprintf("Linux %d.%d", v.Major, v.Minor)
}

// IsKnown reports whether there is a version.
func (v Version) IsKnown() bool { return v != Version{} }

// isBefore reports whether a version is known and older than another one.
func (v Version) isBefore(other Version) bool {
	return v.IsKnown() && (v.Major < other.Major || v.Major == other.Major && v.Minor < other.Minor)
}

var (
	// separateOutput is the first version whose make works in the directory of the external
	// modules; before, it worked in the kernel's build tree.
	separateOutput = Version{6, 13}
	// withoutExtra is the first version that does not read EXTRA_CFLAGS and its kin.
	withoutExtra = Version{6, 15}
)

var versionLines = map[string]*regexp.Regexp{
	"VERSION":    regexp.MustCompile(`(?m)^VERSION = (\d{1,4})$`),
	"PATCHLEVEL": regexp.MustCompile(`(?m)^PATCHLEVEL = (\d{1,4})$`),
}

// readVersion returns the version in a kernel's Makefile.
func readVersion(kernel fs.FS) Version {
	text, err := gnumake.NewFiles(KernelRoot, gnumake.Mount{Root: KernelRoot, FS: kernel}).ReadFile("Makefile")
	if err != nil {
		return Version{}
	}
	number := func(name string) int {
		found := versionLines[name].FindSubmatch(text)
		if found == nil {
			return 0
		}
		n, _ := strconv.Atoi(string(found[1]))
		return n
	}
	return Version{number("VERSION"), number("PATCHLEVEL")}
}

// An externalTree is what all directories of external modules share.
type externalTree struct {
	// top is the absolute path of the outermost one.
	top string
	// inKernel is set where make works in the kernel's tree, not in top.
	inKernel bool
	version  Version
	// set are variables that no configuration has.
	set map[string]string
	// kernel holds the values of variables that the kernel's own Makefiles set, as words, and
	// what is undecided in them.
	kernel map[string]kernelValue
}

type kernelValue struct {
	words     []string
	undecided []gnumake.Undecided
}

// readVariables reads the variables that the kernel's Makefiles set.
func (x *externalTree) readVariables(files *gnumake.Files, scope *gnumake.Scope) {
	e := gnumake.NewEvaluator(files, scope)
	x.kernel = make(map[string]kernelValue)
	for name := range flagVariables {
		value := e.Value(name)
		x.kernel[name] = kernelValue{gnumake.Words(value), e.Undecided(value)}
	}
}

// relative makes the positions of diagnostics relative to the top, as they are where make
// works there.
func (x *externalTree) relative(diagnostics []Diagnostic) []Diagnostic {
	if x == nil || !x.inKernel {
		return diagnostics
	}
	var all []Diagnostic
	for _, d := range diagnostics {
		d.Position.File = strings.TrimPrefix(d.Position.File, x.top+"/")
		d.Message = strings.ReplaceAll(d.Message, x.top+"/", "")
		all = append(all, d)
	}
	return all
}

// A Use states what a variable with flags is good for.
type Use int

// What variables are read for.
const (
	// Compiler flags are for C, SourceCode flags for C and assembler.
	Compiler Use = iota
	SourceCode
	Assembler
	Linker
	Rust
	// Program names a tool, or is anything else that Kbuild reads.
	Program
	// Nothing: Kbuild does not read it.
	Nothing
)

// flagVariables are variables that scripts/Makefile.lib and scripts/Makefile.build read and
// that the kernel's own Makefiles set: Kbuild files may change them.
var flagVariables = map[string]Use{
	"KBUILD_CFLAGS": Compiler, "KBUILD_CFLAGS_MODULE": Compiler, "CFLAGS_MODULE": Compiler,
	"KBUILD_CPPFLAGS": SourceCode, "LINUXINCLUDE": SourceCode, "NOSTDINC_FLAGS": SourceCode,
	"KBUILD_AFLAGS": Assembler, "KBUILD_AFLAGS_MODULE": Assembler, "AFLAGS_MODULE": Assembler,
	"KBUILD_LDFLAGS":   Linker,
	"KBUILD_RUSTFLAGS": Rust, "KBUILD_RUSTFLAGS_MODULE": Rust, "RUSTFLAGS_MODULE": Rust,
	"AR": Program, "AS": Program, "CC": Program, "CPP": Program, "LD": Program, "NM": Program, "OBJCOPY": Program,
	"OBJDUMP": Program, "RUSTC": Program, "STRIP": Program,
}

// extraVariables were added to ccflags-y and its kin up to Linux 6.14.
var extraVariables = map[string]Use{
	"EXTRA_CFLAGS": Compiler, "EXTRA_AFLAGS": Assembler, "EXTRA_LDFLAGS": Linker, "EXTRA_CPPFLAGS": Nothing,
}

// programVariables list what is built in addition to modules.
var programVariables = []string{"hostprogs", "hostprogs-y", "userprogs", "userprogs-y", "always-y", "always-m", "extra-y"}

// A Flag is a variable with flags that a Kbuild file sets in addition to those that [Directory] and
// [Part] have the values of.
type Flag struct {
	Name     string
	Position gnumake.Position
	Use      Use
	// Words are those that the Kbuild file adds to the kernel's own.
	Words []string
	// Removes is set if some of the kernel's own are gone, or others stand between them.
	Removes bool
	// Target is the file that a variable of a single target is for, or empty.
	Target string
	// Undecided is set if it depends on the kernel's version whether Kbuild reads it.
	Undecided bool
	// Reason states why Kbuild does not read it.
	Reason string
}

// flags returns the variables with flags that are set in Kbuild files.
func (d *directory) flags() []Flag {
	var flags []Flag
	for _, name := range d.flagNames() {
		at, ok := d.e.InFile(name, ExternalRoot)
		if f := d.flag(name); ok && f != nil {
			f.Name, f.Position = name, at
			flags = append(flags, *f)
		}
	}
	for _, s := range d.record.Specific {
		if isFlagName(s.Name) || strings.HasSuffix(s.Name, "flags-y") {
			flags = append(flags, Flag{
				Name: s.Name, Position: s.Position, Use: Program, Target: s.Targets, Words: []string{s.Text},
			})
		}
	}
	return flags
}

// flagNames returns the names of variables that may be flags: those that this run set, and
// those that came from a Makefile above.
func (d *directory) flagNames() []string {
	names := d.e.Names()
	for _, table := range []map[string]Use{flagVariables, extraVariables} {
		for name := range table {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// isFlagName reports whether a name looks as if flags were in it.
func isFlagName(name string) bool {
	upper := strings.ToUpper(name)
	return strings.Contains(upper, "FLAGS") || strings.HasSuffix(upper, "INCLUDE") || strings.HasSuffix(upper, "INCLUDES") ||
		flagVariables[name] != 0 || isKnown(name)
}

// flag returns what a variable is, nil if it is none of flags.
func (d *directory) flag(name string) *Flag {
	if use, ok := flagVariables[name]; ok {
		return d.changed(name, use)
	}
	if use, ok := extraVariables[name]; ok {
		return d.extra(name, use)
	}
	switch {
	case strings.TrimSpace(d.e.Value(name)) == "" || d.isRead(name):
		return nil
	case slices.Contains(programVariables, name):
		return &Flag{Use: Program, Words: d.words(name)}
	case isObjectFlag(name):
		return d.idle(name, "no module of this directory has such an object")
	case isKnown(name):
		return &Flag{Use: Program, Words: d.words(name)}
	case !isFlagName(name) || d.isUsed(name, make(map[string]bool)):
		return nil
	case strings.HasSuffix(name, "-") || strings.HasSuffix(name, "-n"):
		return d.idle(name, "the configuration does not set its name")
	default:
		return d.idle(name, "Kbuild does not read it here")
	}
}

// isUsed reports whether the value of a variable gets to something that Kbuild reads.
func (d *directory) isUsed(name string, seen map[string]bool) bool {
	seen[name] = true
	for user := range d.record.Used[name] {
		_, isFlag := flagVariables[user]
		_, isExtra := extraVariables[user]
		if user == "" || d.read[user] || isFlag || isExtra || isKnown(user) || slices.Contains(emptyAtFirst, user) && !isFlagName(user) {
			return true
		}
		if !seen[user] && d.isUsed(user, seen) {
			return true
		}
	}
	return false
}

// idle returns a variable that nothing reads.
func (d *directory) idle(name, reason string) *Flag {
	return &Flag{Use: Nothing, Words: append(gnumake.Words(d.e.Value(name)), d.undecided(name)...), Reason: reason}
}

// undecided returns why parts of a variable are undecided.
func (d *directory) undecided(name string) []string {
	var reasons []string
	for _, u := range d.e.Undecided(d.e.Value(name)) {
		reasons = append(reasons, u.Reason)
	}
	return reasons
}

// isKnown reports whether Kbuild may read a variable that no table has.
func isKnown(name string) bool {
	return strings.HasPrefix(name, "KBUILD_") || strings.HasPrefix(name, "CC_FLAGS_") || strings.HasPrefix(name, "CFLAGS_")
}

// changed compares a variable with what the kernel's Makefiles make of it.
func (d *directory) changed(name string, use Use) *Flag {
	value := d.e.Value(name)
	kernel := d.tree.kernel[name]
	for _, u := range d.e.Undecided(value) {
		if !slices.Contains(kernel.undecided, u) {
			d.e.Report(u.Position, "undecided what %s of %s contains: %s", name, d.makefile, u.Reason)
		}
	}
	f := &Flag{Use: use}
	words := gnumake.Words(value)
	if f.Words, f.Removes = added(kernel.words, words); len(f.Words) == 0 && !f.Removes {
		return nil
	}
	return f
}

// added returns the words that are not among those of before, and whether those are not
// there as they were.
func added(before, words []string) (more []string, changed bool) {
	for i := 0; i+len(before) <= len(words); i++ {
		if slices.Equal(before, words[i:i+len(before)]) {
			return slices.Concat(words[:i], words[i+len(before):]), false
		}
	}
	left := make(map[string]int)
	for _, w := range before {
		left[w]++
	}
	for _, w := range words {
		if left[w]--; left[w] < 0 {
			more = append(more, w)
		}
	}
	return more, true
}

// extra returns what one of EXTRA_CFLAGS and its kin is: flags up to Linux 6.14.
func (d *directory) extra(name string, use Use) *Flag {
	words := d.words(name)
	switch v := d.tree.version; {
	case len(words) == 0:
		return nil
	case !v.IsKnown():
		return &Flag{Use: use, Words: words, Undecided: true}
	case v.isBefore(withoutExtra) && use != Nothing:
		return &Flag{Use: use, Words: words}
	default:
		return &Flag{Use: Nothing, Words: words, Reason: v.String() + " does not read it"}
	}
}

// objectFlags are prefixes of the variables of single objects.
var objectFlags = []string{
	"AFLAGS_REMOVE_", "AFLAGS_", "CFLAGS_REMOVE_", "CFLAGS_", "LDFLAGS_", "RUSTFLAGS_REMOVE_", "RUSTFLAGS_",
}

func isObjectFlag(name string) bool {
	return path.Ext(name) == ".o" && slices.ContainsFunc(objectFlags, func(prefix string) bool {
		return strings.HasPrefix(name, prefix)
	})
}

// isRead reports whether something else of the directory, or of its modules, has the value
// of a variable.
func (d *directory) isRead(name string) bool {
	switch {
	case slices.Contains(directoryFlags, name), slices.Contains(directoryNames, name), name == subdirFlags,
		slices.Contains(withoutEffect, name), d.read[name]:
		return true
	}
	return slices.ContainsFunc(switches, func(s struct{ name, symbol string }) bool {
		return name == s.name || strings.HasPrefix(name, s.name+"_")
	})
}

// withoutEffect do not change what is built, or have a separate attribute.
var withoutEffect = []string{
	"GNUMAKEFLAGS", "KBUILD_EXTMOD", "KBUILD_EXTRA_SYMBOLS", "KBUILD_OUTPUT", "KBUILD_VERBOSE", "MAKEFLAGS", "MFLAGS",
}

// directoryFlags are those that [Directory] has the values of.
var directoryFlags = []string{"asflags-y", "ccflags-y", "ldflags-y", "rustflags-y", "subdir-ccflags-y"}

// inputs returns the files of external modules that the Makefile needs in addition to itself: as
// absolute paths, each once.
func (d *directory) inputs() []string {
	own := d.files.Absolute(d.file(path.Base(d.makefile)))
	var all []string
	add := func(names []string) {
		for _, name := range names {
			abs := d.files.Absolute(name)
			if abs != own && strings.HasPrefix(abs, ExternalRoot+"/") && d.files.IsRegular(abs) {
				all = append(all, abs)
			}
		}
	}
	add(d.record.Included)
	add(d.record.Matched)
	add(d.programs())
	for _, r := range d.record.Rules {
		if slices.ContainsFunc(r.Targets, d.isObject) {
			add(r.Words)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// programs returns the sources of programs that are built in addition to the modules.
func (d *directory) programs() []string {
	var files []string
	for _, variable := range programVariables {
		for _, program := range gnumake.Words(d.e.Value(variable)) {
			stems := append(gnumake.Words(d.e.Value(program+"-objs")), program)
			for _, stem := range stems {
				stem = strings.TrimSuffix(stem, ".o")
				files = append(files, d.file(stem+".c"), d.file(stem+".cc"))
			}
		}
	}
	return files
}

// A Made is a file that a rule of a Makefile makes.
type Made struct {
	File     string
	Position gnumake.Position
}

// madeFiles returns what rules make but objects and their sources: headers and the like.
func (d *directory) madeFiles() []Made {
	var all []Made
	for _, r := range d.record.Rules {
		for _, target := range r.Targets {
			if r.Recipe && d.isObject(target) && !slices.Contains([]string{".c", ".S", ".o", ".rs"}, path.Ext(target)) {
				all = append(all, Made{path.Clean(d.relative(target)), r.Position})
			}
		}
	}
	return all
}

// isObject reports whether a target is a file of the directory, spelled as Kbuild needs it.
func (d *directory) isObject(target string) bool {
	return strings.HasPrefix(target, d.spelled+"/")
}

// switchedOff returns what the directory does not build because variables are not set.
func (d *directory) switchedOff(listed []Module) []gnumake.Switch {
	stems := make(map[string]bool)
	for _, m := range listed {
		stems[strings.TrimSuffix(d.name(m), ".o")] = true
	}
	var off []gnumake.Switch
	for _, s := range d.record.Switches {
		name := s.Name[:strings.LastIndexByte(s.Name, '-')]
		isModules := strings.HasPrefix(s.Name, "obj-") || strings.HasPrefix(s.Name, "subdir-")
		if isModules || stems[name] {
			off = append(off, s)
		}
	}
	return off
}

// name returns a module's object as the directory's Makefile names it.
func (d *directory) name(m Module) string {
	if d.obj == "." {
		return m.Object
	}
	return strings.TrimPrefix(m.Object, d.obj+"/")
}

// asked returns the variables that decide nothing because they are not set, and those that
// the caller sets.
func (d *directory) asked() []Asked {
	var all []Asked
	for name := range d.record.Used {
		_, set := d.tree.set[name]
		at, unset := d.record.Unset[name]
		if set || unset && strings.HasPrefix(name, "CONFIG_") {
			all = append(all, Asked{name, at, set})
		}
	}
	slices.SortFunc(all, func(a, b Asked) int { return strings.Compare(a.Name, b.Name) })
	return all
}
