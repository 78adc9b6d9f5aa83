// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// profile is what we read of a profile of Bazel (--profile), in the format of Chrome's traces.
type profile struct {
	// critical is the length of the critical path, actions the sum of the times of all actions.
	critical, actions time.Duration
}

// Categories of events in a profile.
const (
	criticalCategory = "critical path component"
	actionCategory   = "action processing"
)

// readProfile reads a profile that is not compressed.
func readProfile(r io.Reader) (profile, error) {
	var trace struct {
		TraceEvents []struct {
			Cat string
			// Dur is in microseconds.
			Dur float64
		}
	}
	if err := json.NewDecoder(r).Decode(&trace); err != nil {
		return profile{}, fmt.Errorf("reading the profile: %w", err)
	}
	var p profile
	for _, event := range trace.TraceEvents {
		d := time.Duration(event.Dur * float64(time.Microsecond))
		switch event.Cat {
		case criticalCategory:
			p.critical += d
		case actionCategory:
			p.actions += d
		}
	}
	if p.critical == 0 {
		return p, errors.New("reading the profile: got no critical path in it")
	}
	return p, nil
}
