// SPDX-License-Identifier: Apache-2.0

// Package progress shows on a terminal how far a command is.
package progress

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// delay is how long a command runs before it shows a bar.
const delay = time.Second

// Bar is a bar for work on many modules. A nil Bar shows nothing.
type Bar struct {
	mu    sync.Mutex
	out   io.Writer
	start time.Time
	total int
	done  int
	verb  string
	bar   *progressbar.ProgressBar
}

// New returns a bar on stderr, or nil if that is not a terminal.
func New(stderr io.Writer, verb string, total int) *Bar {
	f, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &Bar{out: stderr, start: time.Now(), total: total, verb: verb}
}

// Tick returns what to call after each module, nil for no progress.
func (p *Bar) Tick() func() {
	if p == nil {
		return nil
	}
	return p.step
}

func (p *Bar) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if p.bar == nil && time.Since(p.start) > delay {
		p.bar = progressbar.NewOptions(p.total,
			progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(p.verb),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond))
	}
	if p.bar != nil {
		_ = p.bar.Set(p.done)
	}
}

// Clear removes the bar.
func (p *Bar) Clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// Phases is one bar after another, for work in several phases.
type Phases struct {
	// Stderr is where bars appear if it is a terminal.
	Stderr io.Writer
	bar    *Bar
}

// Begin starts the bar of the next phase.
func (p *Phases) Begin(verb string, total int) {
	p.bar.Clear()
	p.bar = New(p.Stderr, verb, total)
}

// Step counts one more in this phase.
func (p *Phases) Step() {
	if p.bar != nil {
		p.bar.step()
	}
}

// End removes the last bar.
func (p *Phases) End() { p.bar.Clear() }
