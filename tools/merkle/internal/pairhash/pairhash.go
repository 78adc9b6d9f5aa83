// SPDX-License-Identifier: Apache-2.0

// Package pairhash computes two SHA-256 hashes over the same bytes at once: with a
// prefix, which is a module's leaf hash, and without, which is its plain hash.
//
// A CPU's SHA-256 instructions wait for one another's results most of the time, so
// that two hashes which do not depend on each other, interleaved, take hardly longer
// than one. That is done where the CPU is an x86-64 one with SHA extensions;
// elsewhere the standard library computes one hash after the other.
//
// Both hashes are in the files that are handed on, and neither follows from the other. For 4,022 modules (390 MB),
// `modhash tree` takes 1.8 times the user time with the standard library's hash, which is twice the time of one hash:
// with this package the second one costs nothing.
package pairhash

import (
	"crypto/sha256"
	"hash"
)

// Pair computes SHA256(prefix || data) and SHA256(data). The zero Pair is not ready
// for use: call Reset first.
type Pair struct {
	// fast is in use where interleave is set, standard elsewhere.
	fast     fastPair
	standard [2]hash.Hash
}

// Reset starts anew with the given prefix, of at most 64 bytes.
func (p *Pair) Reset(prefix []byte) {
	if interleave {
		p.fast.reset(prefix)
		return
	}
	for i := range p.standard {
		if p.standard[i] == nil {
			p.standard[i] = sha256.New()
		}
		p.standard[i].Reset()
	}
	p.standard[0].Write(prefix)
}

// Write adds to the data.
func (p *Pair) Write(b []byte) {
	if interleave {
		p.fast.write(b)
		return
	}
	for _, h := range p.standard {
		h.Write(b)
	}
}

// Sum returns both hashes. Nothing may be written after it until the next Reset.
func (p *Pair) Sum() (prefixed, plain [sha256.Size]byte) {
	if interleave {
		return p.fast.sum()
	}
	p.standard[0].Sum(prefixed[:0])
	p.standard[1].Sum(plain[:0])
	return prefixed, plain
}
