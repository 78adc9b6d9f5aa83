// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"encoding/json"
	"strings"
	"testing"

	"rules_modhash/tests/e2e/workspace"
)

var mnemonics = []string{"ModhashLeaf", "ModhashProof", "ModhashSeal", "ModhashTree"}

// strategy runs all our actions in one way.
func strategy(name string) []string {
	var flags []string
	for _, mnemonic := range mnemonics {
		flags = append(flags, "--strategy="+mnemonic+"="+name)
	}
	return flags
}

// TestWorkers shares one Bazel between the tests that need no server: starting it takes longer than what they do.
func TestWorkers(t *testing.T) {
	requireWorld(t)
	m := newMachine(t)
	t.Run("requirements", func(t *testing.T) { testRequirements(t, m.in(t)) })
	t.Run("strategies", func(t *testing.T) { testStrategies(t, m.in(t)) })
}

// testStrategies checks that outputs do not depend on how actions are run.
func testStrategies(t *testing.T, m machine) {
	t.Helper()
	actions := map[string]int{"ModhashLeaf": leaves, "ModhashProof": 1, "ModhashSeal": 1, "ModhashTree": 1}
	var want []workspace.Spawn
	for _, test := range []struct {
		name, runner string
		flags        []string
	}{
		{"local", "local", strategy("local")},
		{"sandboxed", "linux-sandbox", strategy("sandboxed")},
		{"singleplex worker", "worker", append(strategy("worker"), "--noworker_multiplex", "--worker_sandboxing")},
		{"multiplex worker", "worker", strategy("worker")},
		{"sandboxed multiplex worker", "worker", append(strategy("worker"), "--experimental_worker_multiplex_sandboxing")},
	} {
		got := m.MustBuild(append(test.flags, "//:declared", allGroups)...)
		expect(t, test.name, got, test.runner, actions)
		if want == nil {
			want = got
		}
		expectSame(t, test.name, got, want)
		m.clean()
	}

	// With mapped paths, the log has paths without a configuration.
	mapped := map[string]string{}
	for _, test := range [][]string{
		strategy("sandboxed"),
		append(strategy("worker"), "--experimental_worker_multiplex_sandboxing"),
	} {
		got := outputs(m.MustBuild(append(test, "//:declared", allGroups, "--experimental_output_paths=strip")...))
		for path, digest := range got {
			if mapped[path] != "" && mapped[path] != digest {
				t.Errorf("mapped paths: got digest %s of %s, want %s", digest, path, mapped[path])
			}
			mapped[path] = digest
		}
		m.clean()
	}
	for path, digest := range outputs(want) {
		if mapped[path] != digest {
			t.Errorf("mapped paths: got digest %s of %s, want %s", mapped[path], path, digest)
		}
	}
}

// testRequirements reads what the actions tell Bazel of how they can be run.
func testRequirements(t *testing.T, m machine) {
	t.Helper()
	output := m.MustBazel("aquery", "--output=jsonproto", "--ui_event_filters=-info,-stderr", "--noshow_progress",
		`mnemonic("Modhash.*", //:declared + //:directory)`)
	// Ahead of it, Bazel states that it starts a server.
	if start := strings.Index(output, "{"); start > 0 {
		output = output[start:]
	}
	var graph struct {
		Actions []struct {
			Mnemonic      string
			ExecutionInfo []struct{ Key, Value string }
		}
	}
	if err := json.Unmarshal([]byte(output), &graph); err != nil {
		t.Fatalf("%v in:\n%s", err, output)
	}
	if got, want := len(graph.Actions), leaves+6; got != want {
		t.Errorf("got %d actions, want %d", got, want)
	}
	want := map[string]string{
		"requires-worker-protocol": "proto", "supports-multiplex-sandboxing": "1", "supports-multiplex-workers": "1",
		"supports-path-mapping": "1", "supports-worker-cancellation": "1", "supports-workers": "1",
		"worker-key-mnemonic": "Modhash",
	}
	for _, action := range graph.Actions {
		got := map[string]string{}
		for _, info := range action.ExecutionInfo {
			got[info.Key] = info.Value
		}
		for key, value := range want {
			if got[key] != value {
				t.Errorf("%s: got %q for %s, want %q", action.Mnemonic, got[key], key, value)
			}
		}
	}
}
