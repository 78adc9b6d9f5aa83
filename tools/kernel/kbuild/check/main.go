// SPDX-License-Identifier: Apache-2.0

// Command check compares what package kbuild reads from a kernel source tree with what
// Kbuild itself states. It is run by check.sh.
//
// Usage:
//
//	check -source DIR -config FILE [-arch x86] [-order FILE] [-parts FILE] [-v]
//
// Without -order it prints the list that it read. With it, it prints figures and each
// difference, and exits with 1 if precision or recall is below 99.5 %.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"rules_modhash/tools/kernel/kbuild"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

type options struct {
	source, arch, config, order, parts string
	verbose                            bool
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("check", flag.ContinueOnError)
	f.StringVar(&o.source, "source", "", "top of the kernel source tree")
	f.StringVar(&o.arch, "arch", "x86", "architecture, the name of a directory of arch/")
	f.StringVar(&o.config, "config", "", "configuration, a .config file")
	f.StringVar(&o.order, "order", "", "modules.order that Kbuild wrote")
	f.StringVar(&o.parts, "parts", "", "parts of composite modules that ask.mk wrote")
	f.BoolVar(&o.verbose, "v", false, "print diagnostics and objects of unknown origin")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.source == "" || o.config == "" {
		return o, errors.New("got no -source or no -config, want both")
	}
	return o, nil
}

func run(args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	result, elapsed, err := read(o)
	if err != nil {
		return err
	}
	if o.order == "" {
		for _, m := range result.Modules {
			fmt.Fprintln(out, m.Object)
		}
		return nil
	}
	fmt.Fprintf(out, "read %d directories in %v\n", len(result.Directories), elapsed.Round(time.Millisecond))
	if o.verbose {
		for _, d := range result.Diagnostics {
			fmt.Fprintln(out, "  ", d)
		}
		printGenerated(out, result)
	}
	return compare(o, result, out)
}

func printGenerated(out io.Writer, result *kbuild.Result) {
	for _, m := range result.Modules {
		for _, p := range m.Parts {
			if p.Generated {
				fmt.Fprintf(out, "  generated: %s from %q\n", p.Object, p.Source)
			}
		}
	}
}

func read(o options) (*kbuild.Result, time.Duration, error) {
	f, err := os.Open(o.config)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	config, err := kbuild.ReadConfig(o.config, f)
	if err != nil {
		return nil, 0, err
	}
	start := time.Now()
	result, err := kbuild.ReadKernel(os.DirFS(o.source), kbuild.Target{SrcArch: o.arch, Config: config})
	return result, time.Since(start), err
}

func compare(o options, result *kbuild.Result, out io.Writer) error {
	want, err := readLines(o.order)
	if err != nil {
		return err
	}
	var got []string
	for _, m := range result.Modules {
		got = append(got, m.Object)
	}
	enough := report(out, "modules", got, want)
	fmt.Fprintf(out, "order: same as modules.order: %t\n", slices.Equal(got, want))
	if o.parts != "" {
		if want, err = readLines(o.parts); err != nil {
			return err
		}
		for i, line := range want {
			want[i] = cleanPaths(line)
		}
		enough = report(out, "composite modules with their parts", composites(result), want) && enough
	}
	origins(out, result)
	fmt.Fprintf(out, "diagnostics: %d\n", len(result.Diagnostics))
	if !enough {
		return errors.New("precision or recall is below 99.5 %")
	}
	return nil
}

// report prints how two lists differ, and reports whether they agree well enough.
func report(out io.Writer, what string, got, want []string) bool {
	surplus, missing := without(got, want), without(want, got)
	precision := share(len(got)-len(surplus), len(got))
	recall := share(len(want)-len(missing), len(want))
	fmt.Fprintf(out, "%s: got %d, want %d, precision %.3f %%, recall %.3f %%\n",
		what, len(got), len(want), precision, recall)
	for _, s := range surplus {
		fmt.Fprintln(out, "  surplus", s)
	}
	for _, s := range missing {
		fmt.Fprintln(out, "  missing", s)
	}
	return precision >= 99.5 && recall >= 99.5
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 100
	}
	return 100 * float64(part) / float64(whole)
}

// without returns what is in a but not in b.
func without(a, b []string) []string {
	in := make(map[string]bool, len(b))
	for _, s := range b {
		in[s] = true
	}
	var rest []string
	for _, s := range a {
		if !in[s] {
			rest = append(rest, s)
		}
	}
	return rest
}

// composites returns "MODULE: PART PART ..." lines as ask.mk writes them.
func composites(result *kbuild.Result) []string {
	var lines []string
	for _, m := range result.Modules {
		if m.Composite {
			lines = append(lines, m.Object+": "+strings.Join(objects(m), " "))
		}
	}
	return lines
}

// cleanPaths takes the .. out of the paths of a "MODULE: PART PART ..." line.
func cleanPaths(line string) string {
	words := strings.Fields(line)
	for i, w := range words[min(1, len(words)):] {
		words[i+1] = path.Clean(w)
	}
	return strings.Join(words, " ")
}

func objects(m kbuild.Module) []string {
	var names []string
	for _, p := range m.Parts {
		names = append(names, p.Object)
	}
	return names
}

// origins prints from what the parts of all modules are made.
func origins(out io.Writer, result *kbuild.Result) {
	count := make(map[string]int)
	for _, m := range result.Modules {
		for _, p := range m.Parts {
			switch {
			case p.Generated:
				count["generated"]++
			case p.Source == "":
				count["unknown"]++
			default:
				count[p.Source[strings.LastIndexByte(p.Source, '.'):]]++
			}
		}
	}
	fmt.Fprintf(out, "sources of parts: .c %d, .S %d, .rs %d, generated %d, unknown %d\n",
		count[".c"], count[".S"], count[".rs"], count["generated"], count["unknown"])
}

func readLines(name string) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []string
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		lines = append(lines, s.Text())
	}
	return lines, s.Err()
}
