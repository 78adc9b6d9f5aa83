// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
	"time"
)

func TestMakespan(t *testing.T) {
	const s = time.Second
	chain := []task{{2 * s, 1, nil}, {3 * s, 1, []int{0}}, {4 * s, 1, []int{1}}}
	// The longest path starts first, although it comes last.
	paths := []task{{2 * s, 1, nil}, {2 * s, 1, nil}, {1 * s, 1, nil}, {9 * s, 1, []int{2}}}
	wide := []task{{4 * s, 2, nil}, {4 * s, 2, nil}, {4 * s, 2, nil}, {4 * s, 1, nil}}
	for _, test := range []struct {
		name       string
		tasks      []task
		cores      int
		want, path time.Duration
	}{
		{"none", nil, 2, 0, 0},
		{"chain", chain, 64, 9 * s, 9 * s},
		{"paths, one core", paths, 1, 14 * s, 10 * s},
		{"paths, two cores", paths, 2, 10 * s, 10 * s},
		{"two at a time", wide, 4, 8 * s, 4 * s},
		{"all at a time", wide, 7, 4 * s, 4 * s},
		{"wider than the machine", wide, 1, 16 * s, 4 * s},
	} {
		got, err := makespan(test.tasks, test.cores)
		if err != nil || got != test.want {
			t.Errorf("%s: got %s, %v, want %s", test.name, got, err, test.want)
		}
		if path, err := criticalPath(test.tasks); err != nil || path != test.path {
			t.Errorf("%s: got the critical path %s, %v, want %s", test.name, path, err, test.path)
		}
	}
}

func TestMakespanCircle(t *testing.T) {
	tasks := []task{{1, 1, nil}, {1, 1, []int{2}}, {1, 1, []int{1}}}
	const want = "scheduling: got 2 of 3 actions that need one another in a circle"
	if _, err := makespan(tasks, 1); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTasksOf(t *testing.T) {
	actions := []action{
		{mnemonic: "ModhashKernelUnpack", outputs: []string{"source"}, duration: 1},
		{mnemonic: "ModhashKernelCompile", inputs: []string{"source"}, outputs: []string{"a", "a.log"}, duration: 2},
		{mnemonic: "ModhashKernelCompile", inputs: []string{"source"}, outputs: []string{"b"}, hit: true},
		{mnemonic: "ModhashTree", inputs: []string{"a", "a.log", "b", "not built"}, duration: 3},
	}
	got := tasksOf(actions, 4)
	want := []task{{1, 1, nil}, {2, 4, []int{0}}, {3, 1, []int{1}}}
	same := func(a, b task) bool {
		return a.duration == b.duration && a.width == b.width && slices.Equal(a.needs, b.needs)
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := sumOf(got); got != 6 {
		t.Errorf("got the sum %d, want 6", got)
	}
}
