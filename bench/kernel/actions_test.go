// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// log is an execution log: a shard that was compiled, one from the cache, and the action that reads both.
const log = `{
 "mnemonic": "ModhashKernelCompile", "runner": "linux-sandbox", "targetLabel": "//:shards", "cacheHit": false,
 "inputs": [{"path": "bin/prepared"}],
 "actualOutputs": [{"path": "bin/shards/logs/compile/drivers/net.log"}, {"path": "bin/net.builtin"}],
 "metrics": {"totalTime": "4s", "executionWallTime": "3.5s"}
}{
 "mnemonic": "ModhashKernelCompile", "runner": "disk cache hit", "targetLabel": "//:shards", "cacheHit": true,
 "actualOutputs": [{"path": "bin/shards/logs/compile/rest.log"}, {"path": "bin/rest.builtin"}]
}
{
 "mnemonic": "ModhashKernelFinish", "targetLabel": "//:shards",
 "inputs": [{"path": "bin/net.builtin"}, {"path": "bin/rest.builtin"}],
 "actualOutputs": [{"path": "bin/shards/modules/drivers/net/dummy.ko"}, {"path": "bin/shards/logs/modules/drivers/net.log"}],
 "metrics": {"totalTime": "0.25s"}
}
{"mnemonic": "ModhashTree", "targetLabel": "//:shards_tree", "exitCode": 0, "metrics": {"executionWallTime": "0.010s"}}
`

func actionsOf(t *testing.T, log string) []action {
	t.Helper()
	actions, err := readActions(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	return actions
}

func TestReadActions(t *testing.T) {
	actions := actionsOf(t, log)
	var got []string
	for _, a := range actions {
		got = append(got, a.String()+" "+a.duration.String())
	}
	want := []string{
		"ModhashKernelCompile of shard drivers/net 3.5s", "ModhashKernelCompile of shard . 0s",
		"ModhashKernelFinish of shard drivers/net 250ms", "ModhashTree of //:shards_tree 10ms",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := countsText(ran(actions)); got != "Compile 1, Finish 1, Tree 1" {
		t.Errorf("got %s", got)
	}
	if got := hits(actions); got != 1 {
		t.Errorf("got %d hits, want 1", got)
	}
	if got := durations(actions, kernelCompile); !maps.Equal(got, map[string]time.Duration{"drivers/net": 3500 * time.Millisecond}) {
		t.Errorf("got %v", got)
	}
}

func TestFailedActions(t *testing.T) {
	actions := actionsOf(t, strings.Replace(log, `"runner": "linux-sandbox"`, `"runner": "linux-sandbox", "exitCode": 2`, 1))
	if got := shardsThatFailed(actions); !slices.Equal(got, []string{"drivers/net"}) {
		t.Errorf("got %v, want drivers/net", got)
	}
	if got := durations(actions, kernelCompile); len(got) != 0 {
		t.Errorf("got the times %v of actions that failed", got)
	}
}

func TestCompiledAgain(t *testing.T) {
	compiled := map[string]time.Duration{"fs": 1, "mm": 2, "net": 3, "lib": 4}
	kept := []change{{path: "fs/a.c"}, {path: "net/b.c"}}
	// mm failed, and was compiled as before when its file was left out; lib includes a file of another shard.
	got := compiledAgain(compiled, []string{"mm", "net"}, []string{".", "fs", "lib", "mm", "net"}, kept)
	if want := map[string]time.Duration{"fs": 1, "net": 3, "lib": 4}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReadActionsErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"mnemonic": "x"`: "reading the execution log: unexpected EOF",
		`{"mnemonic": "X", "targetLabel": "//:x", "metrics": {"totalTime": "soon"}}`: `execution log: X of //:x: got the duration "soon", want one such as 1.5s`,
	} {
		if _, err := readActions(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestShardOf(t *testing.T) {
	shards := []string{".", "drivers", "drivers/net", "fs"}
	for file, want := range map[string]string{
		"drivers/net/dummy.c": "drivers/net", "drivers/net/phy/x.c": "drivers/net", "drivers/network.c": "drivers", "init/main.c": ".",
	} {
		if got := shardOf(shards, file); got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
	}
}

func TestClaims(t *testing.T) {
	actions := actionsOf(t, log)
	for _, test := range []struct {
		name  string
		claim claim
		// want is part of the error, "" for none.
		want string
	}{
		{"nothing", runsNothing, "got 4 actions, ModhashKernelCompile of shard drivers/net first, want none"},
		{"runs", runs(moduleTree, kernelFinish), ""},
		{"runs something else", runs(moduleTree, kernelBlank), "got no ModhashKernelBlank that ran, want one. These ran: Compile 1, Finish 1, Tree 1"},
		{"runs no", runsNo(kernelBlank), ""},
		{"runs it", runsNo(kernelBlank, moduleTree), "got ModhashTree of //:shards_tree run, want it up to date"},
		{"the driver", runsOneDriver("drivers/net"), ""},
		{"another driver", runsOneDriver("fs"), "got ModhashKernelCompile run for 1 shards (drivers/net), want it for fs alone"},
		{"cold", hitsNothing, "got ModhashKernelCompile of shard . from a cache, want a cold build"},
		{"warm", hitsOnly, "got ModhashKernelCompile of shard drivers/net run, want it from the disk cache"},
		{"all shards", compilesAllOf(func() ([]string, error) { return []string{".", "drivers/net"}, nil }), "got 1 shards compiled (drivers/net), want 2 (., drivers/net)"},
		{"a source", claimFile("drivers/net/dummy.c", 2), ""},
	} {
		err := test.claim(actions)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	if err := hitsOnly(nil); err == nil {
		t.Error("warm: got no error for a build without hits")
	}
	if err := runsNothing(nil); err != nil {
		t.Error(err)
	}
	if err := runsOnlyOurs(actions); err != nil {
		t.Error(err)
	}
	if err := runsOnlyOurs([]action{{mnemonic: "GoLink", target: "//:x"}}); err == nil || !strings.Contains(err.Error(), "got GoLink of //:x") {
		t.Errorf("got %v, want an error about GoLink", err)
	}
	blank := append(actions, action{mnemonic: kernelBlank})
	if err := runsOneDriver("drivers/net")(blank); err == nil {
		t.Error("driver: got no error for a build that links vmlinux")
	}
}

func TestClaimFile(t *testing.T) {
	var actions []action
	for _, shard := range []string{".", "fs", "mm"} {
		actions = append(actions, action{mnemonic: kernelCompile, shard: shard})
	}
	if err := claimFile("mm/x.c", 3)(actions); err == nil {
		t.Error("got no error for a source that compiles three shards")
	}
	if err := claimFile("mm/x.h", 3)(actions); err != nil {
		t.Error(err)
	}
}

func TestReadProfile(t *testing.T) {
	const text = `{"otherData": {}, "traceEvents": [
{"name": "thread_name", "ph": "M"},
{"cat": "action processing", "name": "a", "ph": "X", "dur": 2000000},
{"cat": "action processing", "name": "b", "ph": "X", "dur": 3000000},
{"cat": "critical path component", "name": "action 'b'", "ph": "X", "dur": 2500000.5}]}`
	got, err := readProfile(strings.NewReader(text))
	want := profile{critical: 2500000500 * time.Nanosecond, actions: 5 * time.Second}
	if err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, text := range []string{`{"traceEvents": []}`, "gzip"} {
		if _, err := readProfile(strings.NewReader(text)); err == nil {
			t.Errorf("%s: got no error", text)
		}
	}
}
