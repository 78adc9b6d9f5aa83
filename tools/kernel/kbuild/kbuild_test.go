// SPDX-License-Identifier: Apache-2.0

package kbuild

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what is got as what is wanted into testdata/*.txtar")

// TestTrees reads small trees. A case holds a kernel below kernel/ or external modules
// below external/, or both, and the configuration, if it is known; "want" is what was checked by eye.
func TestTrees(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("got cases %q and error %v, want some in testdata", names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := render(readArchive(t, a))
			want := &a.Files[len(a.Files)-1]
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want.Name != "want" || got != string(want.Data) {
				t.Errorf("got\n%swant\n%sIf that is right, run: go test ./tools/kernel/kbuild -run TestTrees -update",
					got, want.Data)
			}
		})
	}
}

func readArchive(t *testing.T, a *txtar.Archive) *Result {
	t.Helper()
	fsys, err := txtar.FS(a)
	if err != nil {
		t.Fatal(err)
	}
	var target Target
	if f, err := fsys.Open("config"); err == nil {
		if target.Config, err = ReadConfig("config", f); err != nil {
			t.Fatal(err)
		}
		target.SrcArch = "x86"
	}
	kernel := below(t, fsys, "kernel")
	var r *Result
	if _, err = fs.Stat(fsys, "external"); err == nil {
		r, err = ReadExternal(fsys, "external", kernel, target)
	} else {
		r, err = ReadKernel(kernel, target)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// below returns a directory, nil if there is none.
func below(t *testing.T, fsys fs.FS, dir string) fs.FS {
	t.Helper()
	if _, err := fs.Stat(fsys, dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	sub, err := fs.Sub(fsys, dir)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// render prints a result, one fact a line.
func render(r *Result) string {
	var b strings.Builder
	for _, m := range r.Modules {
		kind := "single"
		if m.Composite {
			kind = "composite"
		}
		fmt.Fprintf(&b, "%s, %s, by %s\n", m.File(), kind, m.Directory)
		if len(m.Variables) > 0 {
			fmt.Fprintf(&b, "  variables %q\n", m.Variables)
		}
		for _, p := range m.Parts {
			generated := ""
			if p.Generated {
				generated = ", generated"
			}
			fmt.Fprintf(&b, "  %s from %q%s\n", p.Object, p.Source, generated)
			if len(p.CFlags) > 0 {
				fmt.Fprintf(&b, "    ccflags %q\n", p.CFlags)
			}
			if len(p.Variables) > 0 {
				fmt.Fprintf(&b, "    variables %q\n", p.Variables)
			}
		}
	}
	for _, d := range r.Directories {
		fmt.Fprintf(&b, "directory %s by %s\n", d.Path, d.Makefile)
		for _, v := range []struct {
			name  string
			words []string
		}{
			{"ccflags", d.CFlags},
			{"asflags", d.AFlags},
			{"ldflags", d.LDFlags},
			{"rustflags", d.RustFlags},
			{"extra symbols", d.ExtraSymbols},
			{"variables", d.Variables},
			{"unset", d.Unset},
		} {
			if len(v.words) > 0 {
				fmt.Fprintf(&b, "  %s %q\n", v.name, v.words)
			}
		}
		renderRecord(&b, d)
	}
	for _, d := range r.Diagnostics {
		fmt.Fprintf(&b, "%s\n", d)
	}
	return b.String()
}

// renderRecord prints what shows in no variable that has a separate field.
func renderRecord(b *strings.Builder, d Directory) {
	for _, f := range d.Flags {
		fmt.Fprintf(b, "  flag %s of %s, use %d, adds %q, removes %t, target %q: %s\n",
			f.Name, f.Position, f.Use, f.Words, f.Removes, f.Target, f.Reason)
	}
	for _, name := range d.Inputs {
		fmt.Fprintf(b, "  input %s\n", name)
	}
	for _, m := range d.Made {
		fmt.Fprintf(b, "  makes %s by %s\n", m.File, m.Position)
	}
	for _, s := range d.Off {
		fmt.Fprintf(b, "  off by %q, which are %q, at %s: %s %q\n", s.Unset, s.Value, s.Position, s.Name, s.Words)
	}
}

// kernelFiles is the least that is a kernel tree.
func kernelFiles() fstest.MapFS {
	return fstest.MapFS{
		"Makefile":               {Data: []byte("export ARCH_CORE :=\n")},
		"Kbuild":                 {Data: []byte("obj-m := a.o\n")},
		"a.c":                    {},
		"scripts/Kbuild.include": {},
		"arch/x86/Makefile":      {},
	}
}

func TestKernelErrors(t *testing.T) {
	tests := []struct {
		name, file, text, arch, want string
	}{
		{"no Makefile", "Makefile", "-", "x86",
			"reading the kernel source: got no Makefile, want the top of a Linux source tree"},
		{"no scripts", "scripts/Kbuild.include", "-", "x86",
			"reading the kernel source: got no scripts/Kbuild.include, want the top of a Linux source tree"},
		{"no architecture", "", "", "",
			`reading the kernel source: got architecture "", want the name of a directory in arch/`},
		{"wrong architecture", "", "", "x86_64",
			`reading the kernel source: got architecture "x86_64", want the name of a directory in arch/`},
		{"old", "Makefile", "vmlinux-dirs := init\n", "x86",
			"reading the kernel source: its Makefile sets no ARCH_CORE, want Linux 6.1 or later"},
		{"wrong Makefile", "Makefile", "a := b\nendif\n", "x86",
			"reading the kernel source: Makefile:2: endif without a conditional before it"},
		{"wrong helpers", "scripts/Kbuild.include", "else\n", "x86",
			"reading the kernel source: scripts/Kbuild.include:1: else without a conditional before it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fsys := kernelFiles()
			if test.text == "-" {
				delete(fsys, test.file)
			} else if test.file != "" {
				fsys[test.file] = &fstest.MapFile{Data: []byte(test.text)}
			}
			_, err := ReadKernel(fsys, Target{SrcArch: test.arch, Config: Config{"CONFIG_MODULES": "y"}})
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestExternalErrors(t *testing.T) {
	fsys := fstest.MapFS{"a/Makefile": {}}
	for _, dir := range []string{"b", "a/Makefile", "../a", "/a"} {
		_, err := ReadExternal(fsys, dir, nil, Target{SrcArch: "x86"})
		want := fmt.Sprintf("reading external modules: got %q, want a directory of the source", dir)
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	_, err := ReadExternal(fsys, "a", fsys, Target{SrcArch: "x86"})
	want := "reading the kernel source: got no Makefile, want the top of a Linux source tree"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestWithoutModules(t *testing.T) {
	with, err := ReadKernel(kernelFiles(), Target{SrcArch: "x86", Config: Config{"CONFIG_MODULES": "y"}})
	if err != nil || len(with.Modules) != 1 {
		t.Fatalf("got %v, %v, want one module", with, err)
	}
	without, err := ReadKernel(kernelFiles(), Target{SrcArch: "x86", Config: Config{}})
	if err != nil || len(without.Modules) != 0 {
		t.Errorf("got %v, %v, want no module of a kernel without CONFIG_MODULES", without, err)
	}
}

func TestTooDeep(t *testing.T) {
	fsys := fstest.MapFS{}
	dir := ""
	for range 70 {
		fsys[dir+"Makefile"] = &fstest.MapFile{Data: []byte("obj-y := d/\n")}
		dir += "d/"
	}
	r, err := ReadExternal(fsys, ".", nil, Target{SrcArch: "x86"})
	if err != nil {
		t.Fatal(err)
	}
	want := "is nested too deeply, want at most 64 directories"
	if len(r.Diagnostics) != 1 || !strings.HasSuffix(r.Diagnostics[0].Message, want) {
		t.Errorf("got %v, want one that says %q", r.Diagnostics, want)
	}
}

// TestTooMany: two directories that name the next level twice each, by different names.
func TestTooMany(t *testing.T) {
	fsys := fstest.MapFS{}
	for i := range 20 {
		text := fmt.Sprintf("obj-y := ../%d/ .././%d/\n", i+1, i+1)
		fsys[fmt.Sprintf("%d/Makefile", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	fsys["Makefile"] = &fstest.MapFile{Data: []byte("obj-y := 0/\n")}
	r, err := ReadExternal(fsys, ".", nil, Target{SrcArch: "x86"})
	if err != nil {
		t.Fatal(err)
	}
	want := "is not read: more than 20000 directories"
	if len(r.Diagnostics) == 0 || !strings.HasSuffix(r.Diagnostics[0].Message, want) {
		t.Errorf("got %d diagnostics, want one that says %q", len(r.Diagnostics), want)
	}
}

func TestReadConfig(t *testing.T) {
	tests := []struct {
		name, text string
		want       Config
		err        string
	}{
		{name: "values", text: "# comment\n\nCONFIG_A=y\nCONFIG_B=m\nCONFIG_C=0x10\n  CONFIG_D=-1\n",
			want: Config{"CONFIG_A": "y", "CONFIG_B": "m", "CONFIG_C": "0x10", "CONFIG_D": "-1"}},
		{name: "not set", text: "# CONFIG_A is not set\nCONFIG_B=n\n", want: Config{}},
		{name: "strings", text: `CONFIG_A="a \"b\" \\ c"` + "\nCONFIG_B=\"\"\n",
			want: Config{"CONFIG_A": `a "b" \ c`, "CONFIG_B": ""}},
		{name: "no newline", text: "CONFIG_A=y", want: Config{"CONFIG_A": "y"}},
		{name: "no value", text: "CONFIG_A=y\nCONFIG_B\n",
			err: `reading f:2: got "CONFIG_B", want CONFIG_SYMBOL=VALUE or a comment`},
		{name: "no symbol", text: "A=y\n",
			err: `reading f:1: got "A=y", want CONFIG_SYMBOL=VALUE or a comment`},
		{name: "no name", text: "CONFIG_=y\n",
			err: `reading f:1: got "CONFIG_=y", want CONFIG_SYMBOL=VALUE or a comment`},
		{name: "blank", text: "CONFIG_A =y\n",
			err: `reading f:1: got "CONFIG_A =y", want CONFIG_SYMBOL=VALUE or a comment`},
		{name: "open quote", text: `CONFIG_A="a`, err: `reading f:1: CONFIG_A: got "a, want a closing quote`},
		{name: "after quote", text: `CONFIG_A="a"b`,
			err: `reading f:1: CONFIG_A: got "a"b, want nothing after the closing quote`},
		{name: "long", text: "\nCONFIG_A=" + strings.Repeat("y", 2<<20),
			err: "reading f:2: bufio.Scanner: token too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ReadConfig("f", strings.NewReader(test.text))
			if fmt.Sprint(err) != test.err && (err != nil || test.err != "") {
				t.Fatalf("got error %v, want %s", err, test.err)
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// FuzzReadExternal: every tree of Makefiles comes to an end without a panic, whatever they
// say about each other, and gives the same each time, directories in parallel or not.
func FuzzReadExternal(f *testing.F) {
	f.Add("obj-m := a.o sub/\n", "obj-m := b.o\nb-objs := c.o ../a.o\n", "CONFIG_A=y")
	f.Add("obj-y := sub/ ./sub/ sub//\n", "obj-y := ../ ../sub/\n", "")
	f.Add("obj-$(CONFIG_A) += a.o\na-$(CONFIG_A) := a.o\nsubdir-y := sub\n", "export X := $(X)1\n", "CONFIG_A=m")
	f.Add("$(obj)/a.c: x\n\ty\nobj-m := a.o a/ .o /\n", "obj-m := $(shell x).o\n", "CONFIG_B=\"x\"")
	f.Fuzz(func(t *testing.T, top, sub, configText string) {
		if len(top)+len(sub) > 1<<11 {
			t.Skip()
		}
		config, err := ReadConfig("config", strings.NewReader(configText))
		if err != nil {
			return
		}
		fsys := fstest.MapFS{
			"Makefile": {Data: []byte(top)}, "sub/Makefile": {Data: []byte(sub)}, "a.c": {}, "sub/b.S": {},
		}
		var got [2]string
		for i := range got {
			r, err := ReadExternal(fsys, ".", nil, Target{SrcArch: "x86", Config: config})
			if err != nil {
				t.Fatal(err)
			}
			got[i] = render(r)
		}
		if got[0] != got[1] {
			t.Errorf("got\n%sthen\n%s", got[0], got[1])
		}
	})
}
