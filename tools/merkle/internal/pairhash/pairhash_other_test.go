// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package pairhash

import "testing"

// withInterleave does nothing: there is one way only.
func withInterleave(testing.TB, bool) {}
