// SPDX-License-Identifier: Apache-2.0

// Package params reads the parameter files that Bazel hands to programs.
package params

import (
	"fmt"
	"os"
	"strings"
)

// Expand replaces each argument @FILE by the lines of FILE: Bazel's parameter
// files in the "multiline" format. Lines are taken as they are, empty ones and those
// that begin with @ too. An argument with // in it is a label (@@repo//pkg:target),
// not a file.
func Expand(args []string) ([]string, error) {
	var expanded []string
	for _, arg := range args {
		file, ok := strings.CutPrefix(arg, "@")
		if !ok || strings.Contains(file, "//") {
			expanded = append(expanded, arg)
			continue
		}
		lines, err := read(file)
		if err != nil {
			return nil, fmt.Errorf("reading the arguments in %s: %w", arg, err)
		}
		expanded = append(expanded, lines...)
	}
	return expanded, nil
}

func read(file string) ([]string, error) {
	data, err := os.ReadFile(file)
	if err != nil || len(data) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), nil
}
