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
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/spf13/cobra"
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
		RunE:          func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
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

func run(ctx context.Context, o *options) error {
	checkout, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(checkout, "bazelw")); err != nil {
		return fmt.Errorf("run this command in the checkout of rules_modhash: %w", err)
	}
	if os.Getenv("RULES_MODHASH_WORLD") == "" {
		return errors.New("this is not a ./bazelw world: run ./bazelw --enter go run ./bench/trees")
	}
	real, err := findModules(o.modules)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(o.work, "modhash-bench.")
	if err != nil {
		return err
	}
	defer removeAll(work)
	b := &bench{options: o, checkout: checkout, work: work, real: real}
	if err := b.buildModhash(ctx); err != nil {
		return err
	}
	// What has been measured by the time of an error, or of an interruption, is printed all the same.
	defer b.printTable(os.Stdout)
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
