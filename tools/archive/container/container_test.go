// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestOf puts the first bytes of images of file systems, disks and archives, EROFS and squashfs among them, at their
// places in other bytes, and cuts them: what is cut is not known, and nothing panics.
func TestOf(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 7))
	for _, m := range magics {
		head := bytes.Repeat([]byte{byte(1 + random.IntN(30))}, HeadSize)
		copy(head[m.offset:], m.magic)
		if got := Of(head); got != m.kind {
			t.Errorf("%q at %#x is %q, want %q", m.magic, m.offset, got, m.kind)
		}
		if got := Of(head[:m.offset+len(m.magic)-1]); got != None {
			t.Errorf("%q at %#x, cut by a byte, is %q, want none", m.magic, m.offset, got)
		}
	}
	if got := Of(nil); got != None {
		t.Errorf("no bytes are %q", got)
	}
}
