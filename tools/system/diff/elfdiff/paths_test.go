// SPDX-License-Identifier: Apache-2.0

package elfdiff_test

import (
	"bytes"
	"math/rand/v2"
	"path"
	"regexp"
	"strings"
	"testing"

	"rules_modhash/tools/system/diff/elfdiff"
)

// module returns a module that was built in a directory.
func module(dir string) object {
	return object{
		dir: dir, name: "drivers/m.c", code: "\x55\xc3", info: "license=GPL\x00description=a module", symbol: "init_module",
		texts:       []string{"loading %s", path.Join(dir, "drivers/m.c"), "/dev/null"},
		identifiers: []string{"printk", "init_module"},
	}
}

// directories are pairs of build directories.
var directories = [][2]string{
	{"/tmp/aaa", "/tmp/bbb"}, {"/build/x", "/home/me/src/y"}, {"/build", "/build/sub"}, {"/build/sub/deep", "/build"},
	{"/a/b/c/d/e/linux", "/linux"}, {"/tmp/one/linux", "/tmp/another/linux"}, {"/x", "/y"}, {"/", "/work"}, {"/tmp/a", "/tmp/ab"},
	{"/home/me/my linux", "/srv/ä"}, {"/tmp/aaa/aaa", "/tmp/aaa"},
}

// others are differences other than the directory.
var others = map[string]func(*object){
	"code":             func(o *object) { o.code = "\x55\x90\xc3" },
	"text in data":     func(o *object) { o.texts[0] = "starting %s" },
	"path in data":     func(o *object) { o.texts[2] = "/dev/zero" },
	"text added":       func(o *object) { o.texts = append(o.texts, "more") },
	"short text":       func(o *object) { o.texts = append(o.texts, "no") },
	"zeros in data":    func(o *object) { o.zeros = 8 },
	"number in data":   func(o *object) { o.number = 7 },
	"description":      func(o *object) { o.info = "license=GPL\x00description=another" },
	"identifier":       func(o *object) { o.identifiers[0] = "pr_err" },
	"name of a symbol": func(o *object) { o.symbol = "start_module" },
}

func causesOf(diff elfdiff.Diff) string {
	var ids []string
	for _, c := range diff.Causes {
		ids = append(ids, string(c.ID))
	}
	return strings.Join(ids, " ")
}

// wantPath checks that the build path is the only cause, or comes with another one, and that it names the directories.
func wantPath(t *testing.T, diff elfdiff.Diff, dirs [2]string, also string) {
	t.Helper()
	if got, want := causesOf(diff), strings.TrimSpace("build-path "+also); got != want {
		t.Errorf("%q: causes are %+v, want %q", dirs, diff.Causes, want)
		return
	}
	named := regexp.MustCompile(`embedded: (.*?) against (.*?)(?:, .*)? \(compilers`).FindStringSubmatch(diff.Causes[0].Text)
	if named == nil {
		t.Errorf("%q: no directories in %q", dirs, diff.Causes[0].Text)
		return
	}
	rest, isPrefix := strings.CutPrefix(path.Join(dirs[0], "drivers/m.c"), named[1])
	if named[1] == named[2] || !isPrefix || path.Join(named[2], rest) != path.Join(dirs[1], "drivers/m.c") {
		t.Errorf("%q: got %q", dirs, named[1:])
	}
}

// forms are ways in which a module has its path.
var forms = map[string]func(*object){
	"DWARF 5":                   func(*object) {},
	"DWARF 4":                   func(o *object) { o.dwarf = 4 },
	"debug information alone":   func(o *object) { o.texts[1] = "m.c" },
	"compressed":                func(o *object) { o.compress = ".debug" },
	"compressed, the old way":   func(o *object) { o.compress = ".zdebug" },
	"absolute name":             func(o *object) { o.name = path.Join(o.dir, o.name) },
	"__FILE__ alone":            func(o *object) { o.dir = "" },
	"__FILE__ alone, 32 bit":    func(o *object) { o.dir, o.bits = "", 32 },
	"debug information, broken": func(o *object) { o.broken = true },
}

// TestBuildPathInAnyDirectories compares modules that were built in two directories, whatever their names: only where
// both had the same last name, the path was found once.
func TestBuildPathInAnyDirectories(t *testing.T) {
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			for _, dirs := range directories {
				a, b := module(dirs[0]), module(dirs[1])
				form(&a)
				form(&b)
				wantPath(t, compare(t, a.make(t), b.make(t)), dirs, "")
			}
		})
	}
}

// TestBuildPathAndMore checks that what else differs is reported with the path, and that without another path nothing
// is said about paths.
func TestBuildPathAndMore(t *testing.T) {
	for form, shape := range forms {
		for name, change := range others {
			if name == "identifier" && strings.HasPrefix(form, "__FILE__") {
				continue // which has none
			}
			t.Run(form+", "+name, func(t *testing.T) {
				dirs := [2]string{"/tmp/aaaaaa", "/home/me/src/y"}
				a, b, same := module(dirs[0]), module(dirs[1]), module(dirs[0])
				change(&b)
				change(&same)
				for _, o := range []*object{&a, &b, &same} {
					shape(o)
				}
				wantPath(t, compare(t, a.make(t), b.make(t)), dirs, "code")
				if got := causesOf(compare(t, a.make(t), same.make(t))); strings.Contains(got, "build-path") || got == "" {
					t.Errorf("in one directory: causes are %q", got)
				}
			})
		}
	}
}

// TestBuildPathAndLines checks that other line numbers in debug information are found, too.
func TestBuildPathAndLines(t *testing.T) {
	dirs := [2]string{"/tmp/aaaaaa", "/home/me/src/y"}
	a, b := module(dirs[0]), module(dirs[1])
	b.lines = 7
	wantPath(t, compare(t, a.make(t), b.make(t)), dirs, "code")
}

// TestBuildPathInSplitDebugInformation checks that the hash of what is in a .dwo file, which names the directory, counts
// for nothing else.
func TestBuildPathInSplitDebugInformation(t *testing.T) {
	dirs := [2]string{"/tmp/aaaaaa", "/home/me/src/y"}
	a, b := module(dirs[0]), module(dirs[1])
	a.split, b.split, b.lines = true, true, 7
	wantPath(t, compare(t, a.make(t), b.make(t)), dirs, "")
}

// TestBuildPathWithLivepatchSymbols has a symbol as livepatches have them, whose name states what it is resolved to.
func TestBuildPathWithLivepatchSymbols(t *testing.T) {
	dirs := [2]string{"/tmp/aaaaaa", "/home/me/src/y"}
	a, b := module(dirs[0]), module(dirs[1])
	a.symbol, b.symbol = ".klp.sym.vmlinux.printk,1", ".klp.sym.vmlinux.printk,1"
	wantPath(t, compare(t, a.make(t), b.make(t)), dirs, "")
	b.symbol = ".klp.sym.vmlinux.printk,2"
	if diff := compare(t, a.make(t), b.make(t)); causesOf(diff) == "build-path" {
		t.Errorf("causes are %+v, want another one for the symbol", diff.Causes)
	}
}

// TestBuildPathsOfSourcesAndObjects checks that both directories of a build with O= are found.
func TestBuildPathsOfSourcesAndObjects(t *testing.T) {
	a, b := module("/out/aaaaaa"), module("/build/b/out")
	a.name, b.name = "/src/linux-1/drivers/m.c", "/home/me/drivers/m.c"
	a.texts[1], b.texts[1] = a.name, b.name
	diff := compare(t, a.make(t), b.make(t))
	const want = "/out/aaaaaa against /build/b/out, /src/linux-1 against /home/me"
	if got := causesOf(diff); got != "build-path" || !strings.Contains(diff.Causes[0].Text, want) {
		t.Errorf("causes are %+v, want %q", diff.Causes, want)
	}
}

// TestRandomBuildPaths compares modules that were built in random directories.
func TestRandomBuildPaths(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	parts := []string{"a", "b", "ab", "linux", "src", "build-1", "x.y", "a b", "home"}
	directory := func() string {
		dir := ""
		for range 1 + random.IntN(5) {
			dir += "/" + parts[random.IntN(len(parts))]
		}
		return dir
	}
	for range 500 {
		dirs := [2]string{directory(), directory()}
		if dirs[0] == dirs[1] {
			continue
		}
		a, b := module(dirs[0]), module(dirs[1])
		wantPath(t, compare(t, a.make(t), b.make(t)), dirs, "")
	}
}

// TestNoBuildPath checks that paths which are no build's are not taken for one.
func TestNoBuildPath(t *testing.T) {
	for name, texts := range map[string][2]string{
		"programs":      {"/sbin/modprobe", "/usr/sbin/modprobe"},
		"configuration": {"/etc/one/module.conf", "/etc/two/module.conf"},
		"directories":   {"/lib/firmware", "/usr/lib/firmware"},
		"source files":  {"drivers/a.c", "drivers/b.c"},
	} {
		a, b := module("/build"), module("/build")
		a.texts[0], b.texts[0] = texts[0], texts[1]
		if got := causesOf(compare(t, a.make(t), b.make(t))); got != "code" {
			t.Errorf("%s: causes are %q, want code alone", name, got)
		}
	}
	a, b := module("/build"), module("/build")
	a.identifiers, b.identifiers = []string{"/usr/lib/gcc/x86_64-linux-gnu/15/include"}, []string{"/usr/lib/gcc/x86_64-linux-gnu/16/include"}
	for _, broken := range []bool{false, true} {
		a.broken, b.broken = broken, broken
		if got := causesOf(compare(t, a.make(t), b.make(t))); got != "code" {
			t.Errorf("toolchain, broken %v: causes are %q, want code alone", broken, got)
		}
	}
}

// TestNothingExplains checks that the message states what was compared, and what could not be.
func TestNothingExplains(t *testing.T) {
	a, b := module("/build"), module("/build")
	b.code = "\x90\xc3"
	diff := compare(t, a.make(t), b.make(t))
	const want = "code differs, and the modules do not show why: another source, configuration or compiler option; " +
		"compared: release, configuration and source version (.modinfo), compilers and directories in debug information, " +
		"names of symbols, paths and times in texts; not on both sides: size of struct module, compilers (.comment), symbol versions"
	if len(diff.Causes) != 1 || diff.Causes[0].Text != want {
		t.Errorf("causes are %+v, want\n%s", diff.Causes, want)
	}
}

// TestLargeTexts checks that a section that is too large to be looked into is not passed over.
func TestLargeTexts(t *testing.T) {
	a, b := module("/tmp/aaaaaa"), module("/tmp/bbbbbb")
	large := strings.Repeat("x", 9<<20)
	a.texts = append(a.texts, large+"a")
	b.texts = append(b.texts, large+"b")
	diff := compare(t, a.make(t), b.make(t))
	const want = "; not examined, with more than 8388608 bytes: .rodata.str1.1"
	if len(diff.Causes) != 2 || !strings.HasSuffix(diff.Causes[1].Text, want) {
		t.Errorf("causes are %+v, want the last with %q", diff.Causes, want)
	}
}

// TestOtherMachine checks that modules for different machines are reported before anything else.
func TestOtherMachine(t *testing.T) {
	a, b := module("/tmp/aaa"), module("/tmp/bbb")
	b.bits, b.dir = 32, ""
	diff := compare(t, a.make(t), b.make(t))
	const want = "built for another machine: ELFCLASS64 ELFDATA2LSB EM_X86_64 against ELFCLASS32 ELFDATA2LSB EM_386"
	if len(diff.Causes) != 1 || diff.Causes[0].ID != elfdiff.OtherMachine || diff.Causes[0].Text != want {
		t.Errorf("causes are %+v, want %q", diff.Causes, want)
	}
}

// TestDebugBomb checks that debug information is not loaded if it states that it is large.
func TestDebugBomb(t *testing.T) {
	for _, compress := range []string{".debug", ".zdebug"} {
		a, b := module("/tmp/aaa"), module("/tmp/bbb")
		a.compress, b.compress, b.bomb = compress, compress, true
		if diff, err := elfdiff.Compare(bytes.NewReader(a.make(t)), bytes.NewReader(b.make(t))); err == nil && len(diff.Causes) == 0 {
			t.Errorf("%s: no cause", compress)
		}
	}
}
