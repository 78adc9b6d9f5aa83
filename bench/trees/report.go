// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"time"
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
func (b *bench) printTable(w io.Writer) {
	fmt.Fprint(w, "| modules |")
	for _, size := range b.sizes {
		fmt.Fprintf(w, " %d |", size)
	}
	fmt.Fprint(w, "\n| --- |")
	for range b.sizes {
		fmt.Fprint(w, " --- |")
	}
	for _, step := range b.steps() {
		fmt.Fprintf(w, "\n| %s |", step)
		for _, size := range b.sizes {
			fmt.Fprintf(w, " %s |", b.cell(step, size))
		}
	}
	fmt.Fprintln(w)
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
	plotWidth, plotHeight = 900, 520
	plotLeft, plotRight   = 60, 330
	plotTop, plotBottom   = 30, 60
)

// plotSVG draws the medians over the number of modules, both logarithmic: a straight line at 45 degrees is
// linear growth.
func (b *bench) plotSVG() []byte {
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		plotWidth, plotHeight)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, plotHeight)
	for _, seconds := range []float64{0.01, 0.1, 1, 10, 100} {
		y := plotY(seconds)
		fmt.Fprintf(&svg, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g s</text>`+"\n",
			plotLeft, y, plotWidth-plotRight, plotLeft-6, y+4, seconds)
	}
	for _, size := range b.sizes {
		x := b.plotX(size)
		fmt.Fprintf(&svg, `<path d="M%.1f %dV%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n",
			x, plotTop, plotHeight-plotBottom, x, plotHeight-plotBottom+18, size)
	}
	fmt.Fprintf(&svg, `<text x="%d" y="%d">modules</text>`+"\n", plotLeft, plotHeight-plotBottom+40)
	line := 0
	for _, step := range b.steps() {
		if b.plotLine(&svg, step, line) {
			line++
		}
	}
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}

// plotLine draws one step and its name, and reports whether it has times.
func (b *bench) plotLine(svg *bytes.Buffer, step string, line int) bool {
	path, command := "", "M"
	for _, size := range b.sizes {
		if r := b.find(step, size); r != nil && r.note == "" {
			path += fmt.Sprintf("%s%.1f %.1f", command, b.plotX(size), plotY(r.median().Seconds()))
			command = "L"
		}
	}
	if path == "" {
		return false
	}
	color := fmt.Sprintf("hsl(%d 70%% 40%%)", line*137%360)
	y := plotTop + 14 + 24*line
	fmt.Fprintf(svg, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path, color)
	fmt.Fprintf(svg, `<path d="M%d %dh20" stroke="%s" stroke-width="4"/><text x="%d" y="%d">%s</text>`+"\n",
		plotWidth-plotRight+12, y-4, color, plotWidth-plotRight+40, y, html.EscapeString(step))
	return true
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
