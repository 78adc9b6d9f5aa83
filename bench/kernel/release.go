// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/treearchive"
)

// readTree visits the files of a tree archive for which wanted holds.
func readTree(archive string, wanted func(path string) bool, visit func(path string, contents []byte)) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	return treearchive.Read(file,
		func(entry treearchive.Entry) bool { return !entry.IsLink() && wanted(entry.Path) },
		func(entry treearchive.Entry, contents io.Reader) error {
			data, err := io.ReadAll(contents)
			visit(entry.Path, data)
			return err
		})
}

// texts returns the files of a tree archive for which wanted holds.
func texts(archive string, wanted func(path string) bool) (map[string][]byte, error) {
	found := map[string][]byte{}
	err := readTree(archive, wanted, func(path string, contents []byte) { found[path] = contents })
	return found, err
}

// isSource reports whether a file is one of the kernel's own sources or headers: not of its programs, tests and examples.
func isSource(file string) bool {
	top, _, _ := strings.Cut(file, "/")
	if slices.Contains([]string{"Documentation", "samples", "scripts", "tools"}, top) {
		return false
	}
	return path.Ext(file) == ".c" || path.Ext(file) == ".h"
}

// changesBetween returns what differs between two trees, in the order of paths: sources that both have.
func changesBetween(before, after string) ([]change, error) {
	sums := map[string][sha256.Size]byte{}
	err := readTree(before, isSource, func(path string, contents []byte) { sums[path] = sha256.Sum256(contents) })
	if err != nil {
		return nil, err
	}
	newer := map[string][]byte{}
	err = readTree(after, isSource, func(path string, contents []byte) {
		if sum, ok := sums[path]; ok && sum != sha256.Sum256(contents) {
			newer[path] = contents
		}
	})
	if err != nil {
		return nil, err
	}
	older, err := texts(before, func(path string) bool { return newer[path] != nil })
	if err != nil {
		return nil, err
	}
	return join(older, newer), nil
}

func join(older, newer map[string][]byte) []change {
	var changes []change
	for path, text := range older {
		changes = append(changes, change{path, text, newer[path]})
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.path, b.path) })
	return changes
}

// withExtension returns the changes of files with an extension.
func withExtension(changes []change, extension string) []change {
	return slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return path.Ext(c.path) != extension })
}

// without returns the changes but for those of some files.
func without(changes []change, files []string) []change {
	return slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return slices.Contains(files, c.path) })
}

// draw returns the changes in a random order, which a seed decides: headers are spread among the first n as they are among all,
// with one at least.
func draw(changes []change, n int, seed uint64) []change {
	random := rand.New(rand.NewPCG(seed, 0))
	headers, sources := withExtension(changes, ".h"), withExtension(changes, ".c")
	for _, list := range [][]change{headers, sources} {
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	var drawn []change
	share := float64(len(headers)) / float64(max(1, len(changes)))
	share = max(share, 1/float64(max(1, n)))
	for i := 1; len(headers)+len(sources) > 0; i++ {
		from := &sources
		// The last of each group of 1/share is a header.
		if len(sources) == 0 || len(headers) > 0 && int(float64(i)*share+1e-9) > int(float64(i-1)*share+1e-9) {
			from = &headers
		}
		drawn = append(drawn, (*from)[0])
		*from = (*from)[1:]
	}
	return drawn
}

// culprits matches what errors of make and of compilers name: an object that make did not make, and a source file.
var culprits = []*regexp.Regexp{
	regexp.MustCompile(`(?m)\*\*\* \[[^\]]*: ([\w./+-]+)\.(?:o|ko|s|i)\] Error`),
	regexp.MustCompile(`(?m)^(?:In file included from )?([\w./+-]+)\.[ch]:\d+:`),
	regexp.MustCompile(`(?m)^ +from ([\w./+-]+)\.[ch]:\d+[:,]`),
}

// failing returns the changed files that the errors of a build name, sorted.
func failing(message string, changes []change) []string {
	var found []string
	for _, pattern := range culprits {
		for _, match := range pattern.FindAllStringSubmatch(message, -1) {
			for _, c := range changes {
				if strings.TrimSuffix(c.path, path.Ext(c.path)) == strings.TrimPrefix(match[1], "./") {
					found = append(found, c.path)
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
