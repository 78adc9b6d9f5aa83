// SPDX-License-Identifier: Apache-2.0

// Package batch does to many modules at once what the packages below do to one:
// hash, seal, verify. Results and errors do not depend on the number of CPUs.
package batch

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"rules_modhash/tools/merkle/module"
)

// scanners are all that the process has, one a CPU: however many batches run at once, they
// take turns, which bounds memory.
var scanners = newScanners(runtime.GOMAXPROCS(0))

func newScanners(n int) chan *module.Scanner {
	all := make(chan *module.Scanner, n)
	for range n {
		all <- new(module.Scanner)
	}
	return all
}

// Each calls do for every index below n, on all CPUs, with a Scanner that no other
// call uses meanwhile. Progress, if not nil, is called after each. It returns the
// error of the lowest index that failed, whichever came first, or that of the
// context. A panic is an error.
func Each(ctx context.Context, n int, progress func(), do func(s *module.Scanner, i int) error) error {
	e := &eachRun{n: int64(n), do: do, progress: progress}
	e.failedAt.Store(int64(n))
	var workers sync.WaitGroup
	for range min(cap(scanners), n) {
		workers.Go(func() { e.work(ctx) })
	}
	workers.Wait()
	if e.err != nil {
		return e.err
	}
	return ctx.Err()
}

// eachRun is one call of Each. Indices are handed out in order; after a failure
// only those handed out already are finished, so that the lowest one that fails
// is always among them.
type eachRun struct {
	n        int64
	do       func(s *module.Scanner, i int) error
	progress func()

	next     atomic.Int64
	failedAt atomic.Int64
	mu       sync.Mutex
	err      error
}

func (e *eachRun) work(ctx context.Context) {
	for ctx.Err() == nil {
		i := e.next.Add(1) - 1
		if i >= e.n || i > e.failedAt.Load() {
			return
		}
		if err := e.scan(int(i)); err != nil {
			e.fail(i, err)
			return
		}
		if e.progress != nil {
			e.progress()
		}
	}
}

// scan calls do with a Scanner.
func (e *eachRun) scan(i int) (err error) {
	s := <-scanners
	defer func() {
		if reason := recover(); reason != nil {
			s = new(module.Scanner)
			err = fmt.Errorf("internal error: %v\n%s", reason, debug.Stack())
		}
		scanners <- s
	}()
	return e.do(s, i)
}

// fail keeps the error of the lowest index.
func (e *eachRun) fail(i int64, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i < e.failedAt.Load() {
		e.failedAt.Store(i)
		e.err = err
	}
}
