// SPDX-License-Identifier: Apache-2.0

// Package guest makes the attempts of a boot plan on the kernel that it runs on, and reports what came
// of them through the kernel's log. It is meant for process 1 of a virtual machine and takes modules
// out again that it loaded.
package guest

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"rules_modhash/tools/boot/plan"
	"rules_modhash/tools/boot/record"
)

// Run mounts the volumes of the plan, makes the attempts of one boot and reports each. The boot is an index into
// Plan.Boots.
func Run(p *plan.Plan, boot int, report func(record.Record) error) error {
	boots := p.Boots()
	if boot < 0 || boot >= len(boots) {
		return fmt.Errorf("got the boot %d, want one of the %d in the plan", boot, len(boots))
	}
	volumes, err := setUp(p.Volumes)
	if err != nil {
		return err
	}
	for i, a := range boots[boot].Attempts {
		index := boots[boot].First + i
		if err := runOne(a, volumes, index, report); err != nil {
			return fmt.Errorf("attempt %d (%q): %w", index+1, a.Name, err)
		}
	}
	return report(record.Record{Kind: record.Done})
}

func runOne(a plan.Attempt, v volumes, index int, report func(record.Record) error) error {
	if err := report(record.Record{Kind: record.Begin, Attempt: index}); err != nil {
		return err
	}
	outcome, err := try(a, v)
	if err != nil {
		return err
	}
	return report(record.Record{Kind: record.Result, Attempt: index, Outcome: outcome})
}

// try loads a module, looks at what changed, and unloads what was loaded. A module that does not load
// is an outcome, not an error.
func try(a plan.Attempt, v volumes) (*record.Outcome, error) {
	before, err := readState()
	if err != nil {
		return nil, err
	}
	outcome, err := prepareAndLoad(a, v)
	if err != nil {
		return nil, err
	}
	after, err := readState()
	if err != nil {
		return nil, err
	}
	added := newModules(before.modules, after.modules)
	outcome.Taint = taintGained(before, after, added)
	for _, m := range added {
		outcome.Loaded = append(outcome.Loaded, m.name)
	}
	outcome.Missing = missing(a.Expect.Exists)
	outcome.Unload = unload(outcome.Loaded)
	slices.Sort(outcome.Loaded)
	return outcome, nil
}

func missing(paths []string) []string {
	var out []string
	for _, path := range paths {
		if err := unix.Access(path, unix.F_OK); err != nil {
			out = append(out, path)
		}
	}
	return out
}

// unload takes modules out, in the order given, and returns the name of the first errno, or "".
func unload(names []string) string {
	for _, name := range names {
		if err := unix.DeleteModule(name, unix.O_NONBLOCK); err != nil {
			return nameOf(err)
		}
	}
	return ""
}

// nameOf returns the name of the errno that an error wraps.
func nameOf(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return plan.ErrnoName(errno)
	}
	return err.Error()
}
