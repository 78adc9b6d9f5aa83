// SPDX-License-Identifier: Apache-2.0

package sourcetree

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"

	"rules_modhash/tools/kernel/treearchive"
)

// readAhead is the number of files that are read before they are visited.
const readAhead = 64

// isNoLink reports whether an error of readlink is about a file that is not a symbolic link.
func isNoLink(err error) bool { return errors.Is(err, syscall.EINVAL) }

// contents is the tree of files, which are in order. Opening a file takes longer than reading it: others are read while
// one is visited.
func contents(files []file) treearchive.Tree {
	return func(wanted func(treearchive.Entry) bool, visit func(treearchive.Entry, io.Reader) error) error {
		queue, done := make(chan chan loaded, readAhead), make(chan struct{})
		defer close(done)
		go load(files, wanted, queue, done)
		for next := range queue {
			if err := visitLoaded(<-next, visit); err != nil {
				return err
			}
		}
		return nil
	}
}

// loaded is a file with its contents.
type loaded struct {
	file
	data []byte
	err  error
}

// load reads wanted files, several at the same time, and puts them into the queue in order.
func load(files []file, wanted func(treearchive.Entry) bool, queue chan<- chan loaded, done <-chan struct{}) {
	defer close(queue)
	readers := make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))
	for _, f := range files {
		if !wanted(f.Entry) {
			continue
		}
		next := make(chan loaded, 1)
		select {
		case queue <- next:
		case <-done:
			return
		}
		readers <- struct{}{}
		go func() {
			next <- f.load()
			<-readers
		}()
	}
}

func (f file) load() loaded {
	if f.IsLink() {
		return loaded{file: f}
	}
	data, err := os.ReadFile(f.from)
	f.Size = int64(len(data))
	return loaded{f, data, err}
}

func visitLoaded(l loaded, visit func(treearchive.Entry, io.Reader) error) error {
	if l.err != nil {
		return l.err
	}
	return visit(l.Entry, bytes.NewReader(l.data))
}
