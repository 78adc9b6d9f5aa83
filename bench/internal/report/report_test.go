// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var got strings.Builder
	if err := Table(&got, [][]string{{"step", "time"}, {"a | b", "1 s"}, {"c", ""}}); err != nil {
		t.Fatal(err)
	}
	const want = "| step | time |\n| --- | --- |\n| a \\| b | 1 s |\n| c | |\n"
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func TestSVG(t *testing.T) {
	got := string(SVG(3, 4, func(svg *bytes.Buffer) { svg.WriteString("<path/>\n") }))
	if !strings.Contains(got, `viewBox="0 0 3 4"`) || !strings.HasSuffix(got, "<path/>\n</svg>\n") {
		t.Errorf("got %s", got)
	}
}
