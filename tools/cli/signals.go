// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Signals states what signals do to a program. The first one of those by which Bazel, a user or a terminal stops a
// program ends its context.
type Signals struct {
	// SecondEnds makes a second signal end the program at once. Otherwise further signals are ignored: the program ends
	// and removes what it has started.
	SecondEnds bool
	// Left states what a stopped program leaves, for the error: a clause, or "".
	Left string
}

// Stopped is the cause of a context that a signal has ended.
type Stopped struct {
	// Signal is what ended it.
	Signal os.Signal
	left   string
}

// Error states which signal it was.
func (s Stopped) Error() string {
	text := fmt.Sprintf("stopped by the signal %q", s.Signal)
	if s.left != "" {
		text += ": " + s.left
	}
	return text
}

// Context returns a context that ends with the first signal, with the cause Stopped, and a function that ends it and
// gives signals back their usual effect.
func (s Signals) Context() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		select {
		case got := <-signals:
			if s.SecondEnds {
				signal.Stop(signals)
			}
			cancel(Stopped{got, s.Left})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
