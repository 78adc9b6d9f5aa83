// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rules_modhash/tools/cli"
)

// fakeMake starts processes as make and its jobs do: one that waits, one that ignores the signals that ask, one in the
// background of a shell that has ended. It writes their process IDs, then the file "started".
const fakeMake = `#!/bin/sh
sh -c 'echo $$ > "$PIDS/child"; sleep 600; :' &
sh -c 'trap "" TERM INT HUP; echo $$ > "$PIDS/deaf"; while :; do sleep 600; done' &
sh -c '(echo $$ > "$PIDS/shell"; exec sleep 600) & echo $! > "$PIDS/orphan"'
echo $$ > "$PIDS/make"
while [ ! -s "$PIDS/child" ] || [ ! -s "$PIDS/deaf" ]; do sleep 0.01; done
mv "$PIDS/make" "$PIDS/started"
wait
`

// A stopping is a running kbuild whose make is fakeMake.
type stopping struct {
	*testing.T
	cmd       *exec.Cmd
	dir, pids string
	stderr    bytes.Buffer
}

// startStopping starts kbuild config in a new directory, and returns when make runs.
func startStopping(t *testing.T) *stopping {
	t.Helper()
	s := &stopping{T: t, dir: t.TempDir(), pids: t.TempDir()}
	bin := t.TempDir()
	s.write(filepath.Join(bin, "make"), strings.ReplaceAll(fakeMake, "$PIDS", s.pids), 0o755)
	s.write(filepath.Join(bin, "linux-1/Kbuild"), "", 0o644)
	s.write(filepath.Join(bin, "linux-1/Makefile"), "", 0o644)
	archive, source := filepath.Join(bin, "linux.tar"), filepath.Join(bin, "source.tar.zst")
	if out, err := exec.Command("tar", "--create", "--file", archive, "--directory", bin, "linux-1").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if status := cli.Run(t.Context(), newRoot(), []string{"source", "--archive", archive, "--out", source, "--kconfig", source + ".kconfig"}); status != 0 {
		t.Fatalf("kbuild source: got status %d", status)
	}
	s.cmd = exec.Command("kbuild", "config", "--source", source, "--base", "tinyconfig", "--label", "//k:config",
		"--out", filepath.Join(s.dir, "config"))
	s.cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	s.cmd.Stderr = &s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.await("make to run", func() bool {
		_, err := os.Stat(filepath.Join(s.pids, "started"))
		return err == nil
	})
	return s
}

func (s *stopping) write(path, text string, mode os.FileMode) {
	s.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		s.Fatal(err)
	}
}

func (s *stopping) await(what string, done func() bool) {
	s.Helper()
	for range 1000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.Fatalf("waited 10 s for %s", what)
}

// running returns which of the named processes run. A zombie has ended.
func (s *stopping) running(names ...string) []string {
	s.Helper()
	var found []string
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(s.pids, name))
		if err != nil {
			s.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			s.Fatal(err)
		}
		if status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && !bytes.Contains(status, []byte(") Z ")) {
			found = append(found, name)
		}
	}
	return found
}

// TestSignalEndsAllPrograms checks that a stopped action leaves no process, no file and no directory.
func TestSignalEndsAllPrograms(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			s := startStopping(t)
			all := []string{"started", "child", "deaf", "orphan"}
			if got := s.running(all...); len(got) != len(all) {
				t.Fatalf("got %q running before, want %q", got, all)
			}
			if err := s.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := s.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != cli.Error {
				t.Errorf("got %v, want exit code %d", err, cli.Error)
			}
			want := `kbuild config: //k:config: base configuration: make tinyconfig: stopped by the signal "` + signal.String() +
				"\": its programs were ended, and nothing was written\n"
			if got := s.stderr.String(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got := s.running(all...); len(got) != 0 {
				t.Errorf("got %q still running", got)
			}
			if left, err := os.ReadDir(s.dir); err != nil || len(left) != 0 {
				t.Errorf("got %v, %v left behind, want nothing", left, err)
			}
		})
	}
}

// TestMakeEndsWithKilledParent checks that make gets to know when kbuild is killed and cannot end it.
func TestMakeEndsWithKilledParent(t *testing.T) {
	s := startStopping(t)
	t.Cleanup(func() { s.endGroup() })
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err == nil {
		t.Error("got no error of a killed program")
	}
	s.await("make to end", func() bool { return len(s.running("started")) == 0 })
}

// endGroup ends what fakeMake has started: a real make would pass on the signal that it got.
func (s *stopping) endGroup() {
	text, err := os.ReadFile(filepath.Join(s.pids, "started"))
	if err != nil {
		s.Fatal(err)
	}
	group, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || group < 2 {
		s.Fatal(group, err)
	}
	if err := syscall.Kill(-group, syscall.SIGKILL); err != nil {
		s.Error(err)
	}
}
