// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
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

// reader fails when the context has ended.
type reader struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}

// writer fails when the context has ended.
type writer struct {
	ctx context.Context
	io.Writer
}

// Write implements io.Writer.
func (w writer) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.Writer.Write(p)
}
