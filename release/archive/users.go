// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bazelbuild/buildtools/build"
)

// developersPart begins the part of MODULE.bazel that users inherit nothing of.
const developersPart = "\n# Only dev_dependency below this line"

// forUsers returns what users get of a file: BUILD files without tests, MODULE.bazel without what developers need.
// Examples stay as they are.
func forUsers(name string, data []byte) ([]byte, error) {
	switch {
	case strings.HasPrefix(name, "examples/"):
		return data, nil
	case path.Base(name) == "BUILD.bazel":
		return buildForUsers(name, data)
	case name == "MODULE.bazel":
		return moduleForUsers(name, data)
	}
	return data, nil
}

func moduleForUsers(name string, data []byte) ([]byte, error) {
	users, _, found := bytes.Cut(data, []byte(developersPart))
	if !found || bytes.Contains(users, []byte("dev_dependency = True")) {
		return nil, fmt.Errorf("%s: got no line %q, or dev_dependency = True in front of it", name, strings.TrimSpace(developersPart))
	}
	return users, nil
}

func buildForUsers(name string, data []byte) ([]byte, error) {
	file, err := build.ParseBuild(name, data)
	if err != nil {
		return nil, err
	}
	file.Stmt = slices.DeleteFunc(file.Stmt, isForDevelopers)
	dropUnusedLoads(file)
	return build.Format(file), nil
}

// isForDevelopers reports whether a statement makes tests, by itself or in a comprehension, or names a target in tests/.
func isForDevelopers(statement build.Expr) bool {
	if list, ok := statement.(*build.Comprehension); ok {
		statement = list.Body
	}
	call, ok := statement.(*build.CallExpr)
	if !ok {
		return false
	}
	rule := build.NewRule(call)
	return strings.HasSuffix(rule.Kind(), "_test") || rule.Kind() == "genquery" ||
		rule.AttrLiteral("testonly") == "True" || strings.HasPrefix(rule.AttrString("actual"), "//tests/")
}

// dropUnusedLoads takes the names that nothing uses any more out of the load statements.
func dropUnusedLoads(file *build.File) {
	used := map[string]bool{}
	for _, statement := range file.Stmt {
		if _, isLoad := statement.(*build.LoadStmt); isLoad {
			continue
		}
		build.Walk(statement, func(e build.Expr, _ []build.Expr) {
			if name, ok := e.(*build.Ident); ok {
				used[name.Name] = true
			}
		})
	}
	file.Stmt = slices.DeleteFunc(file.Stmt, func(statement build.Expr) bool {
		load, isLoad := statement.(*build.LoadStmt)
		return isLoad && !keepNames(load, used)
	})
}

// keepNames drops the names of a load statement that are not used, and reports whether one is left.
func keepNames(load *build.LoadStmt, used map[string]bool) bool {
	var from, to []*build.Ident
	for i, name := range load.To {
		if used[name.Name] {
			from, to = append(from, load.From[i]), append(to, name)
		}
	}
	load.From, load.To = from, to
	return len(to) > 0
}
