// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"path"
	"regexp"
)

// mention matches a path in a Makefile. The variable says what it is relative to.
var mention = regexp.MustCompile(`\$[({](srctree|objtree|srcroot|src|obj)[)}]/([A-Za-z0-9_./+-]+)`)

// included matches what make includes by its path from the top.
var included = regexp.MustCompile(`(?m)^[ \t]*[-s]?include[ \t]+([A-Za-z0-9_./+-]+)`)

// mentioned returns paths that a Makefile of a directory mentions. They need not exist.
func (t *Tree) mentioned(dir, makefile string) []string {
	f := t.files[makefile]
	if f == nil {
		return nil
	}
	var names []string
	for _, found := range mention.FindAllSubmatch(f.data, -1) {
		name := string(found[2])
		if variable := string(found[1]); variable == "src" || variable == "obj" {
			name = path.Join(dir, name)
		}
		names = append(names, path.Clean(name))
	}
	for _, found := range included.FindAllSubmatch(f.data, -1) {
		names = append(names, path.Clean(string(found[1])))
	}
	return names
}
