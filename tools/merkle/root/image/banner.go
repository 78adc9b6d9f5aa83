// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"io"
)

// Banner begins linux_banner, the text that each kernel has in its memory (init/version-timestamp.c in its source):
// "Linux version RELEASE (who compiled it) …".
const Banner = "Linux version "

// maxBanner is how much of linux_banner is wanted: Banner, the release, a blank and a parenthesis.
const maxBanner = len(Banner) + maxRelease + 2

// FindBanner looks for linux_banner in the memory of a kernel, and returns the release in it and where it begins: "" and
// -1 if there is none. Format strings such as "Linux version %s" do not count. Reading ends at an error.
func FindBanner(memory io.Reader) (release string, offset int64) {
	const chunk = 256 << 10
	buffer := make([]byte, 0, chunk+maxBanner)
	for start := int64(0); ; {
		n, err := io.ReadFull(memory, buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if release, at := bannerIn(buffer); at >= 0 {
			return release, start + int64(at)
		}
		if err != nil {
			return "", -1
		}
		// A banner may lie across the end.
		start += int64(len(buffer) - maxBanner)
		buffer = append(buffer[:0], buffer[len(buffer)-maxBanner:]...)
	}
}

func bannerIn(b []byte) (release string, offset int) {
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(Banner))
		if i < 0 {
			return "", -1
		}
		at += i
		if release := releaseIn(b[at+len(Banner):]); release != "" {
			return release, at
		}
		at += len(Banner)
	}
}

// releaseIn returns the release that a text begins with, followed by a parenthesis: "" if there is none. It begins with
// the version's number.
func releaseIn(b []byte) string {
	end := bytes.IndexByte(b[:min(len(b), maxRelease)], ' ')
	if end <= 0 || b[0] < '0' || b[0] > '9' || !bytes.HasPrefix(b[end:], []byte(" (")) {
		return ""
	}
	return validRelease(b[:end])
}

// validRelease returns b if it can be a kernel release, else "": it is part of file names and of what is printed.
func validRelease(b []byte) string {
	if len(b) >= maxRelease || bytes.ContainsFunc(b, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' || r == '%' }) {
		return ""
	}
	return string(b)
}
