// SPDX-License-Identifier: Apache-2.0

// Package cases has a table of situations that public bug reports describe, and checks that each has tests.
package cases

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// count is how many situations there are.
const count = 47

// source is what the test files of a package have.
type source struct {
	dir string
	// tests are the test functions, texts all string literals.
	tests, texts map[string]bool
}

// read parses the test files of a package.
func read(t *testing.T, dir string) source {
	t.Helper()
	s := source{dir, map[string]bool{}, map[string]bool{}}
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s has test files %q and error %v, want some", dir, names, err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				s.tests[n.Name.Name] = n.Recv == nil
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					s.texts[text] = true
				}
			}
			return true
		})
	}
	return s
}

// has reports whether there is a test, and its case: a subtest, or a text archive in testdata.
func (s source) has(test string) bool {
	function, name, isCase := strings.Cut(test, "/")
	if !s.tests[function] || !strings.HasPrefix(function, "Test") {
		return false
	}
	if !isCase || s.texts[name] {
		return true
	}
	for _, pattern := range []string{"testdata", "testdata/*"} {
		files, err := filepath.Glob(filepath.Join(s.dir, pattern, name+".txtar"))
		if err == nil && len(files) > 0 {
			return true
		}
	}
	return false
}

// workspace returns the directory of MODULE.bazel, to which the one among Bazel's runfiles links.
func workspace(t *testing.T) string {
	t.Helper()
	module, err := filepath.EvalSymlinks("../../MODULE.bazel")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(module)
}

// TestSituations checks that the table has all numbers, and that each test that it names is there.
func TestSituations(t *testing.T) {
	root, sources := workspace(t), map[string]source{}
	for i, s := range situations {
		if s.number != i+1 || s.text == "" || len(s.tests) == 0 {
			t.Errorf("row %d of situations is %+v, want number %d, a text and tests", i+1, s, i+1)
		}
		for _, name := range s.tests {
			pkg, test, _ := strings.Cut(name, ": ")
			if _, ok := sources[pkg]; !ok {
				sources[pkg] = read(t, filepath.Join(root, pkg))
			}
			if !sources[pkg].has(test) {
				t.Errorf("situation %d: %s has no test %s. Next: correct tests/cases/table_test.go", s.number, pkg, test)
			}
		}
	}
	if len(situations) != count {
		t.Errorf("got %d situations, want %d", len(situations), count)
	}
}

// TestMissing checks that a test that is not there is noticed.
func TestMissing(t *testing.T) {
	dir := t.TempDir()
	const text = "package x\n\nfunc TestA(t *testing.T) { t.Run(\"sub\", nil) }\n\nfunc (x) TestB() {}\n\nfunc help() {}\n"
	for name, data := range map[string]string{"x_test.go": text, "testdata/script/file.txtar": ""} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := read(t, dir)
	for test, want := range map[string]bool{
		"TestA": true, "TestA/sub": true, "TestA/file": true, "TestA/other": false, "TestB": false, "help": false, "TestC": false,
	} {
		if got := s.has(test); got != want {
			t.Errorf("has(%q) is %v, want %v", test, got, want)
		}
	}
}
