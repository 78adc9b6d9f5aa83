// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"rules_modhash/tools/kernel/kbuild/csource"
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
	if text, err := readText(file); err == nil && !isData(text) {
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

// isData reports whether a file is not text, as what .incbin reads may be.
func isData(text string) bool {
	return strings.IndexByte(text[:min(len(text), 8000)], 0) >= 0
}

// maxText is the size of the largest file that is read, in bytes: a few headers of drivers
// have tens of megabytes.
const maxText = 128 << 20

// readText is os.ReadFile without a second copy: some headers have megabytes. Opening a pipe
// would wait for its writer, and a device may have no end.
func readText(name string) (string, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errors.New("it is not a regular file")
	case info.Size() > maxText:
		return "", fmt.Errorf("it has %d bytes, want at most %d", info.Size(), maxText)
	}
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var b strings.Builder
	b.Grow(int(info.Size()))
	_, err = io.Copy(&b, io.LimitReader(file, maxText))
	return b.String(), err
}

// at returns FILE:LINE of the first line of a file that has a word; FILE if none has.
func at(root, name, word string) string {
	text, err := readText(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return name
	}
	for i, line := range strings.Split(text, "\n") {
		if hasWord(line, word) {
			return fmt.Sprintf("%s:%d", name, i+1)
		}
	}
	return name
}

// hasWord reports whether a word stands in a line by itself.
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
