// SPDX-License-Identifier: Apache-2.0

package pairhash

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// standardSum is what Pair must compute, by the standard library.
func standardSum(prefix, data []byte) (prefixed, plain [sha256.Size]byte) {
	return sha256.Sum256(append(bytes.Clone(prefix), data...)), sha256.Sum256(data)
}

// check feeds data to p in pieces and compares the sums. Each byte of cuts, plus one, is
// the length of a piece; the rest comes in one.
func check(t *testing.T, p *Pair, prefix, data, cuts []byte) {
	t.Helper()
	p.Reset(prefix)
	rest := data
	for _, cut := range cuts {
		n := min(int(cut)+1, len(rest))
		p.Write(rest[:n])
		rest = rest[n:]
	}
	p.Write(rest)
	prefixed, plain := p.Sum()
	wantPrefixed, wantPlain := standardSum(prefix, data)
	if prefixed != wantPrefixed {
		t.Errorf("prefix %x, %d bytes, cuts %d: prefixed hash %x, want %x",
			prefix, len(data), cuts, prefixed, wantPrefixed)
	}
	if plain != wantPlain {
		t.Errorf("prefix %x, %d bytes, cuts %d: plain hash %x, want %x",
			prefix, len(data), cuts, plain, wantPlain)
	}
}

func random(seed uint64, n int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}

func TestEveryLength(t *testing.T) {
	var p Pair
	data := random(1, 400)
	for n := range data {
		for _, prefix := range []int{0, 1, 5, 63, 64} {
			check(t, &p, data[:prefix], data[:n], nil)
		}
	}
}

func TestEveryCut(t *testing.T) {
	var p Pair
	data := random(2, 300)
	for cut := range 256 {
		check(t, &p, data[:5], data, []byte{byte(cut)})
		check(t, &p, data[:5], data, []byte{63, byte(cut), 58})
	}
}

func TestLongInput(t *testing.T) {
	var p Pair
	data := random(3, 1<<20+17)
	check(t, &p, data[:5], data, []byte{0, 63, 64, 255})
}

func TestStandardPath(t *testing.T) {
	withInterleave(t, false)
	TestEveryLength(t)
	TestEveryCut(t)
}

func FuzzPair(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 9}, []byte("module"), []byte{0, 1, 2})
	f.Add([]byte{}, random(4, 200), []byte{63, 63})
	f.Add(random(5, 64), random(6, 129), []byte{58, 4})
	f.Fuzz(func(t *testing.T, prefix, data, cuts []byte) {
		check(t, new(Pair), prefix[:min(len(prefix), sha256.BlockSize)], data, cuts)
	})
}

func BenchmarkPair(b *testing.B) {
	data := random(7, 128<<10)
	run := func(b *testing.B) {
		var p Pair
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			p.Reset(data[:5])
			p.Write(data)
			p.Sum()
		}
	}
	b.Run("interleaved", func(b *testing.B) {
		if !interleave {
			b.Skip("this CPU has no SHA extensions")
		}
		run(b)
	})
	b.Run("standard", func(b *testing.B) {
		withInterleave(b, false)
		run(b)
	})
	b.Run("one hash only", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			sha256.Sum256(data)
		}
	})
}
