// SPDX-License-Identifier: Apache-2.0

package image

import (
	"strings"
	"testing"
	"testing/iotest"
)

func TestFindBanner(t *testing.T) {
	const text = "Linux version 6.1.0-50-amd64 (someone@somewhere)"
	for _, c := range []struct {
		name, memory, release string
		offset                int64
	}{
		{"nothing", "", "", -1},
		{"at the beginning", text, "6.1.0-50-amd64", 0},
		{"after a format string", "Linux version %s (%s)\x00" + text, "6.1.0-50-amd64", 22},
		{"after a format string with a number", "Linux version 6%s (x) " + text, "6.1.0-50-amd64", 22},
		{"after itself", "Linux version Linux version 6.1 (", "6.1", 14},
		{"with all characters", "Linux version 6.1+a~b_c:d (x", "6.1+a~b_c:d", 0},
		{"without a number", "Linux version next (x)", "", -1},
		{"without a parenthesis", "Linux version 6.1 x", "", -1},
		{"cut", "Linux version 6.1 ", "", -1},
		{"with a slash", "Linux version 6/../1 (x)", "", -1},
		{"with a control character", "Linux version 6\x1b[1m (x)", "", -1},
		{"of another encoding", "Linux version 6.1\xc3\xa4 (x)", "", -1},
		{"as long as can be", "Linux version 6" + strings.Repeat("x", 63) + " (x)", "6" + strings.Repeat("x", 63), 0},
		{"longer", "Linux version 6" + strings.Repeat("x", 65) + " (x)", "", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if release, offset := FindBanner(strings.NewReader(c.memory)); release != c.release || offset != c.offset {
				t.Errorf("got %q at %d, want %q at %d", release, offset, c.release, c.offset)
			}
		})
	}
}

// TestBannerAcrossReads has a banner at each place around the end of what is read at once.
func TestBannerAcrossReads(t *testing.T) {
	const chunk, text = 256<<10 + maxBanner, "Linux version 6.1 ("
	for before := chunk - 2*maxBanner; before <= chunk+1; before++ {
		memory := strings.NewReader(strings.Repeat("\x00", before) + text)
		if release, offset := FindBanner(memory); release != "6.1" || offset != int64(before) {
			t.Fatalf("got %q at %d, want 6.1 at %d", release, offset, before)
		}
	}
}

func TestBannerError(t *testing.T) {
	if release, _ := FindBanner(iotest.ErrReader(iotest.ErrTimeout)); release != "" {
		t.Errorf("got %q", release)
	}
}
