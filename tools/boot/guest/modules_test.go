// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"reflect"
	"testing"
)

// Lines as Linux 7.2 writes them.
const procModules = `dummy 16384 0 - Live 0x0000000000000000 (OE)
jbd2 200704 1 ext4, Live 0x0000000000000000
crc16 12288 1 ext4, Unloading 0x0000000000000000 (E-)
`

func TestParseModules(t *testing.T) {
	got, err := parseModules(procModules)
	want := []loadedModule{{"dummy", "OE"}, {"jbd2", ""}, {"crc16", "E"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestParseModulesError(t *testing.T) {
	const want = `reading /proc/modules: got "dummy 16384\n", want at least six fields`
	if _, err := parseModules("dummy 16384\n"); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestNewModules(t *testing.T) {
	before := []loadedModule{{"a", ""}, {"b", "E"}}
	after := []loadedModule{{"d", "E"}, {"b", "E"}, {"c", ""}, {"a", ""}}
	want := []loadedModule{{"d", "E"}, {"c", ""}}
	if got := newModules(before, after); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTaintGained(t *testing.T) {
	const unsigned, outOfTree, warned = 1 << 13, 1 << 12, 1 << 9
	for _, test := range []struct {
		name          string
		before, after uint64
		added         []loadedModule
		want          string
	}{
		{"clean", 0, 0, []loadedModule{{"a", ""}}, ""},
		{"first unsigned one", 0, unsigned, []loadedModule{{"a", "E"}}, "E"},
		{"another unsigned one", unsigned, unsigned, []loadedModule{{"a", "OE"}}, "EO"},
		{"sealed one in a tainted kernel", unsigned | outOfTree, unsigned | outOfTree, []loadedModule{{"a", ""}}, ""},
		{"warning while refused", unsigned, unsigned | warned, nil, "W"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := taintGained(&state{taint: test.before}, &state{taint: test.after}, test.added)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
