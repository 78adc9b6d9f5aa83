// SPDX-License-Identifier: Apache-2.0

// Command kernel measures builds of kernels in shards: cold, and after changes. It compares them with one action and with plain
// make in the same run, checks what each build runs, and prints a Markdown table.
//
//	./bazelw --enter go run ./bench/kernel --help
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rules_modhash/bench/internal/run"
)

// options are the arguments.
type options struct {
	config, plot, work string
	cases, bazelFlags  []string
	disk               bool
	jobs, repetitions  int
	files              int
	seed               uint64
}

const long = `Measure builds of a kernel in shards: kernel_build(graph = "shards").

The kernel is built in a workspace and with a Bazel server of its own. Its source is that of the world, with
the kernel patches of this checkout and one more patch, which the command writes anew for each edit. So an edit
changes one file of Linux. Each case checks which actions its build ran, and fails if an action ran that
should not. Times are never checked. Cases:

`

const needs = `The command needs a ./bazelw world, a checkout, and in --work room for a kernel tree, the outputs of both graphs, and a
disk cache. Other load on the machine makes the times useless, and the checks as good as ever.`

const example = `  # the kernel of the example
  ./bazelw --enter go run ./bench/kernel --plot docs/images/kernel.svg

  # Debian's kernel for virtual machines, in parts that continue one another
  ./bazelw --enter go run ./bench/kernel --config cloud-amd64 --work DIR --cases make,one
  ./bazelw --enter go run ./bench/kernel --config cloud-amd64 --work DIR --cases shards --disk-cache
  ./bazelw --enter go run ./bench/kernel --config cloud-amd64 --work DIR --cases null,driver,sealed,header,option
  ./bazelw --enter go run ./bench/kernel --config cloud-amd64 --work DIR --cases warm,release,files`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := newCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "kernel:", err)
		os.Exit(1)
	}
}

func newCommand() *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:           "kernel [--config NAME] [--cases NAMES] [--work DIR] [--plot FILE]",
		Short:         "Measure builds of kernels in shards",
		Long:          long + casesText() + "\n" + needs,
		Example:       example,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.config, "config", "example", "kernel to build: example (that of examples/kernel), cloud-amd64 (that of examples/debian)")
	flags.StringSliceVar(&o.cases, "cases", caseNames(), "cases to measure")
	flags.StringVar(&o.work, "work", "", "directory for workspace, outputs, caches and results, which is kept: later runs with it continue (default: a temporary one)")
	flags.StringVar(&o.plot, "plot", "", "SVG file to write")
	flags.BoolVar(&o.disk, "disk-cache", false, "have the case shards fill a disk cache, which it does anyway if --cases has one that needs it")
	flags.IntVar(&o.jobs, "jobs", defaultJobs(runtime.NumCPU()), "number of programs that an action runs at the same time (//rules:kernel_jobs)")
	flags.StringArrayVar(&o.bazelFlags, "bazel-flag", nil, "further flag of each build, such as --local_resources=cpu=4")
	flags.IntVar(&o.repetitions, "repetitions", 3, "how often null builds and edits are measured")
	flags.IntVar(&o.files, "files", 20, "number of files that the case files measures")
	flags.Uint64Var(&o.seed, "seed", 1, "seed by which the case files chooses them")
	return cmd
}

// casesText lists the cases for the help.
func casesText() string {
	var text strings.Builder
	for _, c := range cases() {
		fmt.Fprintf(&text, "  %-8s %s\n", c.name, c.what)
	}
	return text.String()
}

// defaultJobs is the largest number that //rules:kernel_jobs supports, up to the number of processors.
func defaultJobs(processors int) int {
	jobs := 1
	for _, n := range []int{2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128} {
		if n <= processors {
			jobs = n
		}
	}
	return jobs
}

// bench is one run of the program.
type bench struct {
	*options
	checkout, modhash string
	kernel            configuration
	releases          []release
	results           *results
	w                 *builder
}

// check checks the arguments, and returns the cases.
func (o *options) check() ([]kernelCase, error) {
	var chosen []kernelCase
	for _, c := range cases() {
		if slices.Contains(o.cases, c.name) {
			chosen = append(chosen, c)
		}
	}
	for _, name := range o.cases {
		if !slices.Contains(caseNames(), name) {
			return nil, fmt.Errorf("--cases: got %q, want names among %s", name, strings.Join(caseNames(), ", "))
		}
	}
	if o.repetitions < 1 || o.files < 1 || o.jobs < 1 {
		return nil, errors.New("--repetitions, --files and --jobs: got a number below 1, want 1 or more")
	}
	return chosen, nil
}

func (o *options) run(ctx context.Context) (err error) {
	chosen, err := o.check()
	if err != nil {
		return err
	}
	b, err := o.newBench()
	if err != nil {
		return err
	}
	if o.work == "" {
		if o.work, err = os.MkdirTemp("", "modhash-bench."); err != nil {
			return err
		}
		defer run.RemoveAll(o.work)
	}
	if err := b.start(ctx); err != nil {
		return err
	}
	defer func() { _, _ = b.w.bazel.Run(context.WithoutCancel(ctx), "shutdown") }()
	// What has been measured by the time of an error, or of an interruption, is printed all the same.
	defer func() { err = errors.Join(err, b.report()) }()
	for _, c := range chosen {
		b.results.forget(c.name)
		if err := c.measure(b, ctx); err != nil {
			return fmt.Errorf("case %s: %w", c.name, err)
		}
	}
	return nil
}

func (o *options) newBench() (*bench, error) {
	checkout, err := run.Checkout("bench/kernel")
	if err != nil {
		return nil, err
	}
	kernel, err := configNamed(o.config)
	if err != nil {
		return nil, err
	}
	releases, err := readReleases()
	if err != nil {
		return nil, err
	}
	return &bench{options: o, checkout: checkout, kernel: kernel, releases: releases}, nil
}

// start makes the workspace in --work, and the programs.
func (b *bench) start(ctx context.Context) error {
	work, err := filepath.Abs(b.work)
	if err != nil {
		return err
	}
	b.work, b.modhash = work, filepath.Join(work, "modhash")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	if b.results, err = loadResults(b.resultsFile(), b.config); err != nil {
		return err
	}
	if err := run.BuildModhash(ctx, b.modhash); err != nil {
		return fmt.Errorf("building modhash: %w", err)
	}
	if b.w, err = b.newBuilder(ctx, work); err != nil {
		return err
	}
	progress("building the programs that actions run")
	return b.w.prepare(ctx)
}

func (b *bench) resultsFile() string { return filepath.Join(b.work, "results.json") }

// diskCache is the disk cache of kernels, or "" for none.
func (b *bench) diskCache() string {
	dir := filepath.Join(b.work, "disk")
	if _, err := os.Stat(dir); err == nil || b.disk {
		return dir
	}
	for _, c := range cases() {
		if c.disk && slices.Contains(b.cases, c.name) {
			return dir
		}
	}
	return ""
}

// report prints and saves the results.
func (b *bench) report() error {
	errs := []error{b.results.printTable(os.Stdout), b.results.save(b.resultsFile())}
	if b.plot != "" {
		errs = append(errs, os.WriteFile(b.plot, b.results.plotSVG(), 0o644))
	}
	return errors.Join(errs...)
}

// progress prints what the command does.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
