// SPDX-License-Identifier: Apache-2.0

package module

import "testing"

// TestMaxSize goes from the largest module to one byte more without reading 2 GiB.
func TestMaxSize(t *testing.T) {
	p := pass{Options: Options{Raw: true, LeafOnly: true}, Scanner: &Scanner{}}
	p.leaf = discardHash{}
	p.hashed = MaxSize - 1
	if err := p.consume([]byte{0}); err != nil {
		t.Errorf("%d bytes: %v", MaxSize, err)
	}
	want := "has more than 2147483647 bytes, the most that the kernel loads"
	if err := p.consume([]byte{0}); err == nil || err.Error() != want {
		t.Errorf("one byte more: error is %v, want %q", err, want)
	}
}

// discardHash is a hash of nothing.
type discardHash struct{}

func (discardHash) Write(b []byte) (int, error) { return len(b), nil }
func (discardHash) Sum(b []byte) []byte         { return b }
func (discardHash) Reset()                      {}
func (discardHash) Size() int                   { return 0 }
func (discardHash) BlockSize() int              { return 1 }
