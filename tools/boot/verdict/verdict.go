// SPDX-License-Identifier: Apache-2.0

// Package verdict compares what came of the attempts of a boot plan with what was expected, and shows
// it to the reader.
package verdict

import (
	"fmt"
	"slices"
	"strings"

	"rules_modhash/tools/boot/plan"
	"rules_modhash/tools/boot/record"
)

// Verdict is the judgement of one attempt.
type Verdict struct {
	// Attempt is the one judged.
	Attempt plan.Attempt
	// Made reports that the attempt began.
	Made bool
	// Expected and Got are results with taints, as short as a table cell.
	Expected, Got string
	// Differences are empty if all is as expected.
	Differences []Difference
	// Log holds the kernel's lines during the attempt.
	Log []string
}

// Difference is one thing that is not as expected.
type Difference struct {
	// What is compared, such as "result" or "log".
	What string
	// Expected and Got are the expected and the actual result.
	Expected, Got string
}

// Passed reports whether all is as expected.
func (v Verdict) Passed() bool { return len(v.Differences) == 0 }

// noResult is what is got of an attempt without an end.
const noResult = "no result"

// Boot judges the attempts of one boot by its serial log. All of them are judged: one that the log
// does not know has no result.
func Boot(boot plan.Boot, serial *record.Serial) []Verdict {
	var verdicts []Verdict
	for i, a := range boot.Attempts {
		last := i == len(boot.Attempts)-1
		verdicts = append(verdicts, evaluate(a, find(serial, boot.First+i), last))
	}
	return verdicts
}

// find returns what the serial log states of an attempt, or nil if it did not begin.
func find(serial *record.Serial, index int) *record.Attempt {
	for i := range serial.Attempts {
		if serial.Attempts[i].Index == index {
			return &serial.Attempts[i]
		}
	}
	return nil
}

func evaluate(a plan.Attempt, got *record.Attempt, last bool) Verdict {
	v := Verdict{Attempt: a, Expected: short(a.Expect.Result, a.Expect.Taint)}
	if got != nil {
		v.Made, v.Log = true, got.Log
	}
	if got == nil || got.Outcome == nil {
		v.Got = noResult
		v.compare("result", v.Expected, v.Got)
		return v
	}
	v.Got = short(got.Outcome.Result, got.Outcome.Taint)
	v.compareWrites(a.Write, got.Outcome.Writes)
	v.compare("result", a.Expect.Result, got.Outcome.Result)
	v.compare("taint", letters(a.Expect.Taint), letters(got.Outcome.Taint))
	v.compareLoaded(a.Expect.Loaded, got.Outcome.Loaded)
	v.compareExists(got.Outcome.Missing)
	v.compareLog(a.Expect)
	if !last {
		v.compareUnload(got.Outcome.Unload)
	}
	return v
}

func short(result, taint string) string {
	if taint == "" {
		return result
	}
	return result + ", taint " + taint
}

func letters(taint string) string {
	if taint == "" {
		return "none"
	}
	return taint
}

func (v *Verdict) compare(what, expected, got string) {
	if expected != got {
		v.Differences = append(v.Differences, Difference{what, expected, got})
	}
}

func (v *Verdict) compareWrites(writes []plan.FileWrite, results []string) {
	for i, write := range writes {
		got := noResult
		if i < len(results) {
			got = results[i]
		}
		v.compare("writing to "+write.Path, write.Expected(), got)
	}
}

func (v *Verdict) compareLoaded(expected, got []string) {
	if expected == nil {
		return
	}
	expected = slices.Sorted(slices.Values(expected))
	v.compare("modules loaded", strings.Join(expected, " "), strings.Join(got, " "))
}

// compareExists ignores a module that did not load: there the result states enough.
func (v *Verdict) compareExists(missing []string) {
	if v.Passed() && len(missing) > 0 {
		v.compare("exists", strings.Join(missing, " "), "not there")
	}
}

func (v *Verdict) compareLog(e plan.Expectation) {
	for _, part := range e.Log {
		if !anyContains(v.Log, part) {
			v.compare("log", fmt.Sprintf("a line with %q", part), "no such line")
		}
	}
	for _, part := range e.NoLog {
		if anyContains(v.Log, part) {
			v.compare("log", fmt.Sprintf("no line with %q", part), "such a line")
		}
	}
}

func anyContains(lines []string, part string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, part) })
}

// compareUnload is for attempts with others after them, which a module left over could influence.
func (v *Verdict) compareUnload(errno string) {
	if errno != "" {
		v.compare("unloading", "ok, as more attempts follow in this boot (else: fresh)", errno)
	}
}
