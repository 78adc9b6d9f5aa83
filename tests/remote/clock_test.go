// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clockAhead is how far the clock of a machine with another one is ahead.
const clockAhead = 400 * 24 * time.Hour

// clockLibrary overrides functions of the C library: the clock is SECONDS ahead.
const clockLibrary = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);

	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	int failed = real(clock, now);
	if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += SECONDS;
	return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t))
		return -1;
	now->tv_sec = t.tv_sec;
	now->tv_usec = t.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *now)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t))
		return -1;
	if (now)
		*now = t.tv_sec;
	return t.tv_sec;
}
`

// setClockAhead gives the machine another clock, and its files old timestamps. Bazel itself takes
// LD_PRELOAD out of its environment: a wrapper around Java adds it again.
func (m machine) setClockAhead() {
	m.t.Helper()
	dir := m.t.TempDir()
	library := filepath.Join(dir, "clock.so")
	cc := exec.Command("cc", "-shared", "-fPIC", fmt.Sprintf("-DSECONDS=%d", clockAhead/time.Second), "-o", library, "-x", "c", "-")
	cc.Stdin = strings.NewReader(clockLibrary)
	if output, err := cc.CombinedOutput(); err != nil {
		m.t.Fatalf("compiling another clock: %v\n%s", err, output)
	}
	java := fmt.Sprintf("#!/bin/sh\nLD_PRELOAD=%s exec java \"$@\"\n", library)
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/java"), []byte(java), 0o755); err != nil {
		m.t.Fatal(err)
	}
	m.Add(".bazelrc", []byte("startup --server_javabase="+dir+"\n"), 0o644)
	if output, err := exec.Command("find", m.Dir, "-exec", "touch", "--date=2001-01-01", "{}", "+").CombinedOutput(); err != nil {
		m.t.Fatalf("setting time stamps: %v\n%s", err, output)
	}
}

// started is when a build states that it started, by its events.
func started(t *testing.T, events string) time.Time {
	t.Helper()
	text, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	var event struct{ Started struct{ StartTime time.Time } }
	if err := json.Unmarshal([]byte(first), &event); err != nil {
		t.Fatalf("%v in the first event of the build: %s", err, first)
	}
	return event.Started.StartTime
}
