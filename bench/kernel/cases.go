// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rules_modhash/bench/internal/run"
	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

// kernelCase is what --cases names.
type kernelCase struct {
	name, what string
	// disk is whether the case needs a disk cache with the unchanged kernel.
	disk    bool
	measure func(*bench, context.Context) error
}

// cases are all cases, in the order in which they are measured.
func cases() []kernelCase {
	return []kernelCase{
		{"make", "cold: plain make -j of the same source and configuration, with the root of the modules", false, (*bench).measureMake},
		{"one", "cold: kernel_build(graph = \"one\"), to sealed modules, vmlinux and image", false, (*bench).measureOne},
		{"shards", "cold: kernel_build(graph = \"shards\"); critical path, 64 cores, memory, disk", false, (*bench).measureShards},
		{"null", "nothing changed", false, (*bench).measureNull},
		{"driver", "one line of one driver changed → root object", false, (*bench).measureDriver},
		{"sealed", "the same → all modules sealed, vmlinux and image", false, (*bench).measureSealed},
		{"header", "a header changed that only one driver includes → all", false, (*bench).measureHeader},
		{"option", "one option of one driver switched on → all", false, (*bench).measureOption},
		{"warm", "another workspace and output base, with a full disk cache", true, (*bench).measureWarm},
		{"release", "all .c files that the next point release changes, at once → all", true, (*bench).measureRelease},
		{"files", "some files of that release, one at a time → all", true, (*bench).measureFiles},
	}
}

// caseNames are the names of all cases, in their order.
func caseNames() []string {
	var names []string
	for _, c := range cases() {
		names = append(names, c.name)
	}
	return names
}

// noCache has a build do without the disk cache.
const noCache = "--disk_cache="

// What is built.
var (
	oneAll    = []string{noCache, "//:one_vmlinux", "//:one_sealed"}
	shardsAll = []string{"//:shards_vmlinux", "//:shards_sealed"}
	// Edits read and write no cache: all that is unchanged is up to date.
	edited     = append([]string{noCache}, shardsAll...)
	editedRoot = []string{noCache, "//:shards_tree"}
)

// step is a build that is measured.
type step struct {
	name        string
	repetitions int
	// before comes ahead of each build, untimed, and may be nil.
	before  func() error
	targets []string
	// claim checks what each build ran.
	claim claim
	note  string
}

// measure measures a step of a case, and returns the actions of the last build.
func (b *bench) measure(ctx context.Context, name string, s step) ([]action, error) {
	var actions []action
	r := result{Case: name, Step: s.name, Note: s.note}
	for range s.repetitions {
		t, err := run.Timed(ctx, s.before, func() (err error) {
			actions, err = b.w.build(ctx, s.targets...)
			return err
		})
		if err == nil {
			err = s.claim(actions)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		r.Times = append(r.Times, t)
	}
	r.Ran, r.Hits = ran(actions), hits(actions)
	return actions, b.add(r)
}

// note keeps a figure that is not a time.
func (b *bench) note(name, step, format string, args ...any) error {
	return b.add(result{Case: name, Step: step, Note: fmt.Sprintf(format, args...)})
}

// add adds a result. It is saved at once: the next one may take hours.
func (b *bench) add(r result) error {
	progress("%-8s %s: %s", r.Case, r.Step, strings.Join(slices.DeleteFunc([]string{timeText(r.Times), r.ranText(), r.Note},
		func(text string) bool { return text == "" }), "; "))
	b.results.Results = append(b.results.Results, r)
	return b.results.save(b.resultsFile())
}

// base builds the kernel without edits: what the next step changes.
func (b *bench) base(ctx context.Context) error {
	if err := b.w.edit(nil, ""); err != nil {
		return err
	}
	if _, err := b.w.build(ctx, shardsAll...); err != nil {
		return fmt.Errorf("building the unchanged kernel: %w", err)
	}
	// A build with another disk cache sees first that all is up to date.
	_, err := b.w.build(ctx, edited...)
	return err
}

// measureMake builds by plain make, in a tree that is unpacked and configured as Bazel does it.
func (b *bench) measureMake(ctx context.Context) error {
	if _, err := b.w.build(ctx, noCache, "//:one_source", "//:one_config"); err != nil {
		return err
	}
	tree := &kmake.Tree{
		Target: kmake.Target{Machine: "x86_64", Compiler: "gcc"},
		Dir:    filepath.Join(b.work, "make/linux"),
		Stamp:  time.Now().Truncate(time.Second),
	}
	run.RemoveAll(filepath.Dir(tree.Dir))
	defer run.RemoveAll(filepath.Dir(tree.Dir))
	if err := b.unpackForMake(tree); err != nil {
		return err
	}
	t, err := run.Timed(ctx, nil, func() error { return tree.Make(ctx, "MODHASH="+b.modhash, "INSTALL_MOD_STRIP=1") })
	if err != nil {
		return err
	}
	if tree.Compiled() == 0 {
		return errors.New("got no file compiled, want a cold build")
	}
	_, image := tree.Image()
	if err := b.add(result{Case: "make", Step: "cold, plain `make`", Times: []time.Duration{t}, Without: true,
		Note: fmt.Sprintf("%d files compiled, without unpacking and configuring", tree.Compiled())}); err != nil {
		return err
	}
	return b.checkKernel(ctx, "make", filepath.Join(tree.Dir, "vmlinux"), filepath.Join(tree.Dir, image))
}

func (b *bench) unpackForMake(tree *kmake.Tree) error {
	file, err := os.Open(b.w.output("one_source.tar.zst"))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := os.MkdirAll(tree.Dir, 0o755); err != nil {
		return err
	}
	if err := treearchive.Unpack(file, tree.Dir, tree.Stamp, tree.Uses); err != nil {
		return err
	}
	copies := map[string]string{b.w.output("one_config.config"): ".config"}
	if b.kernel.key != "" {
		copies[filepath.Join(b.w.bazel.Dir, "key.pem")] = "certs/rules_modhash_trusted.pem"
	}
	for from, to := range copies {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(tree.Dir, to), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// checkGraph compares the kernel of a graph with those of the other cases. It comes last: its build is not measured.
func (b *bench) checkGraph(ctx context.Context, graph string) error {
	name := graph + "_overwritten"
	if _, err := b.w.build(ctx, "//:"+name); err != nil {
		return err
	}
	return b.checkKernel(ctx, graph, b.w.output(name+"/vmlinux"), b.w.output(name+"/bzImage"))
}

// checkKernel checks that vmlinux and boot image of a case, with the root written over the blank one, are those of the other cases,
// and by the root that the modules are.
func (b *bench) checkKernel(ctx context.Context, name, vmlinux, image string) error {
	for _, path := range []string{vmlinux, image} {
		digest, err := digestOf(path)
		if err == nil {
			err = b.checkSame("digest of "+filepath.Base(path)+" with the root, of ", name, digest)
		}
		if err != nil {
			return err
		}
	}
	return b.checkRoot(ctx, name, vmlinux)
}

// checkRoot checks that a kernel has the same root as those of the other cases.
func (b *bench) checkRoot(ctx context.Context, name, vmlinux string) error {
	output, err := exec.CommandContext(ctx, b.modhash, "root", vmlinux).CombinedOutput()
	if err != nil {
		return fmt.Errorf("modhash root %s: %w\n%s", vmlinux, err, output)
	}
	return b.checkSame("root of ", name, strings.TrimSpace(string(output)))
}

// checkSame keeps a value, and compares it with that of the other cases.
func (b *bench) checkSame(kind, name, value string) error {
	delete(b.results.Digests, kind+name)
	for other, known := range b.results.Digests {
		if strings.HasPrefix(other, kind) && known != value {
			return fmt.Errorf("got the %s%s %s, want that of the case %s: %s", kind, name, value, strings.TrimPrefix(other, kind), known)
		}
	}
	b.results.Digests[kind+name] = value
	return nil
}

// measureOne builds everything by one action.
func (b *bench) measureOne(ctx context.Context) error {
	_, peaks, err := b.measureCold(ctx, "one", step{
		name:   "cold, one action",
		before: func() error { return b.w.clean(ctx, noCache) }, targets: oneAll,
		claim: all(hitsNothing, runsOnlyOurs, runs(kernelBuild, kernelLink, moduleSeal), runsNo(kernelCompile, kernelBlank)),
	})
	if err != nil {
		return err
	}
	return errors.Join(b.note("one", "peak memory of an action", "%s", peaksText(peaks)), b.checkGraph(ctx, "one"))
}

// measureCold measures a cold build, compares its outputs with those of others, and returns the peak memory of its actions.
func (b *bench) measureCold(ctx context.Context, graph string, s step) ([]action, map[string]int64, error) {
	if err := b.w.edit(nil, ""); err != nil {
		return nil, nil, err
	}
	server, err := b.w.server(ctx)
	if err != nil {
		return nil, nil, err
	}
	sampler := sample(server)
	s.repetitions = 1
	actions, err := b.measure(ctx, graph, s)
	peaks := sampler.end()
	if err != nil {
		return nil, nil, err
	}
	digest, err := b.w.digest(graph)
	if err != nil {
		return nil, nil, err
	}
	if err := b.checkSame("digest of vmlinux and modules of ", graph, digest); err != nil {
		return nil, nil, err
	}
	return actions, peaks, nil
}

// peaksText lists the peak of each kind of action, and the shard that has it.
func peaksText(peaks map[string]int64) string {
	largest := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(peaks)) {
		kind, _, _ := strings.Cut(name, " ")
		if best, ok := largest[kind]; !ok || peaks[name] > peaks[best] {
			largest[kind] = name
		}
	}
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(largest)) {
		words = append(words, fmt.Sprintf("%s %d MB", largest[kind], peaks[largest[kind]]>>20))
	}
	if len(words) == 0 {
		return "n/a"
	}
	return strings.Join(words, ", ")
}

// measureShards builds everything in shards.
func (b *bench) measureShards(ctx context.Context) error {
	s := step{
		name: "cold, shards",
		before: func() error {
			run.RemoveAll(filepath.Join(b.work, "disk"))
			return b.w.clean(ctx)
		},
		targets: shardsAll,
		claim: all(hitsNothing, runsOnlyOurs, runsNo(kernelBuild), compilesAllOf(b.w.shards),
			runs(kernelPrepare, kernelBlank, kernelModpost, kernelFinish, kernelLink, moduleSeal)),
	}
	if b.diskCache() != "" {
		s.note = "fills a disk cache"
	}
	actions, peaks, err := b.measureCold(ctx, "shards", s)
	if err != nil {
		return err
	}
	b.results.Compile = durations(actions, kernelCompile)
	if err := b.note("shards", "peak memory of an action", "%s", peaksText(peaks)); err != nil {
		return err
	}
	if err := b.noteFarm(actions); err != nil {
		return err
	}
	return errors.Join(b.noteDisk(), b.checkGraph(ctx, "shards"))
}

// farm is the number of cores for which the time of a cold build is computed.
const farm = 64

// noteFarm notes what limits a farm.
func (b *bench) noteFarm(actions []action) error {
	p, err := b.w.readProfile()
	if err != nil {
		return err
	}
	err = b.note("shards", "critical path, by Bazel's profile", "%.1f s, %.1f %% of the sum of all actions, %.1f s",
		p.critical.Seconds(), percent(p.critical, p.actions), p.actions.Seconds())
	if err != nil {
		return err
	}
	tasks := tasksOf(actions, b.jobs)
	path, err := criticalPath(tasks)
	if err != nil {
		return err
	}
	span, err := makespan(tasks, farm)
	if err != nil {
		return err
	}
	if err := b.note("shards", "critical path, by the graph and the measured times", "%.1f s, %.1f %% of the sum of all programs, %.1f s",
		path.Seconds(), percent(path, sumOf(tasks)), sumOf(tasks).Seconds()); err != nil {
		return err
	}
	return b.note("shards", fmt.Sprintf("cold with %d cores, computed", farm), "%.1f s: list scheduling of %d actions, %d cores each for Kbuild, without transfers",
		span.Seconds(), len(tasks), b.jobs)
}

func percent(part, whole time.Duration) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// noteDisk notes the size of outputs and caches.
func (b *bench) noteDisk() error {
	outputs, err := sizeOf(b.w.output(""))
	if err != nil {
		return err
	}
	cache, err := sizeOf(filepath.Join(b.work, "disk"))
	if err != nil {
		return err
	}
	return b.note("shards", "disk", "outputs %.1f GB, disk cache %.1f GB", float64(outputs)/1e9, float64(cache)/1e9)
}

// measureNull builds without a change.
func (b *bench) measureNull(ctx context.Context) error {
	if err := b.base(ctx); err != nil {
		return err
	}
	_, err := b.measure(ctx, "null", step{name: "null build", repetitions: b.repetitions, targets: edited, claim: runsNothing})
	return err
}

// source returns a file of the unchanged kernel.
func (b *bench) source(path string) ([]byte, error) {
	found, err := texts(b.w.output("shards_source.tar.zst"), func(p string) bool { return p == path })
	if err == nil && found[path] == nil {
		err = fmt.Errorf("got no %s in the source, want it", path)
	}
	return found[path], err
}

// measureEdits measures builds that follow one another, each after another edit of a file.
func (b *bench) measureEdits(ctx context.Context, name, text, path string, targets []string, edit func(old []byte, number int) (change, error), further ...claim) error {
	if err := b.base(ctx); err != nil {
		return err
	}
	old, err := b.source(path)
	if err != nil {
		return err
	}
	shards, err := b.w.shards()
	if err != nil {
		return err
	}
	number := 0
	before := func() error {
		number++
		c, err := edit(old, number)
		if err != nil {
			return err
		}
		return b.w.edit(patchOf(c), "")
	}
	shard := shardOf(shards, path)
	_, err = b.measure(ctx, name, step{
		name: text, repetitions: b.repetitions, before: before, targets: targets,
		claim: all(append(further, runsOneDriver(shard))...), note: "`" + path + "`, shard `" + shard + "`",
	})
	return err
}

func (b *bench) editDriver(old []byte, number int) (change, error) {
	return insertInto(b.kernel.driver, old, b.kernel.text, number)
}

// measureDriver changes a line of a driver, and builds the root object.
func (b *bench) measureDriver(ctx context.Context) error {
	return b.measureEdits(ctx, "driver", "one line of one driver changed → root object", b.kernel.driver, editedRoot, b.editDriver,
		runsNo(kernelLink, moduleSeal))
}

// measureSealed changes a line of a driver, and builds everything.
func (b *bench) measureSealed(ctx context.Context) error {
	return b.measureEdits(ctx, "sealed", "… → all modules sealed, vmlinux and image", b.kernel.driver, edited, b.editDriver,
		runs(kernelLink, moduleSeal))
}

// measureHeader changes a header of a driver, and builds everything.
func (b *bench) measureHeader(ctx context.Context) error {
	return b.measureEdits(ctx, "header", "a header that only one driver includes changed → all", b.kernel.header, edited,
		func(old []byte, number int) (change, error) { return insertLine(b.kernel.header, old, number) },
		runs(kernelLink, moduleSeal))
}

// measureOption switches an option on, and builds everything.
func (b *bench) measureOption(ctx context.Context) error {
	if err := b.base(ctx); err != nil {
		return err
	}
	shards, err := b.w.shards()
	if err != nil {
		return err
	}
	shard := shardOf(shards, b.kernel.optionOf)
	_, err = b.measure(ctx, "option", step{
		name: "one option of one driver switched on → all", repetitions: 1, targets: edited,
		before: func() error { return b.w.edit(nil, b.kernel.option+"\n") },
		claim:  all(runsNo(kernelBuild), runsOnlyShard(kernelCompile, shard), runsOnlyShard(kernelFinish, shard)),
		note:   "`" + b.kernel.option + "`, shard `" + shard + "`",
	})
	return err
}

// measureWarm builds everything in another workspace, as another machine would.
func (b *bench) measureWarm(ctx context.Context) error {
	dir := filepath.Join(b.work, "other")
	run.RemoveAll(dir)
	defer run.RemoveAll(dir)
	here := b.w
	other, err := b.newBuilder(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _, _ = other.bazel.Run(context.WithoutCancel(ctx), "shutdown") }()
	if err := other.prepare(ctx); err != nil {
		return err
	}
	b.w = other
	defer func() { b.w = here }()
	_, err = b.measure(ctx, "warm", step{
		name: "another output base, disk cache warm", repetitions: 1, targets: shardsAll, claim: hitsOnly, note: "with analysis",
	})
	if err != nil {
		return err
	}
	digest, err := other.digest("shards")
	if err != nil {
		return err
	}
	return b.checkSame("digest of vmlinux and modules of ", "warm", digest)
}
