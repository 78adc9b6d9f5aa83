// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"strconv"
	"strings"

	"rules_modhash/tools/boot/plan"
)

// loadedModule is a line of /proc/modules.
type loadedModule struct {
	name string
	// taint holds the letters that the kernel shows, in its order.
	taint string
}

// parseModules reads /proc/modules (m_show, kernel/module/procfs.c): name, size, references, users,
// state, address, and in brackets the taints, where there are some. The newest module comes first.
func parseModules(text string) ([]loadedModule, error) {
	var modules []loadedModule
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 6 {
			return nil, fmt.Errorf("reading /proc/modules: got %q, want at least six fields", line)
		}
		m := loadedModule{name: fields[0]}
		if len(fields) > 6 {
			// In brackets there may be "+" or "-" too: a module that comes or goes.
			m.taint = strings.Trim(fields[6], "()+-")
		}
		modules = append(modules, m)
	}
	return modules, nil
}

// newModules returns those of after that before has not, in the order of after.
func newModules(before, after []loadedModule) []loadedModule {
	known := map[string]bool{}
	for _, m := range before {
		known[m.name] = true
	}
	var added []loadedModule
	for _, m := range after {
		if !known[m.name] {
			added = append(added, m)
		}
	}
	return added
}

// state is what a load may change.
type state struct {
	modules []loadedModule
	taint   uint64
}

func readState() (*state, error) {
	text, err := ReadFile("/proc/modules")
	if err != nil {
		return nil, err
	}
	modules, err := parseModules(string(text))
	if err != nil {
		return nil, err
	}
	mask, err := ReadFile("/proc/sys/kernel/tainted")
	if err != nil {
		return nil, fmt.Errorf("%w (the kernel needs CONFIG_PROC_SYSCTL, since Linux 7.3 CONFIG_SYSCTL)", err)
	}
	taint, err := strconv.ParseUint(strings.TrimSpace(string(mask)), 10, 64)
	return &state{modules, taint}, err
}

// taintGained returns the letters of taints that the modules carry or that the kernel took on.
func taintGained(before, after *state, added []loadedModule) string {
	letters := plan.TaintOfMask(after.taint &^ before.taint)
	for _, m := range added {
		letters += m.taint
	}
	return plan.SortTaint(letters)
}
