// SPDX-License-Identifier: Apache-2.0

package kconfig

import (
	"strings"
	"testing"
)

func parse(t *testing.T, file, text string) []Option {
	t.Helper()
	options, err := Parse(file, text)
	if err != nil {
		t.Fatal(err)
	}
	return options
}

func TestParse(t *testing.T) {
	text := "# a comment\n\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"x = y\"\n  CONFIG_D=0x10  \n"
	want := []Option{
		{"CONFIG_A", "y", "f:3"}, {"CONFIG_B", "n", "f:4"}, {"CONFIG_C", `"x = y"`, "f:5"}, {"CONFIG_D", "0x10", "f:6"},
	}
	got := parse(t, "f", text)
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{"A=y", "CONFIG_A", "CONFIG_=y", "CONFIG-A=y", "config CONFIG_A=y"} {
		_, err := Parse("f", "\n"+line)
		if err == nil || !strings.HasPrefix(err.Error(), "f:2: got \""+line+"\", want CONFIG_NAME=VALUE") {
			t.Errorf("%q: got the error %v", line, err)
		}
	}
}

func TestCompare(t *testing.T) {
	config := parse(t, ".config", "CONFIG_A=y\nCONFIG_M=m\n# CONFIG_N is not set\nCONFIG_S=\"s\"\n")
	wanted := parse(t, "f", "CONFIG_A=m\nCONFIG_A=y\nCONFIG_M=y\n# CONFIG_N is not set\nCONFIG_N=n\nCONFIG_ABSENT=y\n# CONFIG_GONE is not set\nCONFIG_S=\"t\"\n")
	want := []string{
		"f:3: CONFIG_M: got m, want y", "f:6: CONFIG_ABSENT: got n, want y", `f:8: CONFIG_S: got "s", want "t"`,
	}
	got := Compare(config, wanted)
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i].String() != want[i] {
			t.Errorf("got %s, want %s", got[i], want[i])
		}
	}
}

func TestEnabled(t *testing.T) {
	config := parse(t, ".config", "CONFIG_A=y\nCONFIG_M=m\n# CONFIG_N is not set\n")
	for name, want := range map[string]bool{"CONFIG_A": true, "CONFIG_M": true, "CONFIG_N": false, "CONFIG_X": false} {
		if got := Enabled(config, name); got != want {
			t.Errorf("%s: got %t, want %t", name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("CONFIG_A=y\n# CONFIG_B is not set\n")
	f.Add("# CONFIG_ is not set\nCONFIG_A=")
	f.Fuzz(func(t *testing.T, text string) {
		options, err := Parse("f", text)
		if err == nil && len(Compare(options, options)) != 0 {
			t.Errorf("%q differs from itself", text)
		}
	})
}
