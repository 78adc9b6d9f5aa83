// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"rules_modhash/tests/e2e/workspace"
)

// Mnemonics of the actions that the claims are about.
const (
	kernelBuild   = "ModhashKernelBuild"
	kernelPrepare = "ModhashKernelPrepare"
	kernelCompile = "ModhashKernelCompile"
	kernelBlank   = "ModhashKernelBlank"
	kernelModpost = "ModhashKernelModpost"
	kernelFinish  = "ModhashKernelFinish"
	kernelLink    = "ModhashKernelLink"
	moduleTree    = "ModhashTree"
	moduleSeal    = "ModhashSeal"
)

// action is one that Bazel ran, or found in a cache.
type action struct {
	mnemonic, target string
	// shard is that of an action for one shard, or empty.
	shard string
	// hit is whether a cache had it, failed whether its program failed.
	hit, failed bool
	// duration is that of the program.
	duration        time.Duration
	inputs, outputs []string
}

// String returns what messages call the action.
func (a action) String() string {
	if a.shard != "" {
		return a.mnemonic + " of shard " + a.shard
	}
	return a.mnemonic + " of " + a.target
}

// readActions reads an execution log.
func readActions(r io.Reader) ([]action, error) {
	spawns, err := workspace.ReadLog(r)
	if err != nil {
		return nil, err
	}
	actions := make([]action, len(spawns))
	for i, s := range spawns {
		if actions[i], err = actionOf(s); err != nil {
			return nil, err
		}
	}
	return actions, nil
}

func actionOf(s workspace.Spawn) (action, error) {
	a := action{mnemonic: s.Mnemonic, target: s.TargetLabel, hit: s.CacheHit, failed: s.ExitCode != 0}
	for _, file := range s.Inputs {
		a.inputs = append(a.inputs, file.Path)
	}
	for _, file := range s.ActualOutputs {
		a.outputs = append(a.outputs, file.Path)
	}
	a.shard = shardOfOutputs(a.outputs)
	text := s.Metrics.ExecutionWallTime
	if text == "" {
		text = s.Metrics.TotalTime
	}
	if text == "" {
		return a, nil
	}
	var err error
	if a.duration, err = time.ParseDuration(text); err != nil {
		return a, fmt.Errorf("execution log: %s: got the duration %q, want one such as 1.5s", a, text)
	}
	return a, nil
}

// shardOfOutputs returns the shard that an action compiles or finishes, by the log among its outputs: logs/compile/NAME.log or
// logs/modules/NAME.log.
func shardOfOutputs(outputs []string) string {
	for _, output := range outputs {
		for _, kind := range []string{"/logs/compile/", "/logs/modules/"} {
			_, name, found := strings.Cut(output, kind)
			if name, isLog := strings.CutSuffix(name, ".log"); found && isLog {
				return shardName(name)
			}
		}
	}
	return ""
}

// shardName is the shard of which files have this name.
func shardName(file string) string {
	if file == "rest" {
		return "."
	}
	return file
}

// shardOf returns the shard of a source file: the longest name that is a directory of it.
func shardOf(shards []string, file string) string {
	best := "."
	for _, name := range shards {
		if strings.HasPrefix(file, name+"/") && (best == "." || len(name) > len(best)) {
			best = name
		}
	}
	return best
}

// ran counts the actions that no cache had, by mnemonic.
func ran(actions []action) map[string]int {
	counts := map[string]int{}
	for _, a := range actions {
		if !a.hit {
			counts[a.mnemonic]++
		}
	}
	return counts
}

// hits counts the actions that a cache had.
func hits(actions []action) int {
	n := 0
	for _, a := range actions {
		if a.hit {
			n++
		}
	}
	return n
}

// shardsThatRan are the shards of the actions with a mnemonic that no cache had, sorted.
func shardsThatRan(actions []action, mnemonic string) []string {
	return slices.Sorted(maps.Keys(durations(actions, mnemonic)))
}

// durations are those of the actions with a mnemonic that no cache had, by shard. It leaves out those that failed.
func durations(actions []action, mnemonic string) map[string]time.Duration {
	found := map[string]time.Duration{}
	for _, a := range actions {
		if a.mnemonic == mnemonic && !a.hit && !a.failed {
			found[a.shard] = a.duration
		}
	}
	return found
}

// shardsThatFailed are the shards of the actions that failed.
func shardsThatFailed(actions []action) []string {
	var names []string
	for _, a := range actions {
		if a.failed && a.shard != "" {
			names = append(names, a.shard)
		}
	}
	return names
}

// total is the sum of durations.
func total(durations map[string]time.Duration) time.Duration {
	var sum time.Duration
	for _, d := range durations {
		sum += d
	}
	return sum
}

// countsText returns counts by mnemonic, in a fixed order and without the common prefix: "Compile 2, Tree 1".
func countsText(counts map[string]int) string {
	var words []string
	for _, mnemonic := range slices.Sorted(maps.Keys(counts)) {
		name := strings.TrimPrefix(strings.TrimPrefix(mnemonic, "Modhash"), "Kernel")
		words = append(words, fmt.Sprintf("%s %d", name, counts[mnemonic]))
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}
