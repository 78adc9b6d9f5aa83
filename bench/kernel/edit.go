// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// change is a change of one file.
type change struct {
	path     string
	old, new []byte
}

// patchOf returns a patch for patch -p1, with the changes in their order.
func patchOf(changes ...change) []byte {
	var patch bytes.Buffer
	for _, c := range changes {
		// The first line is diff's own command, which patch passes over.
		patch.Write(diff.Diff("a/"+c.path, c.old, "b/"+c.path, c.new))
	}
	return patch.Bytes()
}

// insertInto changes one line: it inserts a number after a text, which the file has once. The text begins a string, so the object
// changes with it.
func insertInto(path string, old []byte, after string, number int) (change, error) {
	if n := bytes.Count(old, []byte(after)); n != 1 {
		return change{}, fmt.Errorf("%s: got %q %d times in the source, want it once", path, after, n)
	}
	text := strings.Replace(string(old), after, fmt.Sprintf("%sedit %d: ", after, number), 1)
	return change{path, old, []byte(text)}, nil
}

// guard is the line that defines the name by which a header is included once.
var guard = regexp.MustCompile(`(?m)^#\s*define\s+\w+\s*$`)

// insertLine inserts a line into a header, by which each object changes that includes it: a field of the module's information.
func insertLine(path string, old []byte, number int) (change, error) {
	at := guard.FindIndex(old)
	if at == nil {
		return change{}, fmt.Errorf("%s: got a header without a line that defines its guard", path)
	}
	line := fmt.Sprintf("\n"+`asm(".pushsection .modinfo, \"a\"\n\t.asciz \"bench=edit %d\"\n\t.popsection");`, number)
	text := string(old[:at[1]]) + line + string(old[at[1]:])
	return change{path, old, []byte(text)}, nil
}
