// SPDX-License-Identifier: Apache-2.0

package pairhash

import "testing"

// withInterleave sets interleave for the length of a test.
func withInterleave(tb testing.TB, value bool) {
	old := interleave
	interleave = value
	tb.Cleanup(func() { interleave = old })
}
