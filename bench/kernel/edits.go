// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"rules_modhash/bench/internal/run"
)

// releaseChanges builds the unchanged kernel, and returns the sources that the next point release changes.
func (b *bench) releaseChanges(ctx context.Context) ([]change, error) {
	if len(b.releases) < 2 {
		return nil, fmt.Errorf("got Linux %s alone in the world, want two point releases. Next: leave this case out of --cases", b.releases[0].version)
	}
	if err := b.base(ctx); err != nil {
		return nil, err
	}
	if _, err := b.w.build(ctx, noCache, "//:next_source"); err != nil {
		return nil, err
	}
	changes, err := changesBetween(b.w.output("shards_source.tar.zst"), b.w.output("next_source.tar.zst"))
	if err == nil && len(changes) == 0 {
		err = fmt.Errorf("got no changed source between Linux %s and %s", b.releases[0].version, b.releases[1].version)
	}
	return changes, err
}

// rounds is how often files that do not compile without the headers of the release are left out.
const rounds = 8

// measureRelease applies all changes of .c files of the next point release.
func (b *bench) measureRelease(ctx context.Context) error {
	changes, err := b.releaseChanges(ctx)
	if err != nil {
		return err
	}
	shards, err := b.w.shards()
	if err != nil {
		return err
	}
	r := result{Case: "release", Step: fmt.Sprintf("all `.c` files of %s → %s at once → all", b.releases[0].version, b.releases[1].version)}
	again, err := b.buildRelease(ctx, &r, withExtension(changes, ".c"), shards)
	if err != nil {
		return fmt.Errorf("all .c files at once: %w", err)
	}
	if len(again) == 0 || len(again) == len(shards) {
		return fmt.Errorf("got %d of %d shards compiled after changes of .c files alone, want some, not all", len(again), len(shards))
	}
	r.Note += "; " + b.shareText(again, len(shards))
	return b.add(r)
}

// buildRelease builds everything after changes. It leaves out files that do not compile, and builds again. It returns the times of
// the shards that the changes compile.
func (b *bench) buildRelease(ctx context.Context, r *result, changes []change, shards []string) (map[string]time.Duration, error) {
	kept, compiled := changes, map[string]time.Duration{}
	var failed []string
	for round := 1; ; round++ {
		actions, t, err := b.buildEdited(ctx, kept, "--keep_going")
		// What compiled in an earlier round, and is unchanged since then, is part of the time.
		maps.Copy(compiled, durations(actions, kernelCompile))
		if err == nil {
			r.Times, r.Ran, r.Hits = []time.Duration{t}, ran(actions), hits(actions)
			r.Note = fmt.Sprintf("%d of %d files", len(kept), len(changes))
			if round > 1 {
				r.Note += fmt.Sprintf(", without those that need changed headers: the time is that of build %d, which continues the ones before", round)
			}
			return compiledAgain(compiled, failed, shards, kept), nil
		}
		culprits := failing(err.Error(), kept)
		if round == rounds || len(culprits) == 0 || ctx.Err() != nil {
			return nil, fmt.Errorf("build %d: %w", round, err)
		}
		progress("release  leaving out %s", strings.Join(culprits, ", "))
		failed = append(failed, shardsThatFailed(actions)...)
		kept = without(kept, culprits)
	}
}

// compiledAgain are the times of the shards that changes compile: without those that failed, and whose files are all left out. They
// were compiled again as they were before.
func compiledAgain(compiled map[string]time.Duration, failed, shards []string, kept []change) map[string]time.Duration {
	found := maps.Clone(compiled)
	for _, shard := range failed {
		if !slices.ContainsFunc(kept, func(c change) bool { return shardOf(shards, c.path) == shard }) {
			delete(found, shard)
		}
	}
	return found
}

// shareText is what shards take to compile of what all take.
func (b *bench) shareText(again map[string]time.Duration, shards int) string {
	text := fmt.Sprintf("%d of %d shards compiled, %.1f s", len(again), shards, total(again).Seconds())
	if whole := total(b.results.Compile); whole > 0 {
		text += fmt.Sprintf(", %.1f %% of the compile time of the cold build", percent(total(again), whole))
	}
	return text
}

// buildEdited builds everything after changes.
func (b *bench) buildEdited(ctx context.Context, changes []change, flags ...string) ([]action, time.Duration, error) {
	var actions []action
	t, err := run.Timed(ctx,
		func() error { return b.w.edit(patchOf(changes...), "") },
		func() (err error) {
			actions, err = b.w.build(ctx, append(flags, edited...)...)
			return err
		})
	return actions, t, err
}

// measureFiles applies changes of single files.
func (b *bench) measureFiles(ctx context.Context) error {
	changes, err := b.releaseChanges(ctx)
	if err != nil {
		return err
	}
	shards, err := b.w.shards()
	if err != nil {
		return err
	}
	var each []result
	for _, c := range draw(changes, b.files, b.seed) {
		if len(each) == b.files {
			break
		}
		r, err := b.measureFile(ctx, c, len(shards))
		if err != nil {
			return fmt.Errorf("%s: %w", c.path, err)
		}
		if r != nil {
			each = append(each, *r)
		}
	}
	return b.addFiles(each)
}

// measureFile applies the change of one file. It returns nil if the file does not compile without others of the release.
func (b *bench) measureFile(ctx context.Context, c change, shards int) (*result, error) {
	if err := b.base(ctx); err != nil {
		return nil, err
	}
	actions, t, err := b.buildEdited(ctx, []change{c})
	if err != nil && slices.ContainsFunc(actions, func(a action) bool { return a.failed }) && ctx.Err() == nil {
		progress("files    %s does not build alone: %s", c.path, firstLine(err))
		return nil, nil
	}
	if err == nil {
		err = claimFile(c.path, shards)(actions)
	}
	if err != nil {
		return nil, err
	}
	progress("files    %s: %.2f s; %s", c.path, t.Seconds(), countsText(ran(actions)))
	return &result{Case: "files", Step: "`" + c.path + "` → all", Times: []time.Duration{t}, Ran: ran(actions), Hits: hits(actions),
		Note: b.shareText(durations(actions, kernelCompile), shards)}, nil
}

// claimFile claims that a source compiles its own shard at most, and one that includes it. A header may reach all.
func claimFile(file string, shards int) claim {
	return func(actions []action) error {
		if err := runsNo(kernelBuild)(actions); err != nil {
			return err
		}
		got := shardsThatRan(actions, kernelCompile)
		if len(got) > shards || path.Ext(file) == ".c" && len(got) > 2 {
			return fmt.Errorf("got %d shards compiled (%s), want that of the file, and one that includes it", len(got), strings.Join(got, ", "))
		}
		return nil
	}
}

func firstLine(err error) string {
	for line := range strings.Lines(err.Error()) {
		if strings.Contains(line, "error:") {
			return strings.TrimSpace(line)
		}
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// addFiles adds the median and the slowest of single files, then each.
func (b *bench) addFiles(each []result) error {
	if len(each) == 0 {
		return errors.New("got no changed file that builds alone, want one")
	}
	var times []time.Duration
	headers := 0
	for _, r := range each {
		times = append(times, r.Times[0])
		if strings.Contains(r.Step, ".h`") {
			headers++
		}
	}
	sum := map[string]int{}
	for _, r := range each {
		for mnemonic, n := range r.Ran {
			sum[mnemonic] += n
		}
	}
	note := fmt.Sprintf("seed %d, %d headers among them; what ran is the sum", b.seed, headers)
	for _, r := range []result{
		{Step: fmt.Sprintf("one of %d changed files, median → all", len(each)), Times: []time.Duration{median(times)}, Ran: sum, Note: note},
		{Step: "…, slowest", Times: []time.Duration{slices.Max(times)}, Without: true},
	} {
		r.Case = "files"
		if err := b.add(r); err != nil {
			return err
		}
	}
	for _, r := range each {
		if err := b.add(r); err != nil {
			return err
		}
	}
	return nil
}
