// SPDX-License-Identifier: Apache-2.0

package verdict

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table writes one line for each attempt: name, what was expected, what was got, and whether they
// agree.
func Table(w io.Writer, verdicts []Verdict) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "ATTEMPT\tKERNEL OPTIONS\tEXPECTED\tGOT\tAGREE")
	for _, v := range verdicts {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", v.Attempt.Name, v.Attempt.Cmdline, v.Expected, v.Got, mark(v))
	}
	return table.Flush()
}

func mark(v Verdict) string {
	if v.Passed() {
		return "yes"
	}
	return "NO"
}

// Details writes what differs in an attempt that was made, with the kernel's lines.
func Details(w io.Writer, v Verdict) {
	fmt.Fprintf(w, "attempt %q: %s%s\n", v.Attempt.Name, v.Attempt.Action(), options(v))
	for _, d := range v.Differences {
		fmt.Fprintf(w, "  %s: expected %s, got %s\n", d.What, d.Expected, d.Got)
	}
	if len(v.Log) == 0 {
		fmt.Fprintln(w, "  the kernel logged nothing during this attempt")
		return
	}
	fmt.Fprintln(w, "  the kernel's log during this attempt:")
	fmt.Fprintln(w, Indent(v.Log))
}

func options(v Verdict) string {
	if v.Attempt.Cmdline == "" {
		return ""
	}
	return ", booted with " + v.Attempt.Cmdline
}

// Indent joins lines of a log, each indented.
func Indent(lines []string) string {
	return "    " + strings.Join(lines, "\n    ")
}
