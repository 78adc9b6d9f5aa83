// SPDX-License-Identifier: Apache-2.0

// Package batch does to many modules at once what the packages below do to one:
// hash, seal, verify. Results and errors do not depend on the number of CPUs.
package batch

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"rules_modhash/tools/merkle/module"
)

// Each calls do for every index below n, on all CPUs, with a Scanner that no other
// call uses meanwhile. Progress, if not nil, is called after each. It returns the
// error of the lowest index that failed, whichever came first, or that of the
// context.
func Each(ctx context.Context, n int, progress func(), do func(s *module.Scanner, i int) error) error {
	e := &eachRun{n: int64(n), do: do, progress: progress}
	e.failedAt.Store(int64(n))
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
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
	var s module.Scanner
	for ctx.Err() == nil {
		i := e.next.Add(1) - 1
		if i >= e.n || i > e.failedAt.Load() {
			return
		}
		if err := e.do(&s, int(i)); err != nil {
			e.fail(i, err)
			return
		}
		if e.progress != nil {
			e.progress()
		}
	}
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
