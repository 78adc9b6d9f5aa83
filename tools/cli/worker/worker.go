// SPDX-License-Identifier: Apache-2.0

// Package worker speaks the worker protocol of Bazel (proto/worker): a program that
// serves one action after another, and several at once, instead of being started for
// each.
//
// A request that is malformed, fails or panics is answered with an error and does no harm
// to others. Memory is bounded: so many requests are carried out at once, and so many
// bytes of waiting ones are kept; then nothing more is read until one is answered.
package worker

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/semaphore"
	"google.golang.org/protobuf/proto"

	workerpb "rules_modhash/proto/worker"
)

const (
	// maxRequest is the largest request taken, in bytes. The arguments for 20,000 modules
	// are some 5 MB.
	maxRequest = 64 << 20
	// maxPending bounds the bytes of requests that are not answered yet; the smallest one
	// counts for minRequest, which is about what keeping track of it takes.
	maxPending = 2 * maxRequest
	minRequest = 4 << 10
)

// Request is one action to carry out.
type Request struct {
	// Arguments are the command's, taken as they are.
	Arguments []string
	// Dir is the directory that paths are relative to, a clean relative path; empty: the
	// working directory.
	Dir string
}

// Handler carries out a request, and returns the exit code and what to print. It must
// return soon after ctx is done, and write no output then. It is called by several
// goroutines at once.
type Handler func(ctx context.Context, r Request) (exitCode int, output string)

// Server serves requests.
type Server struct {
	Handle Handler
	// Concurrency is how many requests are carried out at once, at least 1.
	Concurrency int
	// maxPending is the constant, or what a test wants instead.
	maxPending int64
}

// Serve reads requests from in and writes responses to out, until in ends: then it
// returns nil when the last request has been answered. It returns an error when in holds
// what is not a request and cannot be answered, when out takes no more, or when ctx is done.
func (s Server) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	c := &connection{
		handle: s.Handle, out: out, stop: stop,
		slots:   semaphore.NewWeighted(int64(s.Concurrency)),
		pending: semaphore.NewWeighted(cmp.Or(s.maxPending, maxPending)),
		jobs:    map[int32]context.CancelFunc{},
	}
	ended := make(chan error, 1)
	// Not waited for where ctx ends first: nothing makes a Read return.
	go func() { ended <- c.read(ctx, bufio.NewReader(in)) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	c.close()
	c.running.Wait()
	return errors.Join(err, context.Cause(ctx))
}

// read takes in requests until in ends.
func (c *connection) read(ctx context.Context, in *bufio.Reader) error {
	for {
		size, err := binary.ReadUvarint(in)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the length of a request: %w", err)
		}
		if size > maxRequest {
			return fmt.Errorf("got a request of %d bytes, want at most %d", size, maxRequest)
		}
		if err := c.pending.Acquire(ctx, weight(size)); err != nil {
			return err
		}
		message := make([]byte, size)
		if _, err := io.ReadFull(in, message); err != nil {
			return fmt.Errorf("reading a request of %d bytes: %w", size, err)
		}
		if err := c.receive(ctx, message); err != nil {
			return err
		}
	}
}

// weight is what a request of size bytes counts for among the pending ones.
func weight(size uint64) int64 {
	return int64(max(size, minRequest))
}

// receive starts, cancels or rejects what a message asks for.
func (c *connection) receive(ctx context.Context, message []byte) error {
	request := &workerpb.WorkRequest{}
	err := proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(message, request)
	size := uint64(len(message))
	switch {
	case err != nil && request.RequestId == 0:
		c.pending.Release(weight(size))
		return fmt.Errorf("got a message of %d bytes that is not a request: %w", size, err)
	case err != nil:
		c.refuse(request.RequestId, size, fmt.Errorf("malformed request: %w", err))
	case request.Cancel:
		c.pending.Release(weight(size))
		c.cancel(request.RequestId)
	default:
		c.start(ctx, request, size)
	}
	return nil
}
