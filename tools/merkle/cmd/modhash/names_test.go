// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tools/cli"
)

// oddNames are names of modules that are taken.
var oddNames = []string{"a b.ko", " .ko", "ä.ko", `"q'.ko`, "$HOME `x`.ko", "-rf.ko", "a_b.ko", "a-b.ko", "@a.ko", "a\\b.ko", "名.ko"}

// badNames are names that no tree can have, with their errors.
var badNames = map[string]string{"a\xff.ko": "is not valid UTF-8", "a\nb.ko": "has a control character", "a\x1b[2J.ko": "has a control character"}

// writeNamed writes a module of each name below a directory.
func writeNamed(t *testing.T, dir string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := mkModule([]string{"x86_64", name, filepath.Join(dir, name)}); err != nil {
			t.Fatal(err)
		}
	}
}

// modhash runs a command and returns its exit code and both outputs.
func modhash(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = cli.Run(t.Context(), newRoot("", &out, &err), args)
	return code, out.String(), err.String()
}

// TestNamesOfModules takes modules with names of spaces, umlauts, quotes and more through all commands, a_b next to a-b.
func TestNamesOfModules(t *testing.T) {
	t.Chdir(t.TempDir())
	writeNamed(t, "mods/my dir", oddNames...)
	for _, args := range [][]string{
		{"tree", "--out", "tree.pb", "--seal", "sealed", "mods"}, {"verify", "--root", "tree.pb", "--complete", "sealed"},
		{"inspect", "sealed"}, {"unseal", "--out", "bare", "sealed"}, {"diff", "mods", "bare"}, {"diff", "tree.pb", "sealed"},
	} {
		if code, _, stderr := modhash(t, args...); code != cli.Done || stderr != "" {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
	}
	_, stdout, _ := modhash(t, "inspect", "sealed")
	for _, name := range oddNames {
		if !strings.Contains(stdout, "sealed/my dir/"+name+"\n") {
			t.Errorf("%q is not among\n%s", name, stdout)
		}
	}
}

// TestNamesThatNoTreeHas checks that invalid UTF-8 and control characters in names are an error, and do not come out on a
// terminal where the rest goes on.
func TestNamesThatNoTreeHas(t *testing.T) {
	for name, want := range badNames {
		t.Chdir(t.TempDir())
		writeNamed(t, "mods", name)
		writeNamed(t, "good", "a.ko")
		for _, args := range [][]string{{"tree", "mods"}, {"tree", "mods/" + name}, {"diff", "mods", "good"}} {
			code, _, stderr := modhash(t, args...)
			if code != cli.Error || !strings.Contains(stderr, want) || strings.Contains(stderr, name) {
				t.Errorf("%q: exit code %d, %q, want %q", args, code, stderr, want)
			}
		}
		code, stdout, stderr := modhash(t, "inspect", "mods/"+name, "good")
		if code != cli.Failed || stderr != "" || !strings.Contains(stdout, want) || !strings.Contains(stdout, "good/a.ko\n  carries  nothing\n") ||
			strings.Contains(stdout, name) {
			t.Errorf("inspect %q: exit code %d, %q, %q, want %q", name, code, stdout, stderr, want)
		}
	}
}

// TestNamesOfUnexaminedEntries checks that the name of an entry stays in its line.
func TestNamesOfUnexaminedEntries(t *testing.T) {
	t.Chdir(t.TempDir())
	writeNamed(t, "mods", "a.ko")
	data, err := tarOf("mods", "")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeFifo, Name: "x\nthe same root\n"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("a.tar", append(out.Bytes(), data...), 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ := modhash(t, "diff", "a.tar", "mods")
	const want = "not examined: \"a.tar: x\\nthe same root\\n\": is a named pipe\nnot examined: 1\nthe same root\n"
	if code != cli.Failed || !strings.HasSuffix(stdout, want) {
		t.Errorf("exit code %d, %q, want %q", code, stdout, want)
	}
}

// TestNamesOfLinksAndDirectories checks that tree prints each name in one line.
func TestNamesOfLinksAndDirectories(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("mods/build", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", "mods/a\nb"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename("mods", "mo\nds"); err != nil {
		t.Fatal(err)
	}
	_, _, stderr := modhash(t, "tree", "--allow-empty", "mo\nds")
	const want = "not examined: \"mo\\nds/a\\nb\" is a symbolic link to \"nowhere\", which does not exist\nnot examined: 1\n" +
		"not searched: \"mo\\nds/build\": depmod does not search it. Give it as a PATH to include its modules\n"
	if stderr != want {
		t.Errorf("got %q, want %q", stderr, want)
	}
}
