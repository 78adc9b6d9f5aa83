// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bazelbuild/buildtools/build"
)

// release is what is known of a release, other than its artifacts.
type release struct {
	version string
	// commit is that of the source, 40 hex digits, "" where none was given. Created is the commit's time, else 1970.
	commit  string
	created time.Time
	// dependencies are the Go modules and Bazel modules that users get with the rules.
	dependencies []dependency
}

// dependency is a module in the words of package URLs (purl): type "golang" or "bazel".
type dependency struct{ kind, name, version string }

// purl is the package URL.
func (d dependency) purl() string { return "pkg:" + d.kind + "/" + d.name + "@" + d.version }

// readRelease reads MODULE.bazel, and the workspace status if its path is not "".
func readRelease(module, status string) (*release, error) {
	data, err := os.ReadFile(module)
	if err != nil {
		return nil, err
	}
	file, err := build.ParseModule(module, data)
	if err != nil {
		return nil, err
	}
	r := &release{created: time.Unix(0, 0), dependencies: dependencies(file)}
	for _, rule := range file.Rules("module") {
		r.version = rule.AttrString("version")
	}
	if r.version == "" {
		return nil, fmt.Errorf("%s: got no version of the module", module)
	}
	if status == "" {
		return r, nil
	}
	return r, r.readStatus(status)
}

// dependencies lists the modules that a MODULE.bazel declares for users.
func dependencies(file *build.File) []dependency {
	var all []dependency
	for _, rule := range file.Rules("bazel_dep") {
		if rule.AttrLiteral("dev_dependency") != "True" {
			all = append(all, dependency{"bazel", rule.Name(), rule.AttrString("version")})
		}
	}
	for _, rule := range file.Rules("go_deps.module") {
		all = append(all, dependency{"golang", rule.AttrString("path"), rule.AttrString("version")})
	}
	return all
}

var isCommit = regexp.MustCompile(`^[0-9a-f]{40}$`)

// readStatus takes the commit and its time from a workspace status.
func (r *release) readStatus(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, line := range strings.Split(string(data), "\n") {
		key, value, _ := strings.Cut(line, " ")
		values[key] = value
	}
	r.commit = values["STABLE_COMMIT"]
	if !isCommit.MatchString(r.commit) {
		return fmt.Errorf("%s: STABLE_COMMIT: got %q, want 40 hex digits. Next: build with --config=release, in a checkout without changes",
			path, r.commit)
	}
	seconds, err := strconv.ParseInt(values["STABLE_COMMIT_TIME"], 10, 64)
	if err != nil {
		return fmt.Errorf("%s: STABLE_COMMIT_TIME: got %q, want seconds since 1970", path, values["STABLE_COMMIT_TIME"])
	}
	r.created = time.Unix(seconds, 0)
	return nil
}
