// SPDX-License-Identifier: Apache-2.0

// Package record defines the messages from the program inside the kernel to the one outside: one line of JSON a
// record, written through the kernel's log, so that records and the kernel's own messages reach the
// serial console whole and in order.
package record

import (
	"encoding/json"
	"fmt"
	"strings"
)

// prefix starts a record. What is in front of it on the line is the kernel's timestamp.
const prefix = "boot-test: "

// maxLine is what fits into one record of the kernel's log (PRINTKRB_RECORD_MAX in
// kernel/printk/internal.h is 1024), with room for a level and a timestamp.
const maxLine = 960

// Kinds of records.
const (
	// Begin precedes an attempt.
	Begin = "begin"
	// Result follows an attempt.
	Result = "result"
	// Done is the last record: all attempts of the boot were made.
	Done = "done"
	// Failed is the last record when an attempt could not be made at all.
	Failed = "failed"
)

// Record is one message.
type Record struct {
	// Kind is Begin, Result, Done or Failed.
	Kind string `json:"kind"`
	// Attempt is the index of the attempt in the plan, for Begin and Result.
	Attempt int `json:"attempt"`
	// Outcome is what came of the attempt, for Result.
	Outcome *Outcome `json:"outcome,omitempty"`
	// Error states why nothing more comes, for Failed.
	Error string `json:"error,omitempty"`
}

// Outcome is what came of an attempt to load a module.
type Outcome struct {
	// Result is "ok" or the name of an errno.
	Result string `json:"result"`
	// Writes are the results of what the attempt wrote to files before the load, in order: each "ok" or the name of an errno.
	Writes []string `json:"writes,omitempty"`
	// Taint holds the letters, in alphabetical order, of taints that the loaded modules carry or that
	// the kernel took on.
	Taint string `json:"taint,omitempty"`
	// Loaded holds the names of modules that were not there before, in bytewise order.
	Loaded []string `json:"loaded,omitempty"`
	// Missing holds the paths that were expected to exist and did not.
	Missing []string `json:"missing,omitempty"`
	// Output is what a program that did the loading printed.
	Output string `json:"output,omitempty"`
	// Unload is the name of the errno with which unloading failed, or empty.
	Unload string `json:"unload,omitempty"`
}

// Format returns the record as one line without a line end. An error or output that does not fit is
// cut.
func (r Record) Format() (string, error) {
	line, err := r.format()
	if err != nil || len(line) <= maxLine {
		return line, err
	}
	r.cut(len(line) - maxLine)
	if line, err = r.format(); err == nil && len(line) > maxLine {
		return "", fmt.Errorf("writing a record: it has %d bytes, the kernel's log accepts %d", len(line), maxLine)
	}
	return line, err
}

func (r Record) format() (string, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("writing a record: %w", err)
	}
	return prefix + string(data), nil
}

// cut shortens the free texts by at least n bytes of JSON, if they are that long.
func (r *Record) cut(n int) {
	r.Error = shorten(r.Error, n)
	if r.Outcome != nil {
		outcome := *r.Outcome
		outcome.Output = shorten(outcome.Output, n)
		r.Outcome = &outcome
	}
}

const ellipsis = "..."

func shorten(s string, n int) string {
	if s == "" {
		return ""
	}
	keep := max(0, len(s)-n-len(ellipsis))
	return strings.ToValidUTF8(s[:keep], "") + ellipsis
}

// Parse finds the record in a line of the serial console. It returns nil if there is none, and an
// error for one that is damaged.
func Parse(line string) (*Record, error) {
	_, data, found := strings.Cut(line, prefix+"{")
	if !found {
		return nil, nil
	}
	r := &Record{}
	if err := json.Unmarshal([]byte("{"+strings.TrimRight(data, "\r\n")), r); err != nil {
		return nil, fmt.Errorf("reading a record: %w, in %q", err, line)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("reading a record: %w, in %q", err, line)
	}
	return r, nil
}

func (r Record) check() error {
	switch r.Kind {
	case Begin, Done, Failed:
	case Result:
		if r.Outcome == nil {
			return fmt.Errorf("got a %s without an outcome", r.Kind)
		}
	default:
		return fmt.Errorf("got the kind %q, want %s, %s, %s or %s", r.Kind, Begin, Result, Done, Failed)
	}
	return nil
}
