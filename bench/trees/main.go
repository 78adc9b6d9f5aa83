// SPDX-License-Identifier: Apache-2.0

// Command trees measures how long Bazel takes to build trees of declared targets, in addition to the floor: the same
// work by modhash alone, and by openssl. It prints a Markdown table and writes a plot.
//
//	./bazelw --enter go run ./bench/trees --modules DIR --plot docs/images/performance.svg
//
// DIR holds real modules (*.ko). Sizes beyond their number are measured on synthetic modules of 4 KiB. It needs a
// ./bazelw world, a checkout, and room for four copies of the modules below --work.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/spf13/cobra"

	"rules_modhash/bench/internal/run"
)

// options are the arguments.
type options struct {
	modules, work, plot string
	sizes               []int
	repetitions         int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o := &options{}
	cmd := &cobra.Command{
		Use:           "trees --modules DIR",
		Short:         "Measure builds of trees of declared targets",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.modules, "modules", "", "directory with real modules, *.ko (required)")
	flags.StringVar(&o.work, "work", os.TempDir(), "directory for workspaces and outputs")
	flags.StringVar(&o.plot, "plot", "", "SVG file to write")
	flags.IntSliceVar(&o.sizes, "sizes", []int{64, 512, 4216, 20000}, "numbers of modules")
	flags.IntVar(&o.repetitions, "repetitions", 5, "how often each step is measured")
	if err := cmd.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "trees:", err)
		os.Exit(1)
	}
}

func (o *options) run(ctx context.Context) error {
	checkout, err := run.Checkout("bench/trees")
	if err != nil {
		return err
	}
	real, err := findModules(o.modules)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(o.work, "modhash-bench.")
	if err != nil {
		return err
	}
	defer run.RemoveAll(work)
	b := &bench{options: o, checkout: checkout, work: work, real: real}
	b.modhash = filepath.Join(work, "modhash")
	if err := run.BuildModhash(ctx, b.modhash); err != nil {
		return err
	}
	// What has been measured by the time of an error, or of an interruption, is printed all the same.
	defer func() { _ = b.printTable(os.Stdout) }()
	for _, size := range o.sizes {
		if err := b.measureSize(ctx, size); err != nil {
			return fmt.Errorf("%d modules: %w", size, err)
		}
	}
	if o.plot == "" {
		return nil
	}
	return os.WriteFile(o.plot, b.plotSVG(), 0o644)
}
