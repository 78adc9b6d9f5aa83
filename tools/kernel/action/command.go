// SPDX-License-Identifier: Apache-2.0

package action

import (
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"
)

// The lines that scripts/basic/fixdep.c writes into .cmd files.
const (
	sourceLine       = "source_"
	dependenciesLine = "deps_"
)

// The programs in tools have a fixdep of their own. Before it is made, its .cmd file gets the compiler's rule as it is, with lines
// that are as long as the path of the tree lets them be: tools/build/Build.include.
const (
	basicDependencies = "# using basic dep data\n"
	commandLine       = "cmd_"
)

// withoutBasicDependencies returns a .cmd file without such a rule.
func withoutBasicDependencies(data []byte) []byte {
	if !bytes.Contains(data, []byte(basicDependencies)) {
		return data
	}
	var kept []byte
	for line := range bytes.Lines(data) {
		if bytes.HasPrefix(line, []byte(commandLine)) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// isCompilerRule reports whether a file is such a rule itself.
func isCompilerRule(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") && path.Ext(base) == ".d"
}

// withoutDependencies returns a .cmd file with the dependencies for which keep holds. What was made is handed on with one
// timestamp, so make has no use for them.
func withoutDependencies(data []byte, keep func(string) bool) []byte {
	var kept []byte
	inside := false
	for line := range bytes.Lines(data) {
		text := strings.TrimRight(string(line), "\n")
		name, continues := strings.CutSuffix(text, `\`)
		if inside && continues && !keep(strings.TrimSpace(name)) {
			continue
		}
		inside = continues && (inside || strings.HasPrefix(text, dependenciesLine))
		kept = append(kept, line...)
	}
	return kept
}

// summedOf returns the files that modpost reads for the srcversion of a module with an object: its source, and the
// dependencies that are in its directory, as parse_source_files has it: the first place where the directory's name occurs
// is followed by the last slash.
func summedOf(object, command string) []string {
	dir := path.Dir(object) + "/"
	var names []string
	inside := false
	for line := range strings.Lines(command) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, sourceLine):
			names = append(names, line[strings.LastIndex(line, " ")+1:])
		case strings.HasPrefix(line, dependenciesLine):
			inside = true
		case inside:
			name, continues := strings.CutSuffix(line, `\`)
			name = strings.TrimSpace(name)
			if at := strings.Index(name, dir); at >= 0 && at+len(dir)-1 == strings.LastIndex(name, "/") {
				names = append(names, name)
			}
			inside = continues
		}
	}
	return names
}

func sorted(names map[string]bool) []string { return slices.Sorted(maps.Keys(names)) }
