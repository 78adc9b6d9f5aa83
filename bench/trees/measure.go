// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"rules_modhash/bench/internal/run"
	"rules_modhash/tests/remote/nginx"
)

// bench is one run of the program.
type bench struct {
	*options
	checkout, work, modhash string
	// real are the paths of real modules.
	real    []string
	results []result
}

// result is what one step took, with so many modules.
type result struct {
	step  string
	size  int
	times []time.Duration
	// note is a figure that is not a time, instead of times.
	note string
}

// median is the middle of the times.
func (r result) median() time.Duration {
	sorted := slices.Sorted(slices.Values(r.times))
	return sorted[len(sorted)/2]
}

// spread is how far the times lie apart: the slowest less the fastest, by the median.
func (r result) spread() float64 {
	return float64(slices.Max(r.times)-slices.Min(r.times)) / float64(r.median())
}

// measure times what do does, once for each repetition; before comes ahead of each, untimed.
func (b *bench) measure(ctx context.Context, step string, size int, before, do func() error) error {
	return b.measureInTurns(ctx, size, timedStep{step, before, do})
}

// timedStep is what measure measures.
type timedStep struct {
	name       string
	before, do func() error
}

// measureInTurns times steps that are compared with one another: each once, then each once more, so that what else
// the machine does meanwhile, and what it has yet to write, falls on all of them.
func (b *bench) measureInTurns(ctx context.Context, size int, steps ...timedStep) error {
	results := make([]result, len(steps))
	for range b.repetitions {
		for i, step := range steps {
			t, err := run.Timed(ctx, step.before, step.do)
			if err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
			results[i] = result{step: step.name, size: size, times: append(results[i].times, t)}
		}
	}
	for _, r := range results {
		fmt.Fprintf(os.Stderr, "%6d  %-50s %8.3f s\n", size, r.step, r.median().Seconds())
	}
	b.results = append(b.results, results...)
	return nil
}

// note keeps a figure that is not a time.
func (b *bench) note(step string, size int, text string) {
	fmt.Fprintf(os.Stderr, "%6d  %-50s %s\n", size, step, text)
	b.results = append(b.results, result{step: step, size: size, note: text})
}

// The steps that the table compares.
const (
	stepTreeFloor = "floor: `modhash tree`"
	stepSealFloor = "floor: `modhash seal`"
	stepOpenSSL   = "floor: `xargs -P openssl dgst -sha256`"
	stepMultiplex = "cold, multiplex worker"
	stepSealAgain = "one module changed → all sealed again"
)

// measureSize does all steps with so many modules.
func (b *bench) measureSize(ctx context.Context, size int) error {
	w, err := b.newWorkspace(size)
	if err != nil {
		return err
	}
	defer run.RemoveAll(w.dir)
	defer run.RemoveAll(w.dir + ".out")
	defer func() { _, _ = w.bazel(context.WithoutCancel(ctx), "shutdown") }()
	for _, measure := range []func(context.Context, int) error{
		w.measureOpenSSL, w.warmUp, w.measureCold, w.measureIncremental, w.measureCaches, w.measureMemory,
	} {
		if err := measure(ctx, size); err != nil {
			return err
		}
	}
	return nil
}

// shell returns a step that is a script: $1 is modhash, $2 a directory for outputs, $3 the number of processors.
func (w *workspace) shell(ctx context.Context, script string) func() error {
	return func() error {
		cmd := exec.CommandContext(ctx, "sh", "-ec", script, "sh", w.modhash, w.dir+".floor", strconv.Itoa(runtime.NumCPU()))
		cmd.Dir, cmd.Stderr = w.dir, os.Stderr
		return cmd.Run()
	}
}

// floorTree makes a tree by modhash alone, in an empty directory.
const floorTree = `"$1" tree --quiet --out "$2/tree.pb" --root-object "$2/root.o" kernel`

// emptyFloor empties the directory of what is made without Bazel.
func (w *workspace) emptyFloor() error {
	run.RemoveAll(w.dir + ".floor")
	return os.MkdirAll(w.dir+".floor", 0o755)
}

// measureOpenSSL times what hashing alone takes.
func (w *workspace) measureOpenSSL(ctx context.Context, size int) error {
	return w.measure(ctx, stepOpenSSL, size, nil,
		w.shell(ctx, `find kernel -name '*.ko' -print0 | xargs -0 -n 64 "-P$3" openssl dgst -sha256 > /dev/null`))
}

// build returns a step that builds.
func (w *workspace) build(ctx context.Context, args ...string) func() error {
	return func() error {
		_, err := w.bazel(ctx, append([]string{"build", "--noshow_progress"}, args...)...)
		return err
	}
}

// clean returns a step that cleans.
func (w *workspace) clean(ctx context.Context) func() error {
	return func() error {
		_, err := w.bazel(ctx, "clean")
		return err
	}
}

const noCache = "--disk_cache="

// warmUpRound is how many builds are compared with as many others, and warmUpRounds how often, at most.
const warmUpRound, warmUpRounds = 10, 12

// warmUp builds everything until it does not become faster any more: the server's code does, as it runs, for some
// dozens of builds.
func (w *workspace) warmUp(ctx context.Context, _ int) error {
	build := w.build(ctx, append(strategy("worker"), "//:tree")...)
	last := time.Duration(math.MaxInt64)
	for range warmUpRounds {
		round := result{}
		for range warmUpRound {
			t, err := run.Timed(ctx, w.clean(ctx), build)
			if err != nil {
				return err
			}
			round.times = append(round.times, t)
		}
		if round.median() > last-last/50 {
			return nil
		}
		last = round.median()
	}
	return nil
}

// strategy has all our actions run in one way.
func strategy(name string) []string {
	flags := []string{noCache}
	for _, mnemonic := range []string{"Leaf", "Positions", "Proof", "Seal", "Tree"} {
		flags = append(flags, "--strategy=Modhash"+mnemonic+"="+name)
	}
	return flags
}

// measureCold times builds of everything, with the server warm.
func (w *workspace) measureCold(ctx context.Context, size int) error {
	defer run.RemoveAll(w.dir + ".floor")
	if err := w.measureInTurns(ctx, size,
		timedStep{stepTreeFloor, w.emptyFloor, w.shell(ctx, floorTree)},
		timedStep{stepMultiplex, w.clean(ctx), w.build(ctx, append(strategy("worker"), "//:tree")...)},
	); err != nil {
		return err
	}
	for _, test := range []struct {
		step, target string
		flags        []string
	}{
		{"cold, sandboxed multiplex worker", "//:tree", append(strategy("worker"), "--experimental_worker_multiplex_sandboxing")},
		{"cold, singleplex worker", "//:tree", append(strategy("worker"), "--noworker_multiplex")},
		{"cold, sandbox", "//:tree", strategy("sandboxed")},
		{"cold, local", "//:tree", strategy("local")},
		{"cold, one action a module, multiplex worker", "//:one_by_one", strategy("worker")},
		{"cold, one directory, multiplex worker", "//:directory", strategy("worker")},
	} {
		if test.target == "//:one_by_one" && size > len(w.real) {
			continue // minutes a build
		}
		build := w.build(ctx, append(test.flags, test.target)...)
		if err := build(); err != nil { // the server loads and analyses once
			return err
		}
		before := w.clean(ctx)
		if test.target == "//:directory" {
			// Filling the directory is not what is measured.
			before = func() error {
				if err := w.clean(ctx)(); err != nil {
					return err
				}
				return w.build(ctx, noCache, "//:module_directory")()
			}
		}
		if err := w.measure(ctx, test.step, size, before, build); err != nil {
			return err
		}
	}
	return w.measureColdKept(ctx, size)
}

// measureColdKept times builds of everything by a server that still knows the digests of the source files, which it
// computes anew after clean: another configuration, without the action cache.
func (w *workspace) measureColdKept(ctx context.Context, size int) error {
	configuration := 0
	return w.measure(ctx, "cold, multiplex worker, digests of modules known", size, nil, func() error {
		configuration++
		return w.build(ctx, append(strategy("worker"), "--nouse_action_cache",
			fmt.Sprintf("--define=configuration=%d", configuration), "//:tree")...)()
	})
}

// measureIncremental times builds after small changes.
func (w *workspace) measureIncremental(ctx context.Context, size int) error {
	root := w.build(ctx, noCache, "//:tree")
	change := func() error { return w.change(size) }
	if err := root(); err != nil {
		return err
	}
	if err := w.measure(ctx, "null build", size, nil, root); err != nil {
		return err
	}
	if err := w.measure(ctx, "one module changed → root object", size, change, root); err != nil {
		return err
	}
	if err := w.measureSealing(ctx, size); err != nil {
		return err
	}
	return w.measure(ctx, "one module added in the middle → root object", size,
		func() error { return w.insert(size) }, root)
}

// measureSealing times the sealing of all modules, by Bazel and by modhash alone.
func (w *workspace) measureSealing(ctx context.Context, size int) error {
	defer run.RemoveAll(w.dir + ".floor")
	sealed := w.build(ctx, noCache, "//:tree", "--output_groups=+sealed")
	if err := sealed(); err != nil {
		return err
	}
	tree := func() error { return errors.Join(w.emptyFloor(), w.shell(ctx, floorTree)()) }
	return w.measureInTurns(ctx, size,
		timedStep{stepSealFloor, tree, w.shell(ctx, `"$1" seal --tree "$2/tree.pb" --out "$2/sealed" kernel`)},
		timedStep{stepSealAgain, func() error { return w.change(size) }, sealed})
}

// measureCaches times builds that find everything in a cache, with nothing built.
func (w *workspace) measureCaches(ctx context.Context, size int) error {
	disk := w.build(ctx, "--disk_cache="+w.dir+".disk", "//:tree")
	defer run.RemoveAll(w.dir + ".disk")
	if err := disk(); err != nil {
		return err
	}
	if err := w.measure(ctx, "all from the disk cache", size, w.clean(ctx), disk); err != nil {
		return err
	}
	restart := func() error {
		if err := w.clean(ctx)(); err != nil {
			return err
		}
		_, err := w.bazel(ctx, "shutdown")
		return err
	}
	if err := w.measure(ctx, "fresh server, all from the disk cache", size, restart, disk); err != nil {
		return err
	}
	server, err := nginx.Start(ctx, w.dir+".http")
	if err != nil {
		return err
	}
	defer run.RemoveAll(w.dir + ".http")
	defer server.Stop()
	http := w.build(ctx, noCache, "--remote_cache="+server.URL, "//:tree")
	if err := http(); err != nil {
		return err
	}
	return w.measure(ctx, "all from the HTTP cache", size, w.clean(ctx), http)
}

// measureMemory notes what the server and the worker hold after a cold build.
func (w *workspace) measureMemory(ctx context.Context, size int) error {
	if err := w.clean(ctx)(); err != nil {
		return err
	}
	if err := w.build(ctx, append(strategy("worker"), "//:tree")...)(); err != nil {
		return err
	}
	heap, err := w.bazel(ctx, "info", "used-heap-size-after-gc")
	if err != nil {
		return err
	}
	w.note("heap of the server", size, heap)
	peak, err := peakOfWorkers(w.dir + ".out")
	if err != nil {
		return err
	}
	w.note("peak memory of the worker", size, fmt.Sprintf("%d MB", peak>>20))
	return nil
}

// peakOfWorkers is the peak resident memory of the largest worker whose program lies below dir, in bytes.
func peakOfWorkers(dir string) (int64, error) {
	var largest int64
	status, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		return 0, err
	}
	for _, file := range status {
		// Processes come and go.
		args, err := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if err != nil || !strings.Contains(string(args), "--persistent_worker") {
			continue
		}
		cwd, err := os.Readlink(filepath.Join(filepath.Dir(file), "cwd"))
		if err != nil || !strings.HasPrefix(cwd, dir+"/") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), "VmHWM:")
		var kilobytes int64
		if _, err := fmt.Sscan(rest, &kilobytes); err == nil {
			largest = max(largest, kilobytes<<10)
		}
	}
	if largest == 0 {
		return 0, fmt.Errorf("found no worker of %s", dir)
	}
	return largest, nil
}
