// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bazelbuild/bazel-gazelle/config"
	"github.com/bazelbuild/buildtools/build"

	"rules_modhash/tools/kernel/kbuild"
)

func TestOrderedMerge(t *testing.T) {
	tests := []struct {
		name string
		new  ordered
		// old is the value of an attribute.
		old, want string
	}{
		{"new", ordered{"b", "a"}, `None`, `["b", "a"]`},
		{"order", ordered{"c", "a", "b"}, `["a", "b", "c"]`, `["c", "a", "b"]`},
		{"gone", ordered{"a"}, `["b", "a"]`, `["a"]`},
		{"kept first", ordered{"b"}, "[\n\"a\", # keep\n\"b\"]", `["a", "b"]`},
		{"kept behind", ordered{"y", "x"}, "[\n\"x\",\n\"a\", # keep\n\"y\"]", `["y", "x", "a"]`},
		{"kept behind what is gone", ordered{"y", "x"}, "[\n\"x\",\n\"z\",\n\"a\", # keep\n\"y\"]", `["y", "x", "a"]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := elements(t, test.new.Merge(expression(t, test.old)))
			if want := elements(t, expression(t, test.want)); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func expression(t *testing.T, text string) build.Expr {
	t.Helper()
	f, err := build.ParseBuild("BUILD", []byte("x = "+text))
	if err != nil {
		t.Fatal(err)
	}
	return f.Stmt[0].(*build.AssignExpr).RHS
}

func elements(t *testing.T, e build.Expr) []string {
	t.Helper()
	list, ok := e.(*build.ListExpr)
	if !ok {
		t.Fatalf("got %T, want a list", e)
	}
	return build.Strings(list)
}

func TestPatternsMerge(t *testing.T) {
	p := patterns{"**/*.ko"}
	same := expression(t, `glob(["**/*.ko"])`)
	if got := p.Merge(same); got != same {
		t.Errorf("got %s, want the same expression", build.FormatString(got))
	}
	for _, old := range []string{`glob(["**/*.ko.xz"])`, `glob(["**/*.ko"], exclude = ["a.ko"])`, `[]`} {
		if got := build.FormatString(p.Merge(expression(t, old))); got != `glob(["**/*.ko"])` {
			t.Errorf("merging with %s: got %s", old, got)
		}
	}
}

func TestHasWord(t *testing.T) {
	for _, test := range []struct {
		line string
		want bool
	}{
		{"ldflags-y := x", true},
		{"subldflags-y := x", false},
		{"ldflags-yes := ldflags-y", true},
		{"", false},
		{"_ldflags-y ldflags-y1 ldflags-y_", false},
	} {
		if got := hasWord(test.line, "ldflags-y"); got != test.want {
			t.Errorf("hasWord(%q) = %t, want %t", test.line, got, test.want)
		}
	}
}

func TestRepositoryPath(t *testing.T) {
	c := &config.Config{RepoRoot: "/root"}
	for value, want := range map[string]string{
		"":           "",
		"x.config":   "/root/a/x.config",
		":x.config":  "/root/a/x.config",
		"../x":       "/root/x",
		"//b:x":      "/root/b/x",
		"//b/x":      "/root/b/x",
		"//:x":       "/root/x",
		"//linux/v7": "/root/linux/v7",
	} {
		got, err := repositoryPath(c, "a", value)
		if err != nil || filepath.ToSlash(got) != want {
			t.Errorf("repositoryPath(%q) = %q, %v, want %q", value, got, err, want)
		}
	}
}

func TestArchitecture(t *testing.T) {
	for want, symbols := range map[string][]string{
		"x86":   {"CONFIG_X86", "CONFIG_X86_64"},
		"um":    {"CONFIG_X86", "CONFIG_UML"},
		"arm64": {"CONFIG_ARM64"},
		"":      {"CONFIG_PCI"},
	} {
		c := kbuild.Config{}
		for _, s := range symbols {
			c[s] = "y"
		}
		if got := architecture(c); got != want {
			t.Errorf("architecture of %q = %q, want %q", symbols, got, want)
		}
	}
}

func TestLooksLikeKbuild(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       bool
	}{
		{"Kbuild", "", true},
		{"Makefile", "obj-m := a.o\n", true},
		{"Makefile", "  obj-$(CONFIG_A) += a.o\n", true},
		{"Makefile", "ifdef KERNELRELEASE\ninclude Kbuild.inc\nendif\n", true},
		{"Makefile", "all: obj-main.o\n\tcc $(obj)\n", false},
		{"GNUmakefile", "obj-m := a.o\n", false},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, test.name), []byte(test.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := looksLikeKbuild(dir); got != test.want {
			t.Errorf("%s with %q: got %t, want %t", test.name, test.text, got, test.want)
		}
	}
}

// TestDoubt: something undecided counts for its directory and those below; of a file that
// is not a Makefile of the tree, for all.
func TestDoubt(t *testing.T) {
	for _, test := range []struct{ file, undecided, certain string }{
		{"top/Kbuild", "top, top/a, top/a/b, top/c", ""},
		{"top/a/Kbuild", "top/a, top/a/b", "top, top/c, top/ab"},
		{"top/include/common.mk", "top, top/a, top/c", ""},
		{"", "top, top/a", ""},
	} {
		tree := &tree{top: "top", problems: []problem{{file: test.file}}, directories: map[string]kbuild.Directory{
			"top": {}, "top/a": {}, "top/a/b": {}, "top/ab": {}, "top/c": {},
		}}
		for _, rel := range strings.Split(test.undecided, ", ") {
			if !tree.isUndecided(rel) {
				t.Errorf("with something undecided in %q, %s is certain", test.file, rel)
			}
		}
		for _, rel := range strings.Split(test.certain, ", ") {
			if rel != "" && tree.isUndecided(rel) {
				t.Errorf("with something undecided in %q, %s is undecided", test.file, rel)
			}
		}
	}
}

func TestLoads(t *testing.T) {
	x := NewLanguage().(*extension)
	got := x.ApparentLoads(func(string) string { return "mine" })[0]
	if got.Name != "@mine//rules:defs.bzl" {
		t.Errorf("got %q, want the file of the repository's name", got.Name)
	}
	for kind := range x.Kinds() {
		if !slices.Contains(got.Symbols, kind) {
			t.Errorf("%s is loaded from nowhere", kind)
		}
	}
}

func TestCutModuleSuffix(t *testing.T) {
	for name, want := range map[string]string{
		"a.ko": "a", "d/a.ko.xz": "d/a", "a.ko.gz": "a", "a.ko.zst": "a", "a.ko.old": "", ".ko": "", "d/.ko": "", "a.o": "",
	} {
		if got, _, ok := cutModuleSuffix(name); got != want || ok != (want != "") {
			t.Errorf("cutModuleSuffix(%q) = %q, %t, want %q", name, got, ok, want)
		}
	}
}
