// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a process of this machine.
type process struct {
	id, parent int
	// resident is its resident memory, in bytes.
	resident int64
	args     []string
}

// parseProcess parses the files stat and cmdline of a process in /proc.
func parseProcess(stat, cmdline string, page int64) (process, error) {
	// The name, in parentheses, may have any character.
	name := strings.LastIndexByte(stat, ')')
	id, _, _ := strings.Cut(stat, " ")
	fields := strings.Fields(stat[name+1:])
	if name < 0 || len(fields) < 22 {
		return process{}, fmt.Errorf("got %q, want a line of /proc/PID/stat", stat)
	}
	var p process
	var err error
	for _, number := range []struct {
		text string
		to   *int
	}{{id, &p.id}, {fields[1], &p.parent}} {
		if *number.to, err = strconv.Atoi(number.text); err != nil {
			return p, err
		}
	}
	pages, err := strconv.ParseInt(fields[21], 10, 64)
	p.resident = pages * page
	p.args = strings.Split(strings.TrimRight(cmdline, "\x00"), "\x00")
	return p, err
}

// processes lists those of this machine. They come and go: one that cannot be read has ended.
func processes() []process {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	var found []process
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		cmdline, err := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if err != nil {
			continue
		}
		if p, err := parseProcess(string(stat), string(cmdline), int64(os.Getpagesize())); err == nil {
			found = append(found, p)
		}
	}
	return found
}

// actionMemory sums the resident memory of each kernel action that a Bazel server runs, with all that it has started. The names are
// those of actionName.
func actionMemory(all []process, server int) map[string]int64 {
	byID := map[int]process{}
	for _, p := range all {
		byID[p.id] = p
	}
	sums := map[string]int64{}
	for _, p := range all {
		// Parents that changed while they were read may form a circle: no more steps than processes.
		name := ""
		at, ok := p, true
		for range all {
			if own := actionName(at.args); own != "" {
				name = own
			}
			if at, ok = byID[at.parent]; !ok || at.id == server {
				break
			}
		}
		if ok && at.id == server && name != "" {
			sums[name] += p.resident
		}
	}
	return sums
}

// actionName returns the subcommand of a program kbuild, and the shard that it is for: "compile drivers/net". "" is for other
// programs.
func actionName(args []string) string {
	if len(args) < 2 || path.Base(args[0]) != "kbuild" || strings.HasPrefix(args[1], "-") {
		return ""
	}
	for _, arg := range args[2:] {
		_, name, found := strings.Cut(arg, "/graph/objects/")
		if name, isShard := strings.CutSuffix(name, ".builtin.tar.zst-0.params"); found && isShard {
			return args[1] + " " + shardName(name)
		}
	}
	return args[1]
}

// sampler reads the memory of actions while they run.
type sampler struct {
	stop, done chan struct{}
	peaks      map[string]int64
}

// samplePeriod is how often the memory is read.
const samplePeriod = time.Second

// sample starts a sampler for the actions of a Bazel server.
func sample(server int) *sampler {
	s := &sampler{stop: make(chan struct{}), done: make(chan struct{}), peaks: map[string]int64{}}
	go func() {
		defer close(s.done)
		for {
			for name, size := range actionMemory(processes(), server) {
				s.peaks[name] = max(s.peaks[name], size)
			}
			select {
			case <-s.stop:
				return
			case <-time.After(samplePeriod):
			}
		}
	}()
	return s
}

// end stops the sampler and returns the peak of each action, in bytes.
func (s *sampler) end() map[string]int64 {
	close(s.stop)
	<-s.done
	return s.peaks
}
