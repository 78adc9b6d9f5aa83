// SPDX-License-Identifier: Apache-2.0

package troubleshooting

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bazelbuild/buildtools/build"
)

// anything stands in a message for what differs from case to case.
const anything = "…"

// A message is an error text that users can meet.
type message struct {
	// text has anything for what is filled in. Its further lines, if there are any, are left out.
	text string
	// place is where it stands in the source: "rules/private/vmlinux.bzl".
	place string
}

// words finds two words in a row: less is a prefix around another message, such as "leaf %w".
var words = regexp.MustCompile(`[A-Za-z]{2,}\W+([a-z]\W+)?[A-Za-z]{2,}`)

// isSpecific reports whether a message is clear without another one around it.
func (m message) isSpecific() bool {
	return words.MatchString(strings.ReplaceAll(m.text, anything, " : "))
}

var (
	verb     = regexp.MustCompile(`%[-+# 0]*[0-9*]*(\.[0-9*]+)?[a-zA-Z]`)
	shellVar = regexp.MustCompile(`\$\(\([^)]*\)\)|\$\([^)]*\)|\$\{[^}]*\}|\$\w+`)
	repeated = regexp.MustCompile(anything + `(` + anything + `)+`)
)

// normal returns a format string as the documentation writes it.
func normal(format string) string {
	first, _, _ := strings.Cut(strings.TrimSuffix(format, "\n"), "\n")
	text := strings.ReplaceAll(verb.ReplaceAllString(first, anything), "%%", "%")
	return strings.TrimSpace(repeated.ReplaceAllString(text, anything))
}

// collect returns the messages of all sources below the workspace, in the order of their places.
func collect(t *testing.T, workspace string) []message {
	t.Helper()
	var all []message
	for _, top := range []string{"bazelw", "rules", "toolchains", "tools"} {
		err := filepath.WalkDir(filepath.Join(workspace, top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			place, err := filepath.Rel(workspace, path)
			if entry.IsDir() && (entry.Name() == "testdata" || place == "tools/kernel/kbuild/check") {
				return filepath.SkipDir // what is in there, users do not run
			}
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			for _, text := range read(t, path) {
				all = append(all, message{text, filepath.ToSlash(place)})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// read returns the messages in one source file.
func read(t *testing.T, path string) []string {
	t.Helper()
	readers := map[string]func(*testing.T, string, []byte) []string{
		".bzl": readStarlark, ".go": readGo, ".patch": readPatch, ".sh": readShell,
	}
	reader := readers[filepath.Ext(path)]
	if filepath.Base(path) == "bazelw" {
		reader = readShell
	}
	if reader == nil || strings.HasSuffix(path, "_test.go") {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return reader(t, path, data)
}

// readGo returns what errors are made of, and what commands print on the standard error output.
func readGo(t *testing.T, path string, data []byte) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, data, 0)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, decl := range file.Decls {
		function, _ := decl.(*ast.FuncDecl)
		isError := function != nil && function.Name.Name == "Error"
		ast.Inspect(decl, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !makesError(call, isError) {
				return true
			}
			if text, ok := firstText(call); ok {
				texts = append(texts, normal(text))
			}
			return true
		})
	}
	return texts
}

// makesError reports whether a call's first constant string is a message. isError: it is in a method Error.
func makesError(call *ast.CallExpr, isError bool) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	qualifier, _ := selector.X.(*ast.Ident)
	switch selector.Sel.Name {
	case "Errorf", "Report", "fail", "say":
		return true
	case "New":
		return qualifier != nil && qualifier.Name == "errors"
	case "Sprintf":
		return isError
	case "Fprintf", "Fprintln":
		if first, ok := call.Args[0].(*ast.CallExpr); ok {
			output, ok := first.Fun.(*ast.SelectorExpr)
			return ok && output.Sel.Name == "ErrOrStderr"
		}
		text, _ := firstText(call)
		return strings.Contains(text, ": got ") // an error that is put together
	}
	return false
}

// firstText returns the first argument of a call that is a constant string, in part at least.
func firstText(call *ast.CallExpr) (string, bool) {
	for _, argument := range call.Args {
		if text, ok := foldGo(argument); ok {
			return text, true
		}
	}
	return "", false
}

// foldGo returns a string that is constant in part, and whether any of it is.
func foldGo(expr ast.Expr) (string, bool) {
	switch e := expr.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, e.Kind == token.STRING && err == nil
	case *ast.BinaryExpr:
		x, isX := foldGo(e.X)
		y, isY := foldGo(e.Y)
		return x + y, e.Op == token.ADD && (isX || isY)
	}
	return anything, false
}

// readStarlark returns what fail and fail_attribute are called with.
func readStarlark(t *testing.T, path string, data []byte) []string {
	t.Helper()
	file, err := build.ParseBzl(path, data)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	build.Walk(file, func(expr build.Expr, _ []build.Expr) {
		call, ok := expr.(*build.CallExpr)
		if !ok {
			return
		}
		switch name, _ := call.X.(*build.Ident); {
		case name == nil:
		case name.Name == "fail":
			for _, text := range foldStarlark(call.List[0]) {
				texts = append(texts, normal(text))
			}
		case name.Name == "fail_attribute" && len(call.List) == 4:
			texts = append(texts, attributeTexts(call.List[1:])...)
		}
	})
	return texts
}

// attributeTexts returns the messages of fail_attribute about an attribute, what was got and what is wanted.
func attributeTexts(arguments []build.Expr) []string {
	var texts []string
	for _, attribute := range foldStarlark(arguments[0]) {
		for _, got := range foldStarlark(arguments[1]) {
			for _, want := range foldStarlark(arguments[2]) {
				texts = append(texts, normal("attribute "+attribute+": got "+got+", want "+want))
			}
		}
	}
	return texts
}

// foldStarlark returns what a string can be: several texts where a condition chooses.
func foldStarlark(expr build.Expr) []string {
	switch e := expr.(type) {
	case *build.StringExpr:
		return []string{e.Value}
	case *build.ParenExpr:
		return foldStarlark(e.X)
	case *build.ConditionalExpr:
		return append(foldStarlark(e.Then), foldStarlark(e.Else)...)
	case *build.BinaryExpr:
		switch e.Op {
		case "%":
			return foldStarlark(e.X)
		case "+":
			var sums []string
			for _, x := range foldStarlark(e.X) {
				for _, y := range foldStarlark(e.Y) {
					sums = append(sums, x+y)
				}
			}
			return sums
		}
	}
	return []string{anything}
}

var (
	dieCall = regexp.MustCompile(`(?m)\bdie ((?:"[^"]*"(?:\s|\\\n)*)+)`)
	quoted  = regexp.MustCompile(`"([^"]*)"`)
)

// readShell returns what die is called with.
func readShell(_ *testing.T, _ string, data []byte) []string {
	var texts []string
	for _, call := range dieCall.FindAllStringSubmatch(string(data), -1) {
		var parts []string
		for _, part := range quoted.FindAllStringSubmatch(call[1], -1) {
			parts = append(parts, part[1])
		}
		text := strings.Join(parts, " ")
		// "$*" is what die itself passes on.
		if text = normal(shellVar.ReplaceAllString(text, anything)); text != "$*" {
			texts = append(texts, text)
		}
	}
	return texts
}

// kernelMessages are the ways in which our kernel patches print messages.
var kernelMessages = []*regexp.Regexp{
	regexp.MustCompile(`pr_(?:notice|info|warn|err)\("([^"]*)"`),
	regexp.MustCompile(`"(unsigned module|module with [^"]*)"`),
	regexp.MustCompile(`"(vmlinux must be [^"]*)"`),
	regexp.MustCompile(`\$\(error (.*)\)`),
	regexp.MustCompile(`die "([^"]*)"`),
}

var continued = regexp.MustCompile(`\\\n\s*`)

// readPatch returns what a patch makes the kernel log, and its build print.
func readPatch(_ *testing.T, path string, data []byte) []string {
	if strings.Contains(path, "KUnit") {
		return nil
	}
	var added strings.Builder
	for _, line := range strings.Split(string(data), "\n") {
		if text, ok := strings.CutPrefix(line, "+"); ok && !strings.HasPrefix(line, "+++") {
			added.WriteString(text + "\n")
		}
	}
	var texts []string
	code := continued.ReplaceAllString(added.String(), "")
	for _, pattern := range kernelMessages {
		for _, match := range pattern.FindAllStringSubmatch(code, -1) {
			text := strings.ReplaceAll(strings.TrimSuffix(match[1], `\n`), "%*phN", anything)
			if text = normal(shellVar.ReplaceAllString(text, anything)); !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return texts
}
