// SPDX-License-Identifier: Apache-2.0

package arch

import (
	"encoding/binary"
	"slices"
	"testing"
)

func TestNamed(t *testing.T) {
	for name, want := range map[string]string{
		"x86_64": "x86_64", "x86": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64", "riscv": "riscv64",
		"ppc64el": "ppc64le", "powerpc": "ppc64le", "s390": "s390x", "arm": "arm", "armhf": "arm",
	} {
		if a, err := Named(name); err != nil || a.Name != want {
			t.Errorf("%s: got %s, %v, want %s", name, a.Name, err, want)
		}
	}
	_, err := Named("vax")
	want := `unknown architecture "vax", want one of x86_64, arm64, riscv64, ppc64le, s390x, arm`
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %q", err, want)
	}
}

// TestNamesDiffer checks that no name, alias, target or CPU stands for two architectures.
func TestNamesDiffer(t *testing.T) {
	seen := map[any]string{}
	for _, a := range All {
		keys := []any{a.Name, a.Target, "image " + a.ImagePath(), "Debian " + a.Debian, "GCC " + a.CrossPrefix, "Go " + a.Go}
		for _, alias := range a.Aliases {
			keys = append(keys, alias)
		}
		for _, cpu := range a.CPUs {
			keys = append(keys, "CPU "+cpu)
		}
		for _, key := range keys {
			if other, ok := seen[key]; ok {
				t.Errorf("%v stands for both %s and %s", key, other, a.Name)
			}
			seen[key] = a.Name
		}
	}
}

func TestFindAndOf(t *testing.T) {
	for _, want := range All {
		if a, ok := Find(want.Name); !ok || a.Name != want.Name {
			t.Errorf("Find(%s): got %s, %v", want.Name, a.Name, ok)
		}
		if a, ok := Of(want.Target); !ok || a.Name != want.Name {
			t.Errorf("Of(%s): got %s, %v, want %s", want.Target, a.Name, ok, want.Name)
		}
	}
	if _, ok := Find("amd64"); ok {
		t.Error("Find: got an architecture for an alias")
	}
	if _, ok := Of(Target{}); ok {
		t.Error("Of: got an architecture for no target")
	}
	if got, want := Sorted(func(a Architecture) bool { return a.Target.ByteOrder() == binary.BigEndian }), []string{"s390x"}; !slices.Equal(got, want) {
		t.Errorf("Sorted: got %v, want %v", got, want)
	}
}
