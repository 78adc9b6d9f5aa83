// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Spawn is one action in Bazel's execution log (src/main/protobuf/spawn.proto), as far as we read it: it was
// run, or found in a cache.
type Spawn struct {
	Mnemonic, Runner, TargetLabel string
	CacheHit                      bool
	ExitCode                      int
	ActualOutputs                 []struct {
		Path   string
		Digest struct{ Hash string }
	}
	Inputs []struct{ Path string }
	// Metrics has durations as text, such as 1.5s. Empty: unknown.
	Metrics struct{ ExecutionWallTime, TotalTime string }
}

// ReadLog reads an execution log that Bazel wrote with --execution_log_json_file.
func ReadLog(r io.Reader) ([]Spawn, error) {
	var spawns []Spawn
	for decoder := json.NewDecoder(r); ; {
		var s Spawn
		err := decoder.Decode(&s)
		if err == io.EOF {
			return spawns, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the execution log: %w", err)
		}
		spawns = append(spawns, s)
	}
}

// MustBuild builds, which must succeed, and returns the actions.
func (w *Workspace) MustBuild(args ...string) []Spawn {
	w.t.Helper()
	spawns, output, err := w.Logged("build", args...)
	if err != nil {
		w.t.Fatalf("bazel build %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return spawns
}

// Logged runs a Bazel command that builds, and returns the actions, what Bazel prints, and whether it failed.
func (w *Workspace) Logged(command string, args ...string) ([]Spawn, string, error) {
	w.t.Helper()
	log := filepath.Join(w.t.TempDir(), "execution.json")
	output, buildError := w.Bazel(command, append([]string{"--execution_log_json_file=" + log}, args...)...)
	file, err := os.Open(log)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, output)
	}
	defer file.Close()
	spawns, err := ReadLog(file)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, output)
	}
	return spawns, output, buildError
}

// Ran lists the actions that no cache had, sorted.
func Ran(spawns []Spawn) []string {
	var names []string
	for _, s := range spawns {
		if !s.CacheHit {
			names = append(names, s.Mnemonic+" of "+s.TargetLabel)
		}
	}
	slices.Sort(names)
	return names
}
