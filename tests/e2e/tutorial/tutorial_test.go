// SPDX-License-Identifier: Apache-2.0

// Package tutorial follows the steps of the tutorial.
package tutorial

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rules_modhash/tests/e2e/workspace"
)

// step is an instruction of a tutorial: write a file, or run commands.
type step struct {
	// line is where its block begins.
	line int
	// file is the name of the file that text is for, "" if text are commands.
	file, text string
	// want is what the commands print, "" if the tutorial does not show it. An ellipsis stands for anything.
	want string
}

// fileName finds the name at the end of the paragraph in front of a file: "`BUILD.bazel`:".
var fileName = regexp.MustCompile("`([\\w./-]+)`:$")

// parseTutorial returns the steps of a tutorial in Markdown. Blocks are files (starlark), commands (sh), and what
// the commands in front of them print (text); any other kind is an error, so that none is passed over.
func parseTutorial(t *testing.T, text string) []step {
	t.Helper()
	var steps []step
	kind, before := "", ""
	for n, line := range strings.Split(text, "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && kind == "":
			kind = fence
			if kind == "text" {
				continue
			}
			s := step{line: n + 1}
			if kind == "starlark" {
				name := fileName.FindStringSubmatch(before)
				if name == nil {
					t.Fatalf("line %d: want a file's name at the end of the paragraph in front, got %q", n+1, before)
				}
				s.file = name[1]
			} else if kind != "sh" {
				t.Fatalf("line %d: got a block of %q, want starlark, sh or text", n+1, kind)
			}
			steps = append(steps, s)
		case isFence:
			kind = ""
		case kind == "text":
			steps[len(steps)-1].want += line + "\n"
		case kind != "":
			steps[len(steps)-1].text += line + "\n"
		case line != "":
			before = line
		}
	}
	return steps
}

// script puts the steps into one shell script, which leaves what each prints in the file results/INDEX.
func script(steps []step, results string) string {
	var b strings.Builder
	b.WriteString("set -eu\n")
	for i, s := range steps {
		if s.file != "" {
			b.WriteString("cat >" + s.file + " <<'END OF FILE'\n" + s.text + "END OF FILE\n")
			continue
		}
		b.WriteString("{\n" + s.text + "} >" + filepath.Join(results, strconv.Itoa(i)) + " 2>&1 </dev/null\n")
	}
	return b.String()
}

// checkPrinted checks that the lines that a step promises come in what was printed, in their order.
func checkPrinted(t *testing.T, s step, printed string) {
	t.Helper()
	lines := strings.Split(printed, "\n")
	for _, want := range strings.Split(strings.TrimSuffix(s.want, "\n"), "\n") {
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$")
		for len(lines) > 0 && !pattern.MatchString(lines[0]) {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			t.Errorf("docs/tutorial.md:%d: these commands do not print %q, or not in this place:\n%s\nthey print:\n%s",
				s.line, want, s.text, printed)
			return
		}
		lines = lines[1:]
	}
}

// TestTutorial follows the tutorial, in an empty directory next to the rules, and compares what it prints.
func TestTutorial(t *testing.T) {
	w := workspace.New(t)
	w.UseCompiledGazelle()
	rules, results := workspace.Checkout(t), t.TempDir()
	data, err := os.ReadFile(filepath.Join(rules, "docs/tutorial.md"))
	if err != nil {
		t.Fatal(err)
	}
	steps := parseTutorial(t, string(data))
	if err := os.Symlink(rules, filepath.Join(w.Dir, "rules_modhash")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-c", "")
	cmd.Dir = w.Dir
	cmd.Env = append(os.Environ(), "BAZELW=world", "GO_REPOSITORY_USE_HOST_CACHE=1")
	w.Dir = filepath.Join(w.Dir, "tutorial")
	// The reader's Bazel, but with a server and outputs of the test's own.
	own := strings.Join(append([]string{"../rules_modhash/bazelw"}, w.Startup()...), " ")
	cmd.Args[2] = strings.ReplaceAll(script(steps, results), `../rules_modhash/bazelw "$@"`, own+` "$@"`)
	if err := cmd.Run(); err != nil {
		s, printed := lastStep(t, steps, results)
		t.Fatalf("docs/tutorial.md:%d: %v\n%s\nprints:\n%s", s.line, err, s.text, printed)
	}
	for i, s := range steps {
		if s.want != "" {
			checkPrinted(t, s, printed(t, results, i))
		}
	}
}

// printed returns what the step with an index printed.
func printed(t *testing.T, results string, index int) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(results, strconv.Itoa(index)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// lastStep returns the last step that was begun, and what it printed.
func lastStep(t *testing.T, steps []step, results string) (step, string) {
	t.Helper()
	for i := len(steps) - 1; i >= 0; i-- {
		if _, err := os.Stat(filepath.Join(results, strconv.Itoa(i))); err == nil {
			return steps[i], printed(t, results, i)
		}
	}
	return steps[0], ""
}
