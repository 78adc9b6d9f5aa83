// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"
	"google.golang.org/protobuf/encoding/protodelim"

	workerpb "rules_modhash/proto/worker"
	"rules_modhash/tools/cli"
)

// connection is one call of Serve.
type connection struct {
	handle Handler
	// stop ends everything, for a reason.
	stop context.CancelCauseFunc
	// slots are taken by requests that are being carried out, pending by the bytes of those
	// that are not answered.
	slots, pending *semaphore.Weighted
	running        sync.WaitGroup

	// jobs holds, for each request that is not answered, what cancels it; nil after close.
	jobsMutex sync.Mutex
	jobs      map[int32]context.CancelFunc

	outMutex sync.Mutex
	out      io.Writer
}

// start carries out a request of size bytes. The request is on record when start returns,
// so that a cancellation right after it finds it.
func (c *connection) start(ctx context.Context, request *workerpb.WorkRequest, size uint64) {
	id := request.RequestId
	r := Request{Arguments: request.Arguments, Dir: request.SandboxDir}
	if r.Dir != "" && !filepath.IsLocal(r.Dir) {
		c.refuse(id, size, fmt.Errorf("got the sandbox_dir %q, want a path below the working directory", r.Dir))
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	if err := c.register(id, cancel); err != nil {
		cancel()
		c.refuse(id, size, err)
		return
	}
	go func() {
		defer c.running.Done()
		defer c.pending.Release(weight(size))
		response := c.carryOut(ctx, r)
		c.unregister(id)
		cancel()
		response.RequestId = id
		c.respond(response)
	}()
}

// carryOut waits for its turn and returns the response.
func (c *connection) carryOut(ctx context.Context, r Request) *workerpb.WorkResponse {
	if c.slots.Acquire(ctx, 1) != nil {
		return &workerpb.WorkResponse{WasCancelled: true}
	}
	defer c.slots.Release(1)
	code, output := c.guarded(ctx, r)
	if ctx.Err() != nil {
		return &workerpb.WorkResponse{WasCancelled: true}
	}
	// A protobuf string is valid UTF-8, file names in messages need not be.
	return &workerpb.WorkResponse{ExitCode: int32(code), Output: strings.ToValidUTF8(output, "\uFFFD")}
}

// guarded calls the handler. A panic is an error of this request.
func (c *connection) guarded(ctx context.Context, r Request) (code int, output string) {
	defer func() {
		if reason := recover(); reason != nil {
			code, output = cli.Error, fmt.Sprintf("internal error: %v\n%s", reason, debug.Stack())
		}
	}()
	return c.handle(ctx, r)
}

// refuse answers a request of size bytes that is not carried out.
func (c *connection) refuse(id int32, size uint64, err error) {
	c.pending.Release(weight(size))
	c.respond(&workerpb.WorkResponse{RequestId: id, ExitCode: cli.Error, Output: "worker: " + err.Error() + "\n"})
}

// respond writes a response, in one piece.
func (c *connection) respond(response *workerpb.WorkResponse) {
	var message bytes.Buffer
	_, err := protodelim.MarshalTo(&message, response)
	c.outMutex.Lock()
	defer c.outMutex.Unlock()
	if err == nil {
		_, err = c.out.Write(message.Bytes())
	}
	if err != nil {
		c.stop(fmt.Errorf("writing the response to request %d: %w", response.RequestId, err))
	}
}

// register puts a request on record.
func (c *connection) register(id int32, cancel context.CancelFunc) error {
	c.jobsMutex.Lock()
	defer c.jobsMutex.Unlock()
	if c.jobs == nil {
		return errors.New("got a request while shutting down")
	}
	if c.jobs[id] != nil {
		return fmt.Errorf("got request_id %d again before it was answered", id)
	}
	c.jobs[id] = cancel
	c.running.Add(1)
	return nil
}

// close makes register reject what comes.
func (c *connection) close() {
	c.jobsMutex.Lock()
	defer c.jobsMutex.Unlock()
	c.jobs = nil
}

// unregister forgets a request. Its id may come again once it is answered.
func (c *connection) unregister(id int32) {
	c.jobsMutex.Lock()
	defer c.jobsMutex.Unlock()
	delete(c.jobs, id)
}

// cancel gives up a request. One that is not on record has been answered.
func (c *connection) cancel(id int32) {
	c.jobsMutex.Lock()
	defer c.jobsMutex.Unlock()
	if cancel := c.jobs[id]; cancel != nil {
		cancel()
	}
}
