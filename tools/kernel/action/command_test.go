// SPDX-License-Identifier: Apache-2.0

package action

import (
	"slices"
	"strings"
	"testing"
)

// command is what fixdep and Kbuild write for a file of a module.
const command = `savedcmd_drivers/net/dummy.o := gcc -c -o drivers/net/dummy.o drivers/net/dummy.c

source_drivers/net/dummy.o := drivers/net/dummy.c

deps_drivers/net/dummy.o := \
    $(wildcard include/config/NET) \
  include/linux/module.h \
  drivers/net/own.h \
  drivers/net/below/other.h \
  include/linux/drivers/net/odd.h \

drivers/net/dummy.o: $(deps_drivers/net/dummy.o)

$(deps_drivers/net/dummy.o):

drivers/net/dummy.o: $(wildcard ./tools/objtool/objtool)
#SYMVER dummy_symbol 0x12345678
`

func TestWithoutDependencies(t *testing.T) {
	got := string(withoutDependencies([]byte(command), func(name string) bool { return name == "drivers/net/own.h" }))
	want := strings.NewReplacer("    $(wildcard include/config/NET) \\\n", "", "  include/linux/module.h \\\n", "",
		"  drivers/net/below/other.h \\\n", "", "  include/linux/drivers/net/odd.h \\\n", "").Replace(command)
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSummedOf holds to parse_source_files of scripts/mod/sumversion.c: it takes a header whose path has the directory's
// name right before its last slash, wherever that is.
func TestSummedOf(t *testing.T) {
	got := summedOf("drivers/net/dummy.o", command)
	want := []string{"drivers/net/dummy.c", "drivers/net/own.h", "include/linux/drivers/net/odd.h"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzCommand(f *testing.F) {
	f.Add(command)
	f.Add("deps_x := \\\n a \\")
	f.Add("deps_\n\\\n")
	f.Fuzz(func(t *testing.T, text string) {
		if all := withoutDependencies([]byte(text), func(string) bool { return true }); string(all) != text {
			t.Errorf("got %q, want all of %q", all, text)
		}
		kept := string(withoutDependencies([]byte(text), func(string) bool { return false }))
		for line := range strings.Lines(text) {
			isKept := strings.Contains(kept, line)
			if !isKept && !strings.HasSuffix(strings.TrimRight(line, "\n"), `\`) {
				t.Errorf("%q is lost", line)
			}
		}
		summedOf("drivers/net/dummy.o", text)
	})
}
