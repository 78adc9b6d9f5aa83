// SPDX-License-Identifier: Apache-2.0

package kmake

import "strings"

const (
	// shownErrors is how many lines with errors are shown first.
	shownErrors = 20
	// shownTail is how many of the last lines are shown.
	shownTail = 25
)

// errorSigns mark the lines that tell what is wrong: of compilers, linkers, modpost, Kconfig, make.
var errorSigns = []string{
	" error: ", " fatal error: ", "ERROR: ", "undefined reference to", "multiple definition of", "ld: ", "ld.lld: error",
	"No rule to make target", "Error: ", "FAILED", "not found", "syntax error",
}

// Excerpt returns what matters of the output of a program that failed: lines that tell errors,
// first of all, then its last lines. With several jobs, the first error is rarely near the end.
func Excerpt(output string) string {
	lines := strings.Split(strings.TrimRight(output, "\n"), "\n")
	var b strings.Builder
	for _, line := range firstErrors(lines) {
		b.WriteString(line + "\n")
	}
	tail := lines[max(0, len(lines)-shownTail):]
	b.WriteString("--- the last lines of the output:\n" + strings.Join(tail, "\n"))
	return b.String()
}

func firstErrors(lines []string) []string {
	var errors []string
	for _, line := range lines {
		if len(errors) < shownErrors && tellsError(line) {
			errors = append(errors, line)
		}
	}
	return errors
}

func tellsError(line string) bool {
	if strings.HasPrefix(line, "$ ") {
		return false
	}
	for _, sign := range errorSigns {
		if strings.Contains(line, sign) {
			return true
		}
	}
	return false
}
