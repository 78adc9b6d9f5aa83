// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// claim checks what a build ran.
type claim func(actions []action) error

// all is several claims.
func all(claims ...claim) claim {
	return func(actions []action) error {
		for _, c := range claims {
			if err := c(actions); err != nil {
				return err
			}
		}
		return nil
	}
}

// runsNothing claims that there is nothing to do, in caches neither.
func runsNothing(actions []action) error {
	if len(actions) == 0 {
		return nil
	}
	return fmt.Errorf("got %d actions, %s first, want none", len(actions), actions[0])
}

// runs claims that actions with these mnemonics ran.
func runs(mnemonics ...string) claim {
	return func(actions []action) error {
		counts := ran(actions)
		for _, mnemonic := range mnemonics {
			if counts[mnemonic] == 0 {
				return fmt.Errorf("got no %s that ran, want one. These ran: %s", mnemonic, countsText(counts))
			}
		}
		return nil
	}
}

// runsNo claims that no action with one of these mnemonics ran.
func runsNo(mnemonics ...string) claim {
	return func(actions []action) error {
		for _, a := range actions {
			if !a.hit && slices.Contains(mnemonics, a.mnemonic) {
				return fmt.Errorf("got %s run, want it up to date or from a cache", a)
			}
		}
		return nil
	}
}

// runsOnlyShard claims that of the actions with this mnemonic, only that of one shard ran.
func runsOnlyShard(mnemonic, shard string) claim {
	return func(actions []action) error {
		got := shardsThatRan(actions, mnemonic)
		if slices.Equal(got, []string{shard}) {
			return nil
		}
		return fmt.Errorf("got %s run for %d shards (%s), want it for %s alone", mnemonic, len(got), strings.Join(got, ", "), shard)
	}
}

// runsOneDriver claims what an edit of one driver may run: neither vmlinux nor another shard.
func runsOneDriver(shard string) claim {
	return all(
		runsNo(kernelBuild, kernelPrepare, kernelBlank),
		runsOnlyShard(kernelCompile, shard),
		runsOnlyShard(kernelFinish, shard),
		runs(moduleTree),
	)
}

// hitsNothing claims that no cache had anything of ours.
func hitsNothing(actions []action) error {
	for _, a := range actions {
		if a.hit && strings.HasPrefix(a.mnemonic, "Modhash") {
			return fmt.Errorf("got %s from a cache, want a cold build", a)
		}
	}
	return nil
}

// runsOnlyOurs claims that the programs that actions run were built before.
func runsOnlyOurs(actions []action) error {
	for _, a := range actions {
		if !strings.HasPrefix(a.mnemonic, "Modhash") {
			return fmt.Errorf("got %s, want only actions of kernels and trees: what they run is built before", a)
		}
	}
	return nil
}

// hitsOnly claims that a cache had each of our actions.
func hitsOnly(actions []action) error {
	if hits(actions) == 0 {
		return errors.New("got no action from the disk cache, want all. Next: run the case shards with --disk-cache and the same --work")
	}
	for _, a := range actions {
		if !a.hit && strings.HasPrefix(a.mnemonic, "Modhash") {
			return fmt.Errorf("got %s run, want it from the disk cache. Next: run the case shards with --disk-cache and the same --work", a)
		}
	}
	return nil
}

// compilesAllOf claims that each shard was compiled.
func compilesAllOf(shards func() ([]string, error)) claim {
	return func(actions []action) error {
		want, err := shards()
		if err != nil {
			return err
		}
		if got := shardsThatRan(actions, kernelCompile); !slices.Equal(got, want) {
			return fmt.Errorf("got %d shards compiled (%s), want %d (%s)", len(got), strings.Join(got, ", "), len(want), strings.Join(want, ", "))
		}
		return nil
	}
}
