// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"regexp"
	"strings"
)

// Serial is what a serial log states.
type Serial struct {
	// Attempts are those that began, in order.
	Attempts []Attempt
	// Started reports that at least one record was there.
	Started bool
	// Done reports that the last record was there.
	Done bool
	// Error is why the program in the kernel gave up, or empty.
	Error string
	// Panic is the line with which the kernel gave up, or empty.
	Panic string
	// Root is the root of modules that the kernel logged, as "LEVELS HEX", or empty.
	Root string
}

// Attempt is what a serial log states of one attempt.
type Attempt struct {
	// Index is the attempt's in the plan.
	Index int
	// Outcome is nil if the attempt has no end.
	Outcome *Outcome
	// Log holds the lines between begin and end, with their time stamps, empty ones left out.
	Log []string
}

// panicTexts start what the kernel prints when it gives up (kernel/panic.c).
var panicTexts = []string{"Kernel panic - not syncing", "end Kernel panic"}

// rootText is how a kernel with CONFIG_MODULE_HASHES states its root (kernel/module/hashes.c).
var rootText = regexp.MustCompile(`module hashes: (\d+) levels, root ([0-9a-f]+)$`)

// ParseSerial reads the serial log of one boot. Lines end in "\n" or "\r\n". A damaged record or
// records out of order are an error.
func ParseSerial(log string) (*Serial, error) {
	s := &Serial{}
	for number, line := range strings.Split(log, "\n") {
		if err := s.add(strings.TrimRight(line, "\r")); err != nil {
			return nil, fmt.Errorf("serial log, line %d: %w", number+1, err)
		}
	}
	return s, nil
}

func (s *Serial) add(line string) error {
	r, err := Parse(line)
	if err != nil {
		return err
	}
	if r == nil {
		s.addText(line)
		return nil
	}
	s.Started = true
	return s.addRecord(r)
}

// open returns the attempt that has begun and not ended, or nil.
func (s *Serial) open() *Attempt {
	if n := len(s.Attempts); n > 0 && s.Attempts[n-1].Outcome == nil {
		return &s.Attempts[n-1]
	}
	return nil
}

func (s *Serial) addText(line string) {
	for _, text := range panicTexts {
		if s.Panic == "" && strings.Contains(line, text) {
			s.Panic = line
		}
	}
	if root := rootText.FindStringSubmatch(line); root != nil && s.Root == "" {
		s.Root = root[1] + " " + root[2]
	}
	if a := s.open(); a != nil && line != "" {
		a.Log = append(a.Log, line)
	}
}

func (s *Serial) addRecord(r *Record) error {
	open := s.open()
	switch {
	case s.Done:
		return fmt.Errorf("got the record %q after the last one", r.Kind)
	case r.Kind == Begin && open != nil:
		return fmt.Errorf("got the begin of attempt %d before the end of attempt %d", r.Attempt, open.Index)
	case r.Kind == Begin:
		s.Attempts = append(s.Attempts, Attempt{Index: r.Attempt})
	case r.Kind == Result && (open == nil || open.Index != r.Attempt):
		return fmt.Errorf("got the end of attempt %d, which has not begun", r.Attempt)
	case r.Kind == Result:
		open.Outcome = r.Outcome
	case r.Kind == Failed:
		s.Error = r.Error
	case r.Kind == Done && open != nil:
		return fmt.Errorf("got the last record before the end of attempt %d", open.Index)
	case r.Kind == Done:
		s.Done = true
	}
	return nil
}
