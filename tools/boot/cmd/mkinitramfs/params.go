// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
)

// expandParams replaces a single argument @FILE by the lines of FILE, one argument a line, taken as
// they are: Bazel's parameter files in the "multiline" format.
func expandParams(args []string) ([]string, error) {
	if len(args) != 1 || !strings.HasPrefix(args[0], "@") {
		return args, nil
	}
	data, err := os.ReadFile(args[0][1:])
	if err != nil {
		return nil, fmt.Errorf("reading the arguments in %s: %w", args[0], err)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), nil
}
