// SPDX-License-Identifier: Apache-2.0

// Package e2e uses the rules as a stranger would: from a workspace of its own, with a Bazel of its
// own, on real modules of a distribution. The tests need a ./bazelw world and reach the network
// (Go modules), so they run outside the sandbox and are never cached.
package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// workspace is a child workspace, and the Bazel that builds it.
type workspace struct {
	t   *testing.T
	dir string
	// env are further environment variables, and command what Bazel is started through.
	env, command []string
	// cold keeps the build from taking anything out of a cache.
	cold bool
}

// checkout is the source tree that the test was built from: its files stand in the runfiles as links.
func checkout(t *testing.T) string {
	t.Helper()
	module, err := filepath.EvalSymlinks("../../MODULE.bazel")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(module)
}

// newWorkspace makes a workspace of the archives' files; files of the same name are joined.
func newWorkspace(t *testing.T, archives ...string) *workspace {
	t.Helper()
	if _, err := os.Stat("/etc/rules_modhash/world"); err != nil {
		t.Skip("not inside a ./bazelw world")
	}
	w := &workspace{t: t, dir: t.TempDir()}
	for _, archive := range archives {
		text := strings.ReplaceAll(archive, "CHECKOUT", checkout(t))
		for _, file := range txtar.Parse([]byte(text)).Files {
			w.add(file.Name, file.Data, 0o644)
		}
	}
	t.Cleanup(w.shutdown)
	return w
}

// add appends data to a file of the workspace.
func (w *workspace) add(name string, data []byte, mode os.FileMode) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, mode)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := file.Write(data); err != nil {
		w.t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// startup are the flags that give the workspace a Bazel server of its own.
func (w *workspace) startup() []string {
	return []string{"--output_user_root=" + w.dir + ".out", "--max_idle_secs=60"}
}

// bazel runs a Bazel command in the workspace and returns all it prints.
func (w *workspace) bazel(command string, args ...string) (string, error) {
	argv := append(append([]string{}, w.command...), filepath.Join(checkout(w.t), "bazelw"))
	argv = append(append(argv, w.startup()...), command)
	if w.cold && command == "build" {
		argv = append(argv, "--disk_cache=")
	}
	cmd := exec.Command(argv[0], append(argv[1:], args...)...)
	cmd.Dir = w.dir
	cmd.Env = append(append(os.Environ(), "BAZELW=world", "GO_REPOSITORY_USE_HOST_CACHE=1"), w.env...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	return output.String(), err
}

func (w *workspace) mustBazel(command string, args ...string) string {
	w.t.Helper()
	output, err := w.bazel(command, args...)
	if err != nil {
		w.t.Fatalf("bazel %s %s: %v\n%s", command, strings.Join(args, " "), err, output)
	}
	return output
}

func (w *workspace) shutdown() {
	if output, err := w.bazel("shutdown"); err != nil {
		w.t.Logf("bazel shutdown: %v\n%s", err, output)
	}
	// Bazel takes the write bits off its output folders.
	_ = exec.Command("chmod", "-R", "u+w", w.dir+".out").Run()
	_ = os.RemoveAll(w.dir + ".out")
}
