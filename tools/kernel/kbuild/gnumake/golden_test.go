// SPDX-License-Identifier: Apache-2.0

package gnumake

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var makeProgram = flag.String("make", "", "GNU make 4.4 that writes the wanted values of testdata/*.txtar anew")

// TestAsGNUMake compares values with what GNU make 4.4.1 gave. Each case is a Makefile
// with the files it reads; "want" holds NAME=[VALUE] for each variable it sets.
func TestAsGNUMake(t *testing.T) {
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
			if *makeProgram != "" {
				rewrite(t, name, a)
			}
			got := evaluateArchive(t, a)
			if want := string(section(t, a, "want").Data); got != want {
				t.Errorf("got\n%swant\n%sIf the case has changed, run: go test . -run TestAsGNUMake -make make", got, want)
			}
		})
	}
}

func section(t *testing.T, a *txtar.Archive, name string) *txtar.File {
	t.Helper()
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("got no section %s", name)
	}
	return &a.Files[i]
}

var assigned = regexp.MustCompile(`(?m)^\s*(?:override |export |private |define )*([\w-]+)\s*(?:[+:?]*=|$)`)

// variables returns the names that the Makefiles of a case assign, in order.
func variables(a *txtar.Archive) []string {
	var names []string
	for _, f := range a.Files {
		for _, m := range assigned.FindAllSubmatch(f.Data, -1) {
			name := string(m[1])
			isMakefile := f.Name == "Makefile" || strings.HasSuffix(f.Name, ".mk")
			if isMakefile && !slices.Contains(names, name) && !slices.Contains([]string{"endef", "endif", "else"}, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func evaluateArchive(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	fsys, err := txtar.FS(a)
	if err != nil {
		t.Fatal(err)
	}
	files := NewFiles("/case", Mount{"/case", fsys})
	e := NewEvaluator(files, nil)
	e.Set("CURDIR", "/case")
	if err := e.Read("Makefile"); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, name := range variables(a) {
		fmt.Fprintf(&b, "%s=[%s]\n", name, e.Value(name))
	}
	if d := e.Diagnostics(); len(d) > 0 {
		t.Errorf("got diagnostics %v, want none", d)
	}
	return b.String()
}

// rewrite asks GNU make for the values.
func rewrite(t *testing.T, name string, a *txtar.Archive) {
	t.Helper()
	dir := t.TempDir()
	fsys, err := txtar.FS(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, fsys); err != nil {
		t.Fatal(err)
	}
	var print strings.Builder
	for _, v := range variables(a) {
		fmt.Fprintf(&print, "$(info %s=[$(%s)])\n", v, v)
	}
	print.WriteString("all-values:\n\t@:\n")
	if err := os.WriteFile(filepath.Join(dir, "print.mk"), []byte(print.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(*makeProgram, "-rRs", "-f", "Makefile", "-f", "print.mk", "all-values")
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	section(t, a, "want").Data = out
	if err := os.WriteFile(name, txtar.Format(a), fs.FileMode(0o644)); err != nil {
		t.Fatal(err)
	}
}
