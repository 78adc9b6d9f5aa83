// SPDX-License-Identifier: Apache-2.0

// Command constants prints the constants that rules share with programs, as a .bzl file.
//
// usage: constants NAME
//
// Exit codes: 0 done, 2 there is no such file.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// files are the texts of generated files, by the names of these.
var files = map[string]func() string{
	"arch":         architectures,
	"compressions": compressions,
}

func main() {
	if len(os.Args) == 2 && files[os.Args[1]] != nil {
		fmt.Print(files[os.Args[1]]())
		return
	}
	fmt.Fprintln(os.Stderr, "usage: constants", strings.Join(slices.Sorted(maps.Keys(files)), "|"))
	os.Exit(2)
}

// header begins a file that is generated from a Go file of a package.
func header(doc, pkg, source string) string {
	return fmt.Sprintf(`# SPDX-License-Identifier: Apache-2.0
# Generated from %s. To update this file, run: bazel run //%s:update
"""%s"""

visibility("//...")
`, source, pkg, doc)
}

// dictionary returns a constant that is a dictionary, sorted by keys.
func dictionary(comment, name string, entries map[string]string) string {
	text := fmt.Sprintf("\n# %s\n%s = {\n", comment, name)
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		text += fmt.Sprintf("    %q: %q,\n", key, entries[key])
	}
	return text + "}\n"
}

// list returns a constant that is a list.
func list(comment, name string, items []string) string {
	text := fmt.Sprintf("\n# %s\n%s = [\n", comment, name)
	for _, item := range items {
		text += fmt.Sprintf("    %q,\n", item)
	}
	return text + "]\n"
}
