// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package pairhash

import "crypto/sha256"

// interleave is unset: there are no interleaved instructions here.
const interleave = false

// fastPair is never used.
type fastPair struct{}

func (*fastPair) reset([]byte)                  {}
func (*fastPair) write([]byte)                  {}
func (*fastPair) sum() (a, b [sha256.Size]byte) { return a, b }
