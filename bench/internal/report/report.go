// SPDX-License-Identifier: Apache-2.0

// Package report is what benchmarks share to print results: Markdown tables and plots.
package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Table writes rows as a Markdown table. The first row is the head.
func Table(w io.Writer, rows [][]string) error {
	var text strings.Builder
	for i, row := range rows {
		text.WriteByte('|')
		for _, cell := range row {
			if cell == "" {
				text.WriteString(" |")
			} else {
				text.WriteString(" " + strings.ReplaceAll(cell, "|", `\|`) + " |")
			}
		}
		text.WriteByte('\n')
		if i == 0 {
			text.WriteString("|" + strings.Repeat(" --- |", len(row)) + "\n")
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// Colors are those of Okabe and Ito, which color-blind people can tell apart.
var Colors = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"}

// SVG returns a white plot of this size, in pixels, with what draw draws.
func SVG(width, height int, draw func(*bytes.Buffer)) []byte {
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		width, height)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	draw(&svg)
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}
