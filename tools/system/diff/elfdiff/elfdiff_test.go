// SPDX-License-Identifier: Apache-2.0

package elfdiff_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tools/system/diff/elfdiff"
)

// These tests compile a small module in two ways, with one deliberate difference, by the machine's gcc, clang and
// binutils. A machine without them is skipped, unless MODHASH_REQUIRE_COMPILERS is 1.

// moduleSource has the sections of a kernel module that are looked into.
const moduleSource = `
#ifndef RELEASE
#define RELEASE "7.2.12"
#endif
#ifndef MAGIC
#define MAGIC "SMP preempt mod_unload "
#endif
#ifndef SRCVERSION
#define SRCVERSION "0123456789ABCDEF0123456"
#endif
#ifndef DESCRIPTION
#define DESCRIPTION "a module"
#endif
#ifndef CRC
#define CRC 0x11223344
#endif
#ifndef MODULE_SIZE
#define MODULE_SIZE 1344
#endif
#ifndef FACTOR
#define FACTOR 3
#endif
#define INFO(name, text) static const char name[] __attribute__((section(".modinfo"), used, aligned(1))) = text
INFO(license, "license=GPL");
INFO(description, "description=" DESCRIPTION);
INFO(srcversion, "srcversion=" SRCVERSION);
INFO(vermagic, "vermagic=" RELEASE " " MAGIC);
struct version { unsigned long crc; char name[64 - sizeof(long)]; };
static const struct version versions[] __attribute__((section("__versions"), used)) = {
	{ 0x1, "module_layout" }, { CRC, "printk" },
};
char this_module[MODULE_SIZE] __attribute__((section(".gnu.linkonce.this_module"), used)) = "name";
extern int printk(const char *text, ...);
static const char *const text = "loading";
#ifdef STAMP
static const char *const stamp = "built " __DATE__ " " __TIME__;
#else
static const char *const stamp = "built";
#endif
#ifdef FILE_NAME
static const char *const file = __FILE__;
#else
static const char *const file = "file";
#endif
int helper(int n) { int sum = 0; for (int i = 0; i < n; i++) sum += i * FACTOR; return sum; }
int init_module(void) { printk("%s %s %s", text, stamp, file); return helper(printk("x")); }
`

// build is one way to make a module.
type build struct {
	// cc is the compiler, gcc if empty; flags come after ours.
	cc    string
	flags []string
	env   []string
	// dir below the test's directory is where the source lies and the compiler runs.
	dir string
	// assembly is compiled in place of moduleSource, unless it is empty.
	assembly string
	// then is run on the module, with "module" in place of its name.
	then [][]string
}

func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("MODHASH_REQUIRE_COMPILERS") == "1" {
		t.Fatalf("MODHASH_REQUIRE_COMPILERS is set: %v", err)
	}
	t.Skip(err)
	return ""
}

func (b build) make(t *testing.T, root string) []byte {
	t.Helper()
	dir := filepath.Join(root, b.dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name, text := "module.c", moduleSource
	if b.assembly != "" {
		name, text = "module.s", b.assembly
	}
	source := filepath.Join(dir, name)
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cc := b.cc
	if cc == "" {
		cc = "gcc"
	}
	args := append([]string{"-c", "-O2", "-mcmodel=kernel", "-fno-pic", "-fno-asynchronous-unwind-tables", "-o", "object.o"}, b.flags...)
	b.run(t, dir, cc, append(args, source)...)
	b.run(t, dir, "ld", "-r", "--build-id=sha1", "-o", "module", "object.o")
	for _, command := range b.then {
		b.run(t, dir, command[0], command[1:]...)
	}
	module, err := os.ReadFile(filepath.Join(dir, "module"))
	if err != nil {
		t.Fatal(err)
	}
	return module
}

func (b build) run(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(tool(t, program), args...)
	cmd.Dir, cmd.Env = dir, append([]string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}, b.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

func define(text string) build { return build{flags: []string{"-D" + text}} }

// TestCauses checks that one deliberate difference of each kind is found, with its cause.
func TestCauses(t *testing.T) {
	symbols := func(first, second string) build {
		return build{assembly: ".type " + first + ", @function\n.type " + second + ", @function\n.text\none:\n nop\ntwo:\n ret\n"}
	}
	btf := func(text string) build {
		return build{then: [][]string{
			{"sh", "-c", "printf '" + text + "' > btf"},
			{"objcopy", "--add-section", ".BTF=btf", "module"},
		}}
	}
	debug := func(dir string, then ...[]string) build {
		return build{flags: []string{"-g"}, dir: dir, then: then}
	}
	strip := []string{"strip", "--strip-debug", "module"}
	for _, c := range []struct {
		name string
		a, b build
		// cause is the only one wanted, with a part of its text; detail is one "SECTION WHAT: A -> B".
		cause  elfdiff.CauseID
		text   string
		detail string
	}{
		{"release", build{}, define(`RELEASE="7.2.13"`), elfdiff.OtherRelease, "7.2.12 against 7.2.13",
			".modinfo vermagic: 7.2.12 SMP preempt mod_unload  -> 7.2.13 SMP preempt mod_unload "},
		{"configuration in vermagic", build{}, define(`MAGIC="SMP mod_unload "`), elfdiff.OtherConfig,
			`vermagic "SMP preempt mod_unload" against "SMP mod_unload"`, ""},
		{"configuration in struct module", build{}, define("MODULE_SIZE=1280"), elfdiff.OtherConfig,
			"struct module of 1344 against 1280 bytes", ""},
		{"source", build{}, define(`SRCVERSION="FEDCBA9876543210FEDCBA9"`), elfdiff.OtherSource,
			"srcversion 0123456789ABCDEF0123456 against FEDCBA9876543210FEDCBA9", ""},
		{"symbol versions", build{}, define("CRC=0x55667788"), elfdiff.OtherSymbols, "1 symbol with another CRC",
			"__versions CRC of printk: 0x11223344 -> 0x55667788"},
		{"description", build{}, define(`DESCRIPTION="another"`), elfdiff.OtherInfo, "only the module's description",
			".modinfo description: a module -> another"},
		{"code", build{}, define("FACTOR=5"), elfdiff.OtherCode, "code differs, and the modules do not show why", ""},
		{"compiler option", build{}, build{flags: []string{"-O1"}}, elfdiff.OtherCode, "compiler option", ""},
		{"compiler", build{}, build{cc: "clang"}, elfdiff.OtherCompiler, "clang version", ""},
		{"build path", build{dir: "one/fs", flags: []string{"-DFILE_NAME"}}, build{dir: "another/fs", flags: []string{"-DFILE_NAME"}},
			elfdiff.BuildPath, "ROOT/one against ROOT/another", "path: ROOT/one/fs/module.c -> ROOT/another/fs/module.c"},
		{"build path in debug information", debug("one"), debug("another"), elfdiff.BuildPath, "ROOT/one against ROOT/another", ""},
		{"build path of other depth and name", debug("one"), debug("some/where/else"), elfdiff.BuildPath, "ROOT/one against ROOT/some/where/else", ""},
		{"build path that was stripped", debug("one", strip), debug("another", strip), elfdiff.OnlyBuildID, "only the build-id differs", ""},
		{"time stamp", build{flags: []string{"-DSTAMP"}, env: []string{"SOURCE_DATE_EPOCH=1700000000"}},
			build{flags: []string{"-DSTAMP"}, env: []string{"SOURCE_DATE_EPOCH=1700086461"}}, elfdiff.TimeStamp,
			"built Nov 14 2023 22:13:20 against built Nov 15 2023 22:14:21", "time: built Nov 14 2023 22:13:20 -> built Nov 15 2023 22:14:21"},
		{"strip of debug information", debug("same"), debug("same", strip), elfdiff.Stripped, "debug information is only in A", ""},
		{"strip of symbols", build{}, build{then: [][]string{{"strip", "--strip-symbol=helper", "module"}}}, elfdiff.Stripped,
			"1 symbol only in A", ".symtab symbols: helper -> "},
		{"symbol order", symbols("one", "two"), symbols("two", "one"), elfdiff.SymbolOrder, "same symbols in another order", "one -> two"},
		{"type information", btf("types"), btf("other"), elfdiff.TypeInfo, "another pahole", ""},
		{"type information missing", btf("types"), build{}, elfdiff.OtherConfig, ".BTF only in A", ""},
		{"layout", build{}, build{then: [][]string{{"sh", "-c", "printf more >> module"}}}, elfdiff.Layout, "all sections are the same", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			diff := compare(t, c.a.make(t, root), c.b.make(t, root))
			if len(diff.Causes) != 1 || diff.Causes[0].ID != c.cause {
				t.Fatalf("causes are %+v, want %s alone; sections %+v", diff.Causes, c.cause, diff.Sections)
			}
			if want := strings.ReplaceAll(c.text, "ROOT", root); !strings.Contains(diff.Causes[0].Text, want) {
				t.Errorf("cause is %q, want one with %q", diff.Causes[0].Text, want)
			}
			if want := strings.ReplaceAll(c.detail, "ROOT", root); !strings.Contains(details(diff), want) {
				t.Errorf("details are\n%swant one with %q", details(diff), want)
			}
			if diff.Causes[0].ID.Title() == "" {
				t.Errorf("%s has no title", diff.Causes[0].ID)
			}
		})
	}
}

func compare(t *testing.T, a, b []byte) elfdiff.Diff {
	t.Helper()
	diff, err := elfdiff.Compare(bytes.NewReader(a), bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return diff
}

func details(diff elfdiff.Diff) string {
	var text strings.Builder
	for _, s := range diff.Sections {
		for _, d := range s.Details {
			text.WriteString(s.Name + " " + d.What + ": " + d.A + " -> " + d.B + "\n")
		}
	}
	return text.String()
}

// TestSides checks that a module does not differ from itself, and that the sides change places with the arguments.
func TestSides(t *testing.T) {
	root := t.TempDir()
	a := build{flags: []string{"-g"}}.make(t, root)
	b := build{flags: []string{"-DFACTOR=5"}}.make(t, root)
	for _, s := range compare(t, a, a).Sections {
		t.Errorf("%+v differs from itself", s)
	}
	ab, ba := compare(t, a, b), compare(t, b, a)
	only := map[elfdiff.Change]elfdiff.Change{elfdiff.OnlyA: elfdiff.OnlyB, elfdiff.OnlyB: elfdiff.OnlyA, elfdiff.Changed: elfdiff.Changed}
	changes := map[string]elfdiff.Change{}
	for _, s := range ab.Sections {
		changes[s.Name] = s.Change
	}
	if len(ab.Sections) == 0 || len(ab.Sections) != len(ba.Sections) {
		t.Fatalf("%d sections differ one way, %d the other", len(ab.Sections), len(ba.Sections))
	}
	for _, s := range ba.Sections {
		if only[changes[s.Name]] != s.Change {
			t.Errorf("%s is %s one way, %s the other", s.Name, changes[s.Name], s.Change)
		}
	}
}

func TestCompareErrors(t *testing.T) {
	good := build{}.make(t, t.TempDir())
	for _, c := range []struct {
		name string
		a, b []byte
		want string
	}{
		{"A is none", []byte("nothing"), good, "module A: not a sound ELF file: reading an ELF header: unexpected EOF"},
		{"B is cut", good, good[:len(good)-100], "module B: not a sound ELF file: reading ELF section "},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := elfdiff.Compare(bytes.NewReader(c.a), bytes.NewReader(c.b))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// FuzzCompare checks that whatever is compared with a module gives a difference with a cause, or an error. The
// module is what build{} makes.
func FuzzCompare(f *testing.F) {
	good, err := os.ReadFile("testdata/module.ko")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, other []byte) {
		diff, err := elfdiff.Compare(bytes.NewReader(good), bytes.NewReader(other))
		if err != nil {
			return
		}
		if len(diff.Causes) == 0 {
			t.Errorf("no cause: %+v", diff)
		}
		for _, c := range diff.Causes {
			if c.Text == "" || strings.ContainsFunc(c.Text, func(r rune) bool { return r < ' ' }) {
				t.Errorf("cause %s is %q", c.ID, c.Text)
			}
		}
	})
}
