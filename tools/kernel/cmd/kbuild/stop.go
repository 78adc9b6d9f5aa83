// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// stopped is what ends a command: a signal.
type stopped struct{ signal os.Signal }

// Error implements error.
func (s stopped) Error() string {
	return fmt.Sprintf("stopped by the signal %q: its programs were ended, and nothing was written", s.signal)
}

// untilSignal returns a context that ends with the first of the signals by which Bazel, a user or a terminal stops an
// action. Further ones are ignored: what was started is being ended and removed.
func untilSignal() (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		select {
		case s := <-signals:
			cancel(stopped{s})
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
