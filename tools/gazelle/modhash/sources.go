// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"rules_modhash/tools/gazelle/kbuild/csource"
)

// sourceFiles holds what was found in sources, by absolute path.
type sourceFiles map[string]*csource.Source

// scan reads a source of the repository; of a header, just what it includes. One that cannot be read gives nil.
func (s sourceFiles) scan(root, name string) *csource.Source {
	file := filepath.Join(root, filepath.FromSlash(name))
	found, ok := s[file]
	if ok {
		return found
	}
	if text, err := readText(file); err == nil {
		scan := csource.Scan
		if path.Ext(name) == ".h" {
			scan = csource.ScanIncludes
		}
		scanned := scan(text)
		found = &scanned
	}
	s[file] = found
	return found
}

// readText is os.ReadFile without a second copy: some headers have megabytes.
func readText(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var b strings.Builder
	if info, err := file.Stat(); err == nil {
		b.Grow(int(min(info.Size(), maxGrow)))
	}
	_, err = io.Copy(&b, file)
	return b.String(), err
}

// maxGrow bounds, in bytes, what is set aside for a text before it is read.
const maxGrow = 16 << 20

// at returns FILE:LINE of the first line of a file that has a word; FILE if none has.
func at(root, name, word string) string {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return name
	}
	for i, line := range strings.Split(string(text), "\n") {
		if hasWord(line, word) {
			return fmt.Sprintf("%s:%d", name, i+1)
		}
	}
	return name
}

// hasWord tells whether a word stands in a line by itself.
func hasWord(line, word string) bool {
	isPart := func(c byte) bool {
		return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	for from := 0; ; {
		i := strings.Index(line[from:], word)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(word)
		if (start == 0 || !isPart(line[start-1])) && (end == len(line) || !isPart(line[end])) {
			return true
		}
		from = start + 1
	}
}
