// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"strings"
	"time"
)

// task is an action in a schedule.
type task struct {
	duration time.Duration
	// width is the number of cores that it takes.
	width int
	// needs are the indexes of the tasks that come before it.
	needs []int
}

// single are actions of the kernel that run one program.
var single = []string{"ModhashKernelSource", "ModhashKernelUnpack"}

// tasksOf returns the actions that ran as tasks: each needs those that write its inputs. jobs is the number of programs
// that an action of a kernel runs at the same time.
func tasksOf(actions []action, jobs int) []task {
	actions = slices.DeleteFunc(slices.Clone(actions), func(a action) bool { return a.hit })
	writer := map[string]int{}
	for i, a := range actions {
		for _, output := range a.outputs {
			writer[output] = i
		}
	}
	tasks := make([]task, len(actions))
	for i, a := range actions {
		tasks[i] = task{duration: a.duration, width: widthOf(a.mnemonic, jobs), needs: writersOf(a.inputs, writer, i)}
	}
	return tasks
}

func widthOf(mnemonic string, jobs int) int {
	if strings.HasPrefix(mnemonic, "ModhashKernel") && !slices.Contains(single, mnemonic) {
		return jobs
	}
	return 1
}

func writersOf(inputs []string, writer map[string]int, self int) []int {
	var needs []int
	for _, input := range inputs {
		if i, ok := writer[input]; ok && i != self {
			needs = append(needs, i)
		}
	}
	slices.Sort(needs)
	return slices.Compact(needs)
}

// sumOf is the sum of the durations.
func sumOf(tasks []task) time.Duration {
	var sum time.Duration
	for _, t := range tasks {
		sum += t.duration
	}
	return sum
}

// schedule is the state of a list scheduling.
type schedule struct {
	tasks []task
	// after are the tasks that need each task, missing the number of tasks that each still waits for, and path the time from
	// the start of each to the end of the last, with any number of cores.
	after   [][]int
	missing []int
	path    []time.Duration
}

// newSchedule returns an error if tasks need one another in a circle.
func newSchedule(tasks []task) (*schedule, error) {
	s := &schedule{tasks: tasks, after: make([][]int, len(tasks)), missing: make([]int, len(tasks)), path: make([]time.Duration, len(tasks))}
	for i, t := range tasks {
		s.missing[i] = len(t.needs)
		for _, need := range t.needs {
			s.after[need] = append(s.after[need], i)
		}
	}
	order := s.order()
	if len(order) != len(tasks) {
		return nil, fmt.Errorf("scheduling: got %d of %d actions that need one another in a circle", len(tasks)-len(order), len(tasks))
	}
	for _, i := range slices.Backward(order) {
		for _, next := range s.after[i] {
			s.path[i] = max(s.path[i], s.path[next])
		}
		s.path[i] += tasks[i].duration
	}
	return s, nil
}

// order lists tasks after those that they need, but for circles.
func (s *schedule) order() []int {
	missing := slices.Clone(s.missing)
	var order []int
	for i := range s.tasks {
		if missing[i] == 0 {
			order = append(order, i)
		}
	}
	for at := 0; at < len(order); at++ {
		for _, next := range s.after[order[at]] {
			if missing[next]--; missing[next] == 0 {
				order = append(order, next)
			}
		}
	}
	return order
}

// criticalPath is the time with any number of cores.
func criticalPath(tasks []task) (time.Duration, error) {
	s, err := newSchedule(tasks)
	if err != nil || len(tasks) == 0 {
		return 0, err
	}
	return slices.Max(s.path), nil
}

// makespan is the time with so many cores: whenever cores are free, of the tasks that are ready and fit, the one with the
// longest path after it starts. A task that is wider than the machine takes all of it.
func makespan(tasks []task, cores int) (time.Duration, error) {
	s, err := newSchedule(tasks)
	if err != nil {
		return 0, err
	}
	var now time.Duration
	var ready []int
	for i, missing := range s.missing {
		if missing == 0 {
			ready = append(ready, i)
		}
	}
	running := &running{}
	for free := cores; ; {
		ready, free = s.start(ready, free, cores, now, running)
		if running.Len() == 0 {
			return now, nil
		}
		ended := heap.Pop(running).(end)
		now = ended.at
		free += min(s.tasks[ended.task].width, cores)
		for _, next := range s.after[ended.task] {
			if s.missing[next]--; s.missing[next] == 0 {
				ready = append(ready, next)
			}
		}
	}
}

// start starts what fits, and returns what is still ready and the cores that are still free.
func (s *schedule) start(ready []int, free, cores int, now time.Duration, running *running) ([]int, int) {
	slices.SortFunc(ready, func(a, b int) int { return cmp.Or(cmp.Compare(s.path[b], s.path[a]), cmp.Compare(a, b)) })
	var waiting []int
	for _, i := range ready {
		width := min(s.tasks[i].width, cores)
		if width > free {
			waiting = append(waiting, i)
			continue
		}
		free -= width
		heap.Push(running, end{now + s.tasks[i].duration, i})
	}
	return waiting, free
}

// end is when a task ends.
type end struct {
	at   time.Duration
	task int
}

// running is a heap of the tasks that run, the first to end first.
type running []end

func (r running) Len() int { return len(r) }
func (r running) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(r[i].at, r[j].at), cmp.Compare(r[i].task, r[j].task)) < 0
}
func (r running) Swap(i, j int) { r[i], r[j] = r[j], r[i] }

// Push and Pop are those of a heap.
func (r *running) Push(x any) { *r = append(*r, x.(end)) }

// Pop removes the last element.
func (r *running) Pop() any {
	last := len(*r) - 1
	x := (*r)[last]
	*r = (*r)[:last]
	return x
}
