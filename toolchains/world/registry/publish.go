// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/bazelbuild/buildtools/build"
)

// request is one bazel_dep, and where it stands.
type request struct{ name, version, from string }

// builtin are the requests that stand in no MODULE.bazel file of the sources.
var builtin = []request{
	{"platforms", "0.0.7", "Bazel's module local_config_platform"},
	{"go_sdk_world", "1.26", "rules_go, see wrapGoSDK"},
}

// publish extends the registry in out/registry.d until it answers all that roots lead to.
func publish(out, share string, roots []string) error {
	src, err := filepath.Abs(filepath.Join(out, "src"))
	if err != nil {
		return err
	}
	requests, err := requestsOf(src, append([]string{filepath.Join(share, "embedded_tools/MODULE.bazel")}, roots...))
	if err != nil {
		return err
	}
	for _, r := range requests {
		if err := offer(filepath.Join(out, "registry.d"), src, r); err != nil {
			return err
		}
	}
	return writeJSON(filepath.Join(out, "registry.d/bazel_registry.json"), map[string]string{"module_base_path": src})
}

// requestsOf lists what roots ask for, dev dependencies included, and what all sources ask for.
func requestsOf(src string, roots []string) ([]request, error) {
	sourceFiles, err := filepath.Glob(filepath.Join(src, "*/MODULE.bazel"))
	if err != nil {
		return nil, err
	}
	all := slices.Clone(builtin)
	for i, path := range append(roots, sourceFiles...) {
		file, err := parse(path)
		if err != nil {
			return nil, err
		}
		all = append(all, dependencies(file, i < len(roots))...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].name+" "+all[i].version < all[j].name+" "+all[j].version })
	return all, nil
}

func dependencies(file *build.File, dev bool) []request {
	overridden := map[string]bool{}
	for _, rule := range file.Rules("") {
		if strings.HasSuffix(rule.Kind(), "_override") && dev {
			overridden[rule.AttrString("module_name")] = true
		}
	}
	var deps []request
	for _, rule := range file.Rules("bazel_dep") {
		if rule.AttrLiteral("dev_dependency") == "True" && !dev {
			continue
		}
		if overridden[rule.Name()] || rule.AttrString("version") == "" {
			continue
		}
		line, _ := rule.Call.Span()
		deps = append(deps, request{rule.Name(), rule.AttrString("version"), fmt.Sprintf("%s:%d", file.Path, line.Line)})
	}
	return deps
}

// offer writes the registry's two files for one version of a module.
func offer(registry, src string, r request) error {
	dir := filepath.Join(registry, "modules", r.name, r.version)
	if _, err := os.Stat(dir + "/source.json"); err == nil {
		return nil
	}
	file, err := parse(filepath.Join(src, r.name, "MODULE.bazel"))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s asks for module %s %s, which the offline registry cannot offer. "+
			"Next: take the dependency out, or build with a Bazel that reaches its registry (BAZELW=system)",
			r.from, r.name, r.version)
	}
	if err != nil {
		return err
	}
	setVersion(file, r.version)
	if r.name == "rules_go" {
		wrapGoSDK(file)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(dir+"/MODULE.bazel", build.Format(file), 0o644); err != nil {
		return err
	}
	return writeJSON(dir+"/source.json", map[string]string{"type": "local_path", "path": r.name})
}

func parse(path string) (*build.File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return build.ParseModule(path, data)
}

func moduleName(path string) (string, error) {
	file, err := parse(path)
	if err != nil {
		return "", err
	}
	for _, rule := range file.Rules("module") {
		return rule.Name(), nil
	}
	return "", fmt.Errorf("%s: no module() call", path)
}

func setVersion(file *build.File, version string) {
	for _, rule := range file.Rules("module") {
		rule.SetAttr("version", &build.StringExpr{Value: version})
	}
}

// wrapGoSDK puts the Go installation of this world in place of the SDK that rules_go would download.
func wrapGoSDK(file *build.File) {
	wrap, err := build.ParseModule("wrap", []byte(`bazel_dep(name = "go_sdk_world", version = "1.26")
go_sdk.wrap(root_file = "@go_sdk_world//:ROOT")
`))
	if err != nil {
		panic(err) // the text above
	}
	var stmts []build.Expr
	for _, stmt := range file.Stmt {
		if call, ok := stmt.(*build.CallExpr); ok && build.FormatString(call.X) == "go_sdk.from_file" {
			stmts = append(stmts, wrap.Stmt...)
			continue
		}
		stmts = append(stmts, stmt)
	}
	file.Stmt = stmts
}

// writeJSON replaces path in one step: Bazel may be reading it.
func writeJSON(path string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
