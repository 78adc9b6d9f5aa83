// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressDelay is how long a command runs before it shows a bar.
const progressDelay = time.Second

// progress is a bar for work on many modules.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	start time.Time
	total int
	done  int
	verb  string
	bar   *progressbar.ProgressBar
}

// newProgress returns a bar on stderr, or nil if that is not a terminal.
func newProgress(stderr io.Writer, verb string, total int) *progress {
	f, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &progress{out: stderr, start: time.Now(), total: total, verb: verb}
}

// tick returns what to call after each module, nil for no progress.
func (p *progress) tick() func() {
	if p == nil {
		return nil
	}
	return p.step
}

func (p *progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if p.bar == nil && time.Since(p.start) > progressDelay {
		p.bar = progressbar.NewOptions(p.total,
			progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(p.verb),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond))
	}
	if p.bar != nil {
		_ = p.bar.Set(p.done)
	}
}

// clear removes the bar.
func (p *progress) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// phases is one bar after another, for work in several phases.
type phases struct {
	stderr io.Writer
	bar    *progress
}

// begin starts the bar of the next phase.
func (p *phases) begin(verb string, total int) {
	p.bar.clear()
	p.bar = newProgress(p.stderr, verb, total)
}

// step counts one more in this phase.
func (p *phases) step() {
	if p.bar != nil {
		p.bar.step()
	}
}

// end removes the last bar.
func (p *phases) end() { p.bar.clear() }
