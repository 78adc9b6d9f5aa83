// SPDX-License-Identifier: Apache-2.0

// Package names cleans the names of entries in archives, which are not trusted.
package names

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// Max is the length in bytes of the longest path (PATH_MAX of Linux).
const Max = 4096

// Inside returns a name as a clean relative path, for a file that is written below a directory. A name that leads out of
// the archive, or is longer than Max, is an error, which does not repeat the name.
func Inside(name string) (string, error) {
	if path.IsAbs(name) {
		return "", errors.New("is an absolute path: it leads out of the archive")
	}
	if len(name) > Max {
		return "", fmt.Errorf("has %d bytes, want at most %d", len(name), Max)
	}
	clean := path.Clean(name)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", errors.New("leads out of the archive")
	}
	return clean, nil
}

// Rooted returns a name as a clean relative path, as the kernel unpacks an initramfs: absolute names and ".." lead to
// where they do after chroot(2). The root has no directory above it, and is ".".
func Rooted(name string) string {
	clean := path.Clean("/" + name)[1:]
	if clean == "" {
		return "."
	}
	return clean
}

// Printable returns a text for one line of a terminal: quoted as in Go if it has a character that is not printable, and
// unchanged otherwise.
func Printable(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return strconv.Quote(text)
	}
	return text
}
