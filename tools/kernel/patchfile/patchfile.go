// SPDX-License-Identifier: Apache-2.0

// Package patchfile reads which files a patch changes.
package patchfile

import (
	"bufio"
	"bytes"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// headers are what lines of a patch that may name files begin with: those that GNU patch reads.
var headers = []string{
	"--- ", "+++ ", "*** ", "Index: ", "diff --git ",
	"rename from ", "rename to ", "copy from ", "copy to ",
}

// Names returns the paths that a patch may name for patch -p1, as a set.
//
// The set has more than what patch chooses: each reading of a line that may be a header, with and without its first
// directory, and with and without what may be a timestamp. Whoever provides all files of these names provides all that
// patch reads and writes.
func Names(patch []byte) map[string]bool {
	names := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(patch))
	lines.Buffer(nil, len(patch)+1)
	for lines.Scan() {
		// patch accepts indented headers, and lines that end in CR LF.
		line := strings.Trim(lines.Text(), " \t\r")
		for _, header := range headers {
			if rest, ok := strings.CutPrefix(line, header); ok {
				addReadings(names, rest)
			}
		}
	}
	return names
}

// addReadings adds what a header may mean: a name may contain spaces, and may be followed by a timestamp or, after
// diff --git, by another name.
func addReadings(names map[string]bool, text string) {
	add(names, text)
	for i, c := range text {
		if c == ' ' || c == '\t' {
			add(names, text[:i])
			add(names, strings.TrimLeft(text[i:], " \t"))
		}
	}
}

func add(names map[string]bool, name string) {
	if quoted, err := strconv.QuotedPrefix(name); err == nil && strings.HasPrefix(name, `"`) {
		name, _ = strconv.Unquote(quoted)
	}
	_, stripped, _ := strings.Cut(name, "/")
	for _, name := range []string{name, strings.TrimLeft(stripped, "/")} {
		if clean := path.Clean(name); clean != "." && filepath.IsLocal(clean) {
			names[clean] = true
		}
	}
}
