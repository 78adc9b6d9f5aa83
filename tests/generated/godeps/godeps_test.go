// SPDX-License-Identifier: Apache-2.0

// Package godeps checks which Go modules MODULE.bazel declares for users: those of the programs that the rules run, in
// the versions of go.mod, and no module that only tests or developers need.
package godeps

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bazelbuild/bazel-gazelle/label"
	"github.com/bazelbuild/buildtools/build"
	"golang.org/x/mod/modfile"
)

// tag is one call of go_deps.module.
type tag struct {
	path, version, sum string
	indirect           bool
}

// read returns a file of the repository's top directory.
func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"), name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// inUse matches the repository of a Go module in a label.
var inUse = regexp.MustCompile(`go_deps[~+](\w+)//`)

// wanted lists the Go modules of go.mod that the labels of a query lead to, by path.
func wanted(t *testing.T) map[string]tag {
	t.Helper()
	used := map[string]bool{}
	for _, match := range inUse.FindAllStringSubmatch(string(read(t, os.Getenv("LABELS"))), -1) {
		used[match[1]] = true
	}
	file, err := modfile.Parse("go.mod", read(t, "go.mod"), nil)
	if err != nil {
		t.Fatal(err)
	}
	sums := string(read(t, "go.sum"))
	tags := map[string]tag{}
	for _, r := range file.Require {
		if !used[label.ImportPathToBazelRepoName(r.Mod.Path)] {
			continue
		}
		_, rest, _ := strings.Cut("\n"+sums, "\n"+r.Mod.Path+" "+r.Mod.Version+" ")
		sum, _, _ := strings.Cut(rest, "\n")
		tags[r.Mod.Path] = tag{r.Mod.Path, r.Mod.Version, sum, r.Indirect}
	}
	return tags
}

// declared lists the Go modules that MODULE.bazel declares by themselves, by path.
func declared(t *testing.T) map[string]tag {
	t.Helper()
	file, err := build.ParseModule("MODULE.bazel", read(t, "MODULE.bazel"))
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]tag{}
	for _, rule := range file.Rules("go_deps.module") {
		path := rule.AttrString("path")
		tags[path] = tag{path, rule.AttrString("version"), rule.AttrString("sum"), rule.AttrLiteral("indirect") == "True"}
	}
	return tags
}

// call is the text of the tag in MODULE.bazel.
func (d tag) call() string {
	call := "go_deps.module(\n"
	if d.indirect {
		call += "    indirect = True,\n"
	}
	return call + "    path = \"" + d.path + "\",\n    sum = \"" + d.sum + "\",\n    version = \"" + d.version + "\",\n)"
}

func TestModules(t *testing.T) {
	want, got := wanted(t), declared(t)
	if len(want) < 10 {
		t.Fatalf("only %d Go modules are in use: the query's labels changed", len(want))
	}
	for path, tag := range want {
		if got[path] != tag {
			t.Errorf("MODULE.bazel: got %+v for the Go module %s. Next: put this into its place\n%s", got[path], path, tag.call())
		}
	}
	for path := range got {
		if _, needed := want[path]; !needed {
			t.Errorf("MODULE.bazel: users get the Go module %s, which no program of the rules uses. Next: take its go_deps.module out", path)
		}
	}
}
