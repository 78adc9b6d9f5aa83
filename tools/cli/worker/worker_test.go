// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	workerpb "rules_modhash/proto/worker"
	"rules_modhash/tools/cli"
)

// client is the other end: what Bazel would be.
type client struct {
	t    *testing.T
	in   *io.PipeWriter
	out  *bufio.Reader
	done chan error
}

// serve starts a server between two pipes.
func serve(t *testing.T, concurrency int, handle Handler) *client {
	t.Helper()
	return serveWith(t, t.Context(), Server{Handle: handle, Concurrency: concurrency})
}

func serveWith(t *testing.T, ctx context.Context, s Server) *client {
	t.Helper()
	requests, in := io.Pipe()
	responses, out := io.Pipe()
	c := &client{t: t, in: in, out: bufio.NewReader(responses), done: make(chan error, 1)}
	go func() {
		err := s.Serve(ctx, requests, out)
		out.Close()
		requests.Close()
		c.done <- err
	}()
	t.Cleanup(func() { in.Close() })
	return c
}

func (c *client) send(r *workerpb.WorkRequest) {
	c.t.Helper()
	if _, err := protodelim.MarshalTo(c.in, r); err != nil {
		c.t.Fatal(err)
	}
}

// write sends bytes as they are.
func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.in.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) receive() *workerpb.WorkResponse {
	c.t.Helper()
	response := &workerpb.WorkResponse{}
	if err := protodelim.UnmarshalFrom(c.out, response); err != nil {
		c.t.Fatal(err)
	}
	return response
}

// expect receives one response.
func (c *client) expect(want *workerpb.WorkResponse) {
	c.t.Helper()
	if got := c.receive(); !proto.Equal(got, want) {
		c.t.Errorf("got response {%v}, want {%v}", got, want)
	}
}

// end ends the input, and returns the error that Serve returns.
func (c *client) end() error {
	c.t.Helper()
	c.in.Close()
	if rest, err := io.ReadAll(c.out); err != nil || len(rest) > 0 {
		c.t.Errorf("got %d bytes more, %v, want none", len(rest), err)
	}
	return <-c.done
}

func (c *client) endWell() {
	c.t.Helper()
	if err := c.end(); err != nil {
		c.t.Errorf("got error %v, want none", err)
	}
}

func request(id int32, arguments ...string) *workerpb.WorkRequest {
	return &workerpb.WorkRequest{RequestId: id, Arguments: arguments}
}

// echo answers with the directory and the arguments.
func echo(_ context.Context, r Request) (int, string) {
	return len(r.Arguments), r.Dir + ":" + strings.Join(r.Arguments, ",")
}

func TestSingleplex(t *testing.T) {
	c := serve(t, 1, echo)
	for range 3 {
		c.send(request(0, "a", "b"))
		c.expect(&workerpb.WorkResponse{ExitCode: 2, Output: ":a,b"})
	}
	c.endWell()
}

func TestSandboxDir(t *testing.T) {
	c := serve(t, 1, echo)
	c.send(&workerpb.WorkRequest{RequestId: 1, SandboxDir: "__sandbox/1/_main"})
	c.expect(&workerpb.WorkResponse{RequestId: 1, Output: "__sandbox/1/_main:"})
	for _, dir := range []string{"/tmp", "../other", "a/../../b"} {
		c.send(&workerpb.WorkRequest{RequestId: 2, SandboxDir: dir})
		if got := c.receive(); got.ExitCode != cli.Error || !strings.Contains(got.Output, dir) {
			t.Errorf("sandbox_dir %q: got {%v}, want an error that names it", dir, got)
		}
	}
	c.endWell()
}

// TestMultiplex answers requests as they become ready, and checks that no more than allowed are
// carried out at once.
func TestMultiplex(t *testing.T) {
	const concurrency, requests = 4, 64
	var running, peak atomic.Int32
	full, once := make(chan struct{}), sync.Once{}
	c := serve(t, concurrency, func(_ context.Context, r Request) (int, string) {
		n := running.Add(1)
		defer running.Add(-1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		if n == concurrency {
			once.Do(func() { close(full) })
		}
		<-full
		return 0, r.Arguments[0]
	})
	go func() {
		for id := range int32(requests) {
			c.send(request(id+1, strings.Repeat("x", int(id))))
			if id+1 == concurrency {
				<-full
			}
		}
	}()
	seen := map[int32]bool{}
	for range requests {
		got := c.receive()
		if seen[got.RequestId] || len(got.Output) != int(got.RequestId)-1 {
			t.Errorf("got response {%v} to request %d, %v", got, got.RequestId, seen[got.RequestId])
		}
		seen[got.RequestId] = true
	}
	if peak.Load() > concurrency {
		t.Errorf("%d requests were carried out at once, want at most %d", peak.Load(), concurrency)
	}
	c.endWell()
}

// TestAnswersAllAtTheEnd checks that the end of the input does not drop requests.
func TestAnswersAllAtTheEnd(t *testing.T) {
	start := make(chan struct{})
	c := serve(t, 2, func(context.Context, Request) (int, string) {
		<-start
		return 0, ""
	})
	for id := range int32(8) {
		c.send(request(id + 1))
	}
	c.in.Close()
	close(start)
	for range 8 {
		c.receive()
	}
	c.endWell()
}

func TestCancel(t *testing.T) {
	started := make(chan int32, 2)
	c := serve(t, 1, func(ctx context.Context, r Request) (int, string) {
		started <- 1
		if len(r.Arguments) > 0 {
			return 0, "done"
		}
		<-ctx.Done()
		return 5, "given up"
	})
	c.send(request(1))
	<-started
	c.send(request(2)) // waits for 1
	c.send(&workerpb.WorkRequest{RequestId: 2, Cancel: true})
	c.expect(&workerpb.WorkResponse{RequestId: 2, WasCancelled: true})
	c.send(&workerpb.WorkRequest{RequestId: 1, Cancel: true})
	c.expect(&workerpb.WorkResponse{RequestId: 1, WasCancelled: true})

	// Too late, and never sent: no answer. Ids may come again.
	c.send(&workerpb.WorkRequest{RequestId: 1, Cancel: true})
	c.send(&workerpb.WorkRequest{RequestId: 9, Cancel: true})
	c.send(request(1, "a"))
	c.expect(&workerpb.WorkResponse{RequestId: 1, Output: "done"})
	c.endWell()
}

// TestCancelAtOnce sends the cancellation right after the request, many times: it must never be
// lost, which would leave the handler waiting forever.
func TestCancelAtOnce(t *testing.T) {
	c := serve(t, 2, func(ctx context.Context, _ Request) (int, string) {
		<-ctx.Done()
		return 0, ""
	})
	for id := range int32(200) {
		c.send(request(id + 1))
		c.send(&workerpb.WorkRequest{RequestId: id + 1, Cancel: true})
		c.expect(&workerpb.WorkResponse{RequestId: id + 1, WasCancelled: true})
	}
	c.endWell()
}

func TestPanic(t *testing.T) {
	c := serve(t, 1, func(_ context.Context, r Request) (int, string) {
		if len(r.Arguments) == 0 {
			panic("out of luck")
		}
		return 0, "fine"
	})
	c.send(request(1))
	got := c.receive()
	if got.RequestId != 1 || got.ExitCode != cli.Error || !strings.Contains(got.Output, "internal error: out of luck") {
		t.Errorf("got response {%v}, want an error that says out of luck", got)
	}
	c.send(request(2, "a"))
	c.expect(&workerpb.WorkResponse{RequestId: 2, Output: "fine"})
	c.endWell()
}

func TestOutputIsUTF8(t *testing.T) {
	c := serve(t, 1, func(context.Context, Request) (int, string) { return 2, "caf\xe9.ko: bad" })
	c.send(request(1))
	c.expect(&workerpb.WorkResponse{RequestId: 1, ExitCode: 2, Output: "caf\uFFFD.ko: bad"})
	c.endWell()
}

func TestDuplicateID(t *testing.T) {
	release := make(chan struct{})
	c := serve(t, 2, func(context.Context, Request) (int, string) {
		<-release
		return 0, ""
	})
	c.send(request(3))
	c.send(request(3))
	if got := c.receive(); got.ExitCode != cli.Error || !strings.Contains(got.Output, "request_id 3 again") {
		t.Errorf("got response {%v}, want an error about request_id 3", got)
	}
	close(release)
	c.expect(&workerpb.WorkResponse{RequestId: 3})
	c.endWell()
}

// framed puts a message after its length.
func framed(message []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(message))), message...)
}

// TestMalformed sends input that is not a request: it gets an answer if it has an id, and the next one is
// served.
func TestMalformed(t *testing.T) {
	c := serve(t, 1, echo)
	id := protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.VarintType), 7)
	notUTF8 := protowire.AppendString(protowire.AppendTag(id, 1, protowire.BytesType), "\xff")
	for _, message := range [][]byte{append(id, 0xff), append(id, 0x0a, 0x7f), notUTF8} {
		c.write(framed(message))
		got := c.receive()
		if got.RequestId != 7 || got.ExitCode != cli.Error || !strings.Contains(got.Output, "malformed request") {
			t.Errorf("message %x: got {%v}, want an error", message, got)
		}
	}
	// Fields we do not know do no harm: inputs, verbosity, and what is yet to be invented.
	unknown := protowire.AppendString(protowire.AppendTag(id, 2, protowire.BytesType), "input")
	unknown = protowire.AppendVarint(protowire.AppendTag(unknown, 99, protowire.VarintType), 1)
	c.write(framed(unknown))
	c.expect(&workerpb.WorkResponse{RequestId: 7, Output: ":"})
	c.endWell()
}

// TestStops sends what cannot be answered.
func TestStops(t *testing.T) {
	for name, test := range map[string]struct {
		input []byte
		want  string
	}{
		"no id":            {framed([]byte{0xff}), "got a message of 1 bytes that is not a request"},
		"too large":        {binary.AppendUvarint(nil, maxRequest+1), "got a request of 67108865 bytes, want at most 67108864"},
		"no length":        {bytes.Repeat([]byte{0xff}, 11), "reading the length of a request"},
		"truncated length": {[]byte{0xff}, "reading the length of a request: unexpected EOF"},
		"truncated":        {[]byte{5, 1}, "reading a request of 5 bytes: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := Server{Handle: echo, Concurrency: 1}.Serve(t.Context(), bytes.NewReader(test.input), &out)
			if err == nil || !strings.Contains(err.Error(), test.want) || out.Len() > 0 {
				t.Errorf("got error %v and %d bytes, want %q and none", err, out.Len(), test.want)
			}
		})
	}
}

// TestInterrupted checks that Serve returns when its context ends, even where nothing can be read,
// and that handlers have ended then.
func TestInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancelCause(t.Context())
	started, ended := make(chan struct{}), atomic.Bool{}
	c := serveWith(t, ctx, Server{Concurrency: 1, Handle: func(ctx context.Context, _ Request) (int, string) {
		close(started)
		<-ctx.Done()
		ended.Store(true)
		return 0, ""
	}})
	c.send(request(1))
	<-started
	go func() { _, _ = io.Copy(io.Discard, c.out) }()
	interrupt(errors.New("interrupted"))
	if err := <-c.done; err == nil || err.Error() != "interrupted" || !ended.Load() {
		t.Errorf("got error %v, handler ended: %v, want interrupted, and that it did", err, ended.Load())
	}
}

// TestClosedOutput checks that a Bazel that is gone ends the server.
func TestClosedOutput(t *testing.T) {
	requests, in := io.Pipe()
	responses, out := io.Pipe()
	responses.CloseWithError(errors.New("nobody reads"))
	c := &client{t: t, in: in}
	done := make(chan error, 1)
	go func() { done <- Server{Handle: echo, Concurrency: 1}.Serve(t.Context(), requests, out) }()
	c.send(request(1))
	if err := <-done; err == nil || err.Error() != "writing the response to request 1: nobody reads" {
		t.Errorf("got error %v, want that the response could not be written", err)
	}
	in.Close()
}

// TestBacklog checks that requests that wait for their turn are not read without limit.
func TestBacklog(t *testing.T) {
	release := make(chan struct{})
	const size = 100_000
	c := serveWith(t, t.Context(), Server{
		Concurrency: 1, maxPending: 2*size + minRequest,
		Handle: func(context.Context, Request) (int, string) {
			<-release
			return 0, ""
		},
	})
	var sent atomic.Int32
	go func() {
		for id := range int32(4) {
			c.send(request(id+1, strings.Repeat("x", size)))
			sent.Add(1)
		}
	}()
	// Two fit; of the third, nothing is read but its length until one has been answered.
	for sent.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	if n := sent.Load(); n != 2 {
		t.Errorf("%d large requests were read while none is answered, want 2", n)
	}
	close(release)
	for range 4 {
		c.receive()
	}
	c.endWell()
}

// FuzzServe feeds bytes that nobody vouches for: no panic, and nothing but responses comes out.
func FuzzServe(f *testing.F) {
	var stream bytes.Buffer
	for _, r := range []*workerpb.WorkRequest{
		request(0, "a"), request(1, "b", "c"), {RequestId: 1, Cancel: true}, {RequestId: 2, SandboxDir: "d"},
	} {
		if _, err := protodelim.MarshalTo(&stream, r); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(stream.Bytes())
	f.Add(stream.Bytes()[:stream.Len()-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, input []byte) {
		var out bytes.Buffer
		_ = Server{Handle: echo, Concurrency: 2}.Serve(t.Context(), bytes.NewReader(input), &out)
		responses := bufio.NewReader(&out)
		for {
			err := protodelim.UnmarshalFrom(responses, &workerpb.WorkResponse{})
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatalf("output is no sequence of responses: %v", err)
			}
		}
	})
}
