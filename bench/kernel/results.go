// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"rules_modhash/bench/internal/report"
)

// result is what one step took.
type result struct {
	Case, Step string
	Times      []time.Duration
	// Ran counts the actions that ran, by mnemonic, and Hits those that a cache had, in the last of the builds. Without is for
	// steps that Bazel does not run.
	Ran     map[string]int
	Hits    int
	Without bool
	// Note is a figure that is not a time, or what to know about the time.
	Note string
}

// results are those of one --work directory.
type results struct {
	Config  string
	Results []result
	// Compile is the time that each shard took to compile in the cold build.
	Compile map[string]time.Duration
	// Digests are those of vmlinux and modules, by graph.
	Digests map[string]string
}

// median is the middle of the times.
func median(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}

// loadResults reads the results of earlier runs in the same directory, if there are any.
func loadResults(file, config string) (*results, error) {
	r := &results{Config: config, Compile: map[string]time.Duration{}, Digests: map[string]string{}}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w. Next: remove the file, or set another --work", file, err)
	}
	if r.Config != config {
		return nil, fmt.Errorf("%s: got results of --config %s, want %s. Next: set another --work", file, r.Config, config)
	}
	return r, nil
}

// save replaces the file.
func (r *results) save(file string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// forget removes the results of a case, which is measured anew.
func (r *results) forget(name string) {
	r.Results = slices.DeleteFunc(r.Results, func(x result) bool { return x.Case == name })
}

// time is the median of the first step of a case, or 0.
func (r *results) time(name string) time.Duration {
	for _, x := range r.Results {
		if x.Case == name && len(x.Times) > 0 {
			return median(x.Times)
		}
	}
	return 0
}

// inOrder are the results in the order of cases.
func (r *results) inOrder() []result {
	return slices.SortedStableFunc(slices.Values(r.Results), func(a, b result) int {
		return slices.Index(caseNames(), a.Case) - slices.Index(caseNames(), b.Case)
	})
}

// printTable prints a line for each step.
func (r *results) printTable(w io.Writer) error {
	rows := [][]string{{"case", "step", "time", "÷ one action", "÷ plain make", "what ran", "notes"}}
	for _, x := range r.inOrder() {
		rows = append(rows, []string{
			x.Case, x.Step, timeText(x.Times), ratio(x.Times, r.time("one")), ratio(x.Times, r.time("make")), x.ranText(), x.Note,
		})
	}
	return report.Table(w, rows)
}

// timeText is the median and, of several times, half the difference between the slowest and the fastest.
func timeText(times []time.Duration) string {
	if len(times) == 0 {
		return ""
	}
	middle := median(times)
	text := fmt.Sprintf("%.2f s", middle.Seconds())
	if len(times) > 1 {
		text += fmt.Sprintf(" ±%.0f %%", 50*float64(slices.Max(times)-slices.Min(times))/float64(middle))
	}
	return text
}

// ratio is "" if one of the two is not known.
func ratio(times []time.Duration, to time.Duration) string {
	if len(times) == 0 || to == 0 {
		return ""
	}
	return fmt.Sprintf("%.3f", float64(median(times))/float64(to))
}

func (x result) ranText() string {
	if x.Without || len(x.Times) == 0 {
		return ""
	}
	text := countsText(x.Ran)
	if x.Hits > 0 {
		text += fmt.Sprintf("; %d from a cache", x.Hits)
	}
	return text
}

// The plot, in pixels.
const (
	plotWidth, plotLeft, plotRight = 980, 420, 90
	plotLine, plotTop              = 24, 40
)

// plotSVG draws a bar for each step with a time: relative to the one action if that was measured, otherwise in seconds.
func (r *results) plotSVG() []byte {
	bars := slices.DeleteFunc(r.inOrder(), func(x result) bool { return len(x.Times) == 0 })
	unit, head := r.time("one"), "time ÷ time of a cold build by one action"
	if unit == 0 {
		unit, head = time.Second, "seconds"
	}
	longest := 0.0
	for _, x := range bars {
		longest = max(longest, float64(median(x.Times))/float64(unit))
	}
	return report.SVG(plotWidth, plotTop+plotLine*len(bars)+plotLine/2, func(svg *bytes.Buffer) {
		fmt.Fprintf(svg, `<text x="%d" y="20">%s (%s)</text>`+"\n", plotLeft, head, html.EscapeString(r.Config))
		for i, x := range bars {
			plotBar(svg, i, x, float64(median(x.Times))/float64(unit), longest)
		}
	})
}

func plotBar(svg *bytes.Buffer, line int, x result, value, longest float64) {
	y := plotTop + plotLine*line
	color := report.Colors[slices.Index(caseNames(), x.Case)%len(report.Colors)]
	width := value / longest * (plotWidth - plotLeft - plotRight)
	name := strings.ReplaceAll(x.Step, "`", "")
	fmt.Fprintf(svg, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d">%.3f</text>`+"\n",
		plotLeft-8, y+14, html.EscapeString(name), plotLeft, y+2, width, plotLine-8, color, plotLeft+width+6, y+14, value)
}
