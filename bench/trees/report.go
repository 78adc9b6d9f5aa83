// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"rules_modhash/bench/internal/report"
)

// find returns the result of a step, or nil.
func (b *bench) find(step string, size int) *result {
	for i, r := range b.results {
		if r.step == step && r.size == size {
			return &b.results[i]
		}
	}
	return nil
}

// steps are all steps, in the order in which they came.
func (b *bench) steps() []string {
	var steps []string
	for _, r := range b.results {
		if !slices.Contains(steps, r.step) {
			steps = append(steps, r.step)
		}
	}
	return steps
}

// printTable prints a line for each step and a column for each size: the median, the spread, and how many
// times the floor it is.
func (b *bench) printTable(w io.Writer) error {
	head := []string{"modules"}
	for _, size := range b.sizes {
		head = append(head, strconv.Itoa(size))
	}
	rows := [][]string{head}
	for _, step := range b.steps() {
		row := []string{step}
		for _, size := range b.sizes {
			row = append(row, b.cell(step, size))
		}
		rows = append(rows, row)
	}
	return report.Table(w, rows)
}

// cell is one field of the table.
func (b *bench) cell(step string, size int) string {
	r := b.find(step, size)
	if r == nil {
		return "–"
	}
	if r.note != "" {
		return r.note
	}
	text := fmt.Sprintf("%.3f s ±%.0f %%", r.median().Seconds(), 50*r.spread())
	floor := stepTreeFloor
	if step == stepSealAgain {
		floor = stepSealFloor
	}
	if f := b.find(floor, size); f != nil && f != r && step != stepSealFloor && step != stepOpenSSL {
		text += fmt.Sprintf(", %.1f ×", float64(r.median())/float64(f.median()))
	}
	return text
}

// The plot, in pixels.
const (
	plotWidth, plotHeight = 980, 520
	plotLeft, plotRight   = 60, 400
	plotTop, plotBottom   = 30, 60
)

// Lines differ by color and by dashes.
var plotDashes = []string{"none", "8 4", "2 3"}

// plotSVG draws the medians over the number of modules, both logarithmic: a straight line at the slope of the grey one
// is linear growth.
func (b *bench) plotSVG() []byte {
	return report.SVG(plotWidth, plotHeight, func(svg *bytes.Buffer) {
		b.plotGrid(svg)
		for line, step := range b.plotSteps() {
			b.plotLine(svg, step, line)
		}
	})
}

// plotGrid draws what the lines are read by.
func (b *bench) plotGrid(svg *bytes.Buffer) {
	for _, seconds := range []float64{0.01, 0.1, 1, 10, 100} {
		y := plotY(seconds)
		fmt.Fprintf(svg, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g s</text>`+"\n",
			plotLeft, y, plotWidth-plotRight, plotLeft-6, y+4, seconds)
	}
	for _, size := range b.sizes {
		x := b.plotX(size)
		fmt.Fprintf(svg, `<path d="M%.1f %dV%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n",
			x, plotTop, plotHeight-plotBottom, x, plotHeight-plotBottom+18, size)
	}
	fmt.Fprintf(svg, `<text x="%d" y="%d">modules</text>`+"\n", plotLeft, plotHeight-plotBottom+40)
	low, high := slices.Min(b.sizes), slices.Max(b.sizes)
	const start = 0.2
	fmt.Fprintf(svg, `<path d="M%.1f %.1fL%.1f %.1f" stroke="#ddd" stroke-width="6"/>`+"\n",
		b.plotX(low), plotY(start), b.plotX(high), plotY(start*float64(high)/float64(low)))
}

// plotSteps are the steps that have times, in the order in which their lines end, the slowest first.
func (b *bench) plotSteps() []string {
	last := func(step string) time.Duration {
		for _, size := range slices.Backward(b.sizes) {
			if r := b.find(step, size); r != nil && r.note == "" {
				return r.median()
			}
		}
		return 0
	}
	steps := slices.DeleteFunc(b.steps(), func(step string) bool { return last(step) == 0 })
	slices.SortStableFunc(steps, func(x, y string) int { return cmp.Compare(last(y), last(x)) })
	return steps
}

// plotLine draws one step and its name.
func (b *bench) plotLine(svg *bytes.Buffer, step string, line int) {
	path, command := "", "M"
	for _, size := range b.sizes {
		if r := b.find(step, size); r != nil && r.note == "" {
			path += fmt.Sprintf("%s%.1f %.1f", command, b.plotX(size), plotY(r.median().Seconds()))
			command = "L"
		}
	}
	color, dashes := report.Colors[line%len(report.Colors)], plotDashes[line/len(report.Colors)%len(plotDashes)]
	y := plotTop + 14 + 24*line
	fmt.Fprintf(svg, `<path d="%sM%d %dh40" fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"/><text x="%d" y="%d">%s</text>`+"\n",
		path, plotWidth-plotRight+12, y-4, color, dashes, plotWidth-plotRight+60, y, html.EscapeString(step))
}

// plotX and plotY place sizes and seconds.
func (b *bench) plotX(size int) float64 {
	low, high := math.Log(float64(slices.Min(b.sizes))), math.Log(float64(slices.Max(b.sizes))+1)
	return plotLeft + (math.Log(float64(size))-low)/(high-low)*(plotWidth-plotLeft-plotRight)
}

func plotY(seconds float64) float64 {
	low, high := math.Log(0.005), math.Log((200 * time.Second).Seconds())
	return plotHeight - plotBottom - (math.Log(max(seconds, 0.005))-low)/(high-low)*(plotHeight-plotTop-plotBottom)
}
