// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestBar shows a bar after its delay and not before, and only on a terminal.
func TestBar(t *testing.T) {
	var out bytes.Buffer
	if p := New(&out, "hashing", 3); p != nil || p.Tick() != nil {
		t.Errorf("a bar without a terminal: %v", p)
	}
	p := &Bar{out: &out, start: time.Now(), total: 3, verb: "hashing"}
	p.step()
	if out.Len() > 0 {
		t.Errorf("a bar before its time: %q", &out)
	}
	p.start = p.start.Add(-2 * delay)
	p.step()
	if !strings.Contains(out.String(), "hashing") || !strings.Contains(out.String(), "2/3") {
		t.Errorf("bar is %q, want hashing 2/3", &out)
	}
	p.Clear()
	if want := "\r"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("bar is %q after clearing, want %q at its end", &out, want)
	}
}
