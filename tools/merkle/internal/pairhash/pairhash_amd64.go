// SPDX-License-Identifier: Apache-2.0

package pairhash

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/klauspost/cpuid/v2"
)

// interleave reports that the CPU has the instructions that blocks uses.
var interleave = cpuid.CPU.Supports(cpuid.SHA, cpuid.SSSE3, cpuid.SSE4)

// state is a SHA-256 state in the order in which the instructions hold it: words
// F E B A and H G D C (FIPS 180-4 section 6.2 names them a to h).
type state [8]uint32

// initial is the initial hash value (FIPS 180-4 section 5.3.3).
var initial = state{
	0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667,
	0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372,
}

// constants are the round constants (FIPS 180-4 section 4.2.2).
//
//lint:ignore U1000 The assembly reads it.
var constants = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// bigEndian is the shuffle that reverses the bytes of four words.
//
//lint:ignore U1000 The assembly reads it.
var bigEndian = [16]byte{3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12}

// blocks hashes n blocks at p into a and n blocks at q into b, n at least 1.
//
//go:noescape
func blocks(a *state, p *byte, b *state, q *byte, n int)

// fastPair is a Pair on interleaved instructions.
type fastPair struct {
	prefixed, plain stream
	// spare takes the place of the second stream where only one has a block.
	spare state
}

// stream is one hash in the making.
type stream struct {
	state  state
	length uint64
	// pending holds the last length%BlockSize bytes, not hashed yet.
	pending [sha256.BlockSize]byte
}

func (p *fastPair) reset(prefix []byte) {
	p.prefixed = stream{state: initial}
	p.plain = stream{state: initial}
	p.prefixed.keep(prefix)
	if len(prefix) == sha256.BlockSize {
		p.single(&p.prefixed, p.prefixed.pending[:])
	}
}

func (p *fastPair) write(b []byte) {
	headA, restA := p.prefixed.fill(b)
	headB, restB := p.plain.fill(b)
	p.hash(headA, headB)
	wholeA, wholeB := whole(restA), whole(restB)
	p.hash(restA[:wholeA], restB[:wholeB])
	p.prefixed.keep(restA[wholeA:])
	p.plain.keep(restB[wholeB:])
	p.prefixed.length += uint64(wholeA)
	p.plain.length += uint64(wholeB)
}

// whole returns the length of the whole blocks in b.
func whole(b []byte) int {
	return len(b) &^ (sha256.BlockSize - 1)
}

// fill completes the pending block with the first bytes of b and returns that block,
// nil if there is none or it is not complete, and the bytes of b after it.
func (s *stream) fill(b []byte) (head, rest []byte) {
	used := int(s.length % sha256.BlockSize)
	if used == 0 {
		return nil, b
	}
	n := copy(s.pending[used:], b)
	s.length += uint64(n)
	if used+n < sha256.BlockSize {
		return nil, nil
	}
	return s.pending[:], b[n:]
}

// keep makes b, shorter than a block, the pending bytes. It does nothing if b is
// empty: fill may have added to them.
func (s *stream) keep(b []byte) {
	s.length += uint64(copy(s.pending[:], b))
}

// hash hashes whole blocks into both streams, at most one of which has more blocks
// than the other.
func (p *fastPair) hash(a, b []byte) {
	common := min(len(a), len(b))
	if common > 0 {
		blocks(&p.prefixed.state, &a[0], &p.plain.state, &b[0], common/sha256.BlockSize)
	}
	p.single(&p.prefixed, a[common:])
	p.single(&p.plain, b[common:])
}

// single hashes whole blocks into one stream.
func (p *fastPair) single(s *stream, b []byte) {
	if len(b) > 0 {
		blocks(&s.state, &b[0], &p.spare, &b[0], len(b)/sha256.BlockSize)
	}
}

func (p *fastPair) sum() (prefixed, plain [sha256.Size]byte) {
	var padA, padB [2 * sha256.BlockSize]byte
	p.hash(p.prefixed.pad(&padA), p.plain.pad(&padB))
	return p.prefixed.digest(), p.plain.digest()
}

// pad returns the pending bytes with the padding of FIPS 180-4 section 5.1.1, made in
// buffer.
func (s *stream) pad(buffer *[2 * sha256.BlockSize]byte) []byte {
	used := int(s.length % sha256.BlockSize)
	copy(buffer[:], s.pending[:used])
	buffer[used] = 0x80
	end := sha256.BlockSize
	if used+1+8 > end {
		end = len(buffer)
	}
	binary.BigEndian.PutUint64(buffer[end-8:], s.length*8)
	return buffer[:end]
}

// digest returns the state in the order of the standard.
func (s *stream) digest() (d [sha256.Size]byte) {
	for i, word := range [...]int{3, 2, 7, 6, 1, 0, 5, 4} {
		binary.BigEndian.PutUint32(d[4*i:], s.state[word])
	}
	return d
}
