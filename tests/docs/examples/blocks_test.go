// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bazelbuild/buildtools/build"
)

// The kinds of files that an example can be.
const (
	buildFile  = "BUILD.bazel"
	moduleFile = "MODULE.bazel"
	bzlFile    = "example.bzl"
)

// languages are the info strings that blocks can have. Only starlark has examples; the others are checked to contain none.
var languages = []string{"", "bazelrc", "c", "console", "diff", "json", "make", "mermaid", "nginx", "sh", "starlark", "text"}

var (
	fence = regexp.MustCompile("^[ >]*(```+|~~~+)[ \t]*([^`]*)$")
	// looksLikeStarlark finds an example in a block that is not marked as one.
	looksLikeStarlark = regexp.MustCompile(`(?m)^ *(load\("|bazel_dep\(|use_repo\(|register_toolchains\(|[a-z_]+\($)`)
)

// moduleFunctions are the functions that only MODULE.bazel files have.
var moduleFunctions = []string{
	"archive_override", "bazel_dep", "git_override", "include", "local_path_override", "module", "multiple_version_override",
	"override_repo", "register_execution_platforms", "register_toolchains", "single_version_override", "use_extension",
	"use_repo", "use_repo_rule",
}

// bzlFunctions are the functions that only .bzl files have, and whose result gets a name there.
var bzlFunctions = []string{"aspect", "macro", "module_extension", "provider", "repository_rule", "rule", "tag_class", "transition"}

// block is one example of a page.
type block struct {
	// page is the path of the page, and line where the example begins in it.
	page string
	line int
	// text is the example, without the block's indentation.
	text string
	// fragment is whether the block is marked as one that does not load.
	fragment bool
	// kind is which file it is an example of.
	kind string
	// extensions are the variables that have its module extensions, globs the patterns of files that it reads, labels
	// those it has of the rules' repository, toolchains those it registers, and names what a .bzl file defines.
	extensions, globs, labels, toolchains, names []string
}

// position is the page and the line of the block.
func (b block) position() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// dir is the package of the block in the workspace.
func (b block) dir() string { return fmt.Sprintf("%s/%d", b.page, b.line) }

// padded is the example's text on the lines that it has in its page, after one line of text.
func (b block) padded(first string) string {
	return first + strings.Repeat("\n", b.line-1) + b.text
}

// findBlocks returns the examples of a page: a Markdown file, or a .bzl file with docstrings.
func findBlocks(page, text string) ([]block, error) {
	var blocks []block
	lines := strings.Split(text, "\n")
	for n := 0; n < len(lines); n++ {
		open := fence.FindStringSubmatch(lines[n])
		if open == nil {
			continue
		}
		begin, indent := n+1, lines[n][:strings.Index(lines[n], open[1])]
		for n++; n < len(lines) && strings.TrimPrefix(strings.TrimSpace(lines[n]), "> ") != open[1]; n++ {
			lines[n] = strings.TrimPrefix(lines[n], indent)
		}
		if n == len(lines) {
			return nil, fmt.Errorf("%s:%d: got a block without an end. Next: close it with %s", page, begin, open[1])
		}
		b := block{page: page, line: begin + 1, text: strings.Join(lines[begin:n], "\n") + "\n"}
		isExample, err := b.setInfo(strings.Fields(open[2]))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", page, begin, err)
		}
		if isExample {
			b.parse()
			blocks = append(blocks, b)
		}
	}
	return blocks, nil
}

// setInfo reads the info string of a block, and returns whether the block is an example.
func (b *block) setInfo(info []string) (bool, error) {
	language := strings.Join(info, " ")
	if b.fragment = language == "starlark fragment"; b.fragment {
		return true, nil
	}
	if !slices.Contains(languages, language) {
		return false, fmt.Errorf("got a block of %q, want starlark, starlark fragment, or another of %q", language, languages)
	}
	if language != "starlark" && looksLikeStarlark.MatchString(b.text) {
		return false, fmt.Errorf("got a block of %q that looks like Starlark. Next: mark it starlark", language)
	}
	return language == "starlark", nil
}

// parse finds out what kind of file the block is, and what it mentions. What does not parse is left for Bazel to report.
func (b *block) parse() {
	b.kind = buildFile
	file, err := build.ParseDefault(b.page, []byte(b.text))
	if err != nil {
		return
	}
	for _, statement := range file.Stmt {
		b.readStatement(statement)
	}
	build.Walk(file, func(e build.Expr, stack []build.Expr) {
		call, ok := e.(*build.CallExpr)
		if ok && calls(call, "glob") {
			b.globs = append(b.globs, stringsIn(call.List)...)
		}
		if s, ok := e.(*build.StringExpr); ok && isOwnTarget(s.Value) {
			b.labels = append(b.labels, s.Value)
		}
	})
}

// isOwnTarget returns whether a string is the label of a target of the rules' repository. A .bzl file is not a target.
func isOwnTarget(s string) bool {
	return strings.HasPrefix(s, "@rules_modhash//") && !strings.HasSuffix(s, ".bzl")
}

// readStatement sets the block's kind by a statement of it.
func (b *block) readStatement(statement build.Expr) {
	value := statement
	if assignment, ok := statement.(*build.AssignExpr); ok {
		value = assignment.RHS
		if name, ok := assignment.LHS.(*build.Ident); ok && callsAny(value, bzlFunctions) {
			b.kind, b.names = bzlFile, append(b.names, name.Name)
		} else if ok && callsAny(value, []string{"use_extension"}) {
			b.extensions = append(b.extensions, name.Name)
		}
	}
	if def, ok := statement.(*build.DefStmt); ok {
		b.kind, b.names = bzlFile, append(b.names, def.Name)
	}
	if callsAny(value, moduleFunctions) {
		b.kind = moduleFile
	}
	if callsAny(value, []string{"register_toolchains"}) {
		b.toolchains = append(b.toolchains, stringsIn(value.(*build.CallExpr).List)...)
	}
}

// callsAny returns whether an expression calls one of some functions.
func callsAny(e build.Expr, names []string) bool {
	call, ok := e.(*build.CallExpr)
	return ok && slices.ContainsFunc(names, func(name string) bool { return calls(call, name) })
}

// calls returns whether a call is of the function with a name.
func calls(call *build.CallExpr, name string) bool {
	ident, ok := call.X.(*build.Ident)
	return ok && ident.Name == name
}

// stringsIn returns the strings of some expressions and of the lists among them.
func stringsIn(expressions []build.Expr) []string {
	var found []string
	for _, e := range expressions {
		switch e := e.(type) {
		case *build.StringExpr:
			found = append(found, e.Value)
		case *build.ListExpr:
			found = append(found, stringsIn(e.List)...)
		}
	}
	return found
}

// sources calls visit for each file of the source tree with an extension.
func sources(t *testing.T, extension string, visit func(name, text string)) {
	t.Helper()
	module, err := filepath.EvalSymlinks("../../../MODULE.bazel")
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Dir(module)
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "bazel-")) {
			return filepath.SkipDir
		}
		if !entry.Type().IsRegular() || filepath.Ext(name) != extension {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		visit(relative, string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
