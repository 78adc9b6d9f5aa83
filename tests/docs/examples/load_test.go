// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rules_modhash/tests/e2e/workspace"
)

// header are the statements in front of an example of a MODULE.bazel, each left out where the example has its own.
var header = []struct{ own, statement string }{
	{"module(name", `module(name = "examples")`},
	{`bazel_dep(name = "rules_modhash"`, `bazel_dep(name = "rules_modhash", version = "0.1.0")`},
	{"local_path_override(", `local_path_override(module_name = "rules_modhash", path = "../rules_modhash")`},
	{`bazel_dep(name = "gazelle"`, `bazel_dep(name = "gazelle", version = "0.47.0")`},
}

// message begins a message of Bazel; further lines belong to it.
var message = regexp.MustCompile(`(?m)^(ERROR|WARNING|INFO|DEBUG|Loading|Starting|//|@)`)

// load loads examples with Bazel and returns the report of each that is wrong, by its position.
func load(t *testing.T, w *workspace.Workspace, blocks []block) map[string]string {
	t.Helper()
	reports, modules := map[string]string{}, map[string]string{}
	output := loadPackages(t, w, blocks)
	for _, b := range blocks {
		report := ""
		if b.kind == moduleFile {
			// The reference repeats the docstrings: load each text once.
			if _, loaded := modules[b.text]; !loaded {
				modules[b.text] = loadModule(t, w, b)
			}
			report = modules[b.text] + missingToolchains(b, output)
		} else {
			report = reportOf(w, b, output)
		}
		report += missingLabels(b, output)
		if b.fragment && report == "" {
			report = "the block is marked as a fragment, but it loads. Next: mark it starlark"
		} else if b.fragment {
			report = ""
		}
		reports[b.position()] = report
	}
	return reports
}

// loadPackages loads all examples of BUILD and .bzl files, and the labels of all examples, by one query. It returns what
// Bazel prints.
func loadPackages(t *testing.T, w *workspace.Workspace, blocks []block) string {
	t.Helper()
	targets := []string{"//..."}
	for _, b := range blocks {
		if b.kind != moduleFile {
			addPackage(w, b)
		}
		targets = append(targets, b.labels...)
	}
	writeModule(t, w, block{line: 2})
	slices.Sort(targets)
	output, err := w.Bazel("query", "--keep_going", "--noshow_progress", "--incompatible_disallow_empty_glob",
		strings.Join(slices.Compact(targets), " + "))
	if !strings.Contains(output, "\n//") {
		t.Fatalf("bazel query: got no target and %v, want those of the examples:\n%s", err, output)
	}
	return output
}

// addPackage writes the package of an example, with stubs of the files that it globs: Bazel 8 rejects empty globs.
func addPackage(w *workspace.Workspace, b block) {
	if b.kind == bzlFile {
		w.Add(b.dir()+"/"+bzlFile, []byte(b.padded("")), 0o644)
		w.Add(b.dir()+"/"+buildFile, fmt.Appendf(nil, "load(%q, %q)\n", ":"+bzlFile, b.names[0]), 0o644)
		return
	}
	w.Add(b.dir()+"/"+buildFile, []byte(b.padded("")), 0o644)
	wildcards := strings.NewReplacer("**", "directory", "*", "file")
	for _, pattern := range b.globs {
		w.Add(b.dir()+"/"+wildcards.Replace(pattern), nil, 0o644)
	}
}

// probe is the name of a repository that the extension with an index does not have.
func probe(index int) string { return fmt.Sprintf("no_such_repository_%d", index) }

// writeModule makes an example the workspace's MODULE.bazel, with a probe of each extension.
func writeModule(t *testing.T, w *workspace.Workspace, b block) {
	t.Helper()
	var first, last []string
	for _, h := range header {
		if !strings.Contains(b.text, h.own) {
			first = append(first, h.statement)
		}
	}
	if strings.Contains(b.text, "module(name") { // which no other statement precedes
		first, last = nil, first
	}
	for i, extension := range b.extensions {
		last = append(last, fmt.Sprintf("use_repo(%s, %q)", extension, probe(i)))
	}
	text := b.padded(strings.Join(first, "; ")) + strings.Join(last, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(w.Dir, moduleFile), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// loadModule loads an example of a MODULE.bazel and runs its extensions. It returns the report, "" if the example is right.
// A query of a real repository would download it. That of a probe fails after the extension has read the example's tags
// and Bazel has found the repositories that the example uses.
func loadModule(t *testing.T, w *workspace.Workspace, b block) string {
	t.Helper()
	writeModule(t, w, b)
	report := ""
	if output, err := w.Bazel("query", "--noshow_progress", "//:"+buildFile); err != nil {
		report = output
	}
	for i := range b.extensions {
		output, _ := w.Bazel("query", "--noshow_progress", "@"+probe(i)+"//:all")
		if !strings.Contains(output, fmt.Sprintf("does not generate repository %q", probe(i))) {
			report += output
		}
	}
	return strings.ReplaceAll(report, filepath.Join(w.Dir, moduleFile), b.page)
}

// missingLabels reports the labels of the rules' repository that a query did not print.
func missingLabels(b block, output string) string {
	report := ""
	for _, label := range b.labels {
		full := label
		if !strings.Contains(label, ":") {
			full += ":" + path.Base(label)
		}
		if !strings.Contains(output, "\n"+full+"\n") {
			report += label + " does not exist\n"
		}
	}
	return report
}

// missingToolchains reports the labels of the example that no BUILD file of its page has.
func missingToolchains(b block, output string) string {
	report := ""
	for _, label := range b.toolchains {
		if strings.HasPrefix(label, "@") {
			continue // in a repository of the example's extension: loadModule checks that it makes one
		}
		target := regexp.MustCompile(`(?m)^//` + regexp.QuoteMeta(b.page) + `/\d+` + regexp.QuoteMeta(strings.TrimPrefix(label, "//")) + `$`)
		if !target.MatchString(output) {
			report += label + " is not in an example of this page\n"
		}
	}
	return report
}

// reportOf returns the errors that Bazel printed of an example, with the page in place of the generated files.
func reportOf(w *workspace.Workspace, b block, output string) string {
	ofPackage := regexp.MustCompile(`[/ ']` + regexp.QuoteMeta(b.dir()) + `[/:'\s]`)
	directory := filepath.Join(w.Dir, b.dir())
	pageNames := strings.NewReplacer(filepath.Join(directory, buildFile), b.page, filepath.Join(directory, bzlFile), b.page)
	report := ""
	starts := append(message.FindAllStringIndex(output, -1), []int{len(output), 0})
	for i, start := range starts[:len(starts)-1] {
		text := output[start[0]:starts[i+1][0]]
		if strings.HasPrefix(text, "ERROR") && ofPackage.MatchString(text) {
			report += pageNames.Replace(text)
		}
	}
	return report
}
