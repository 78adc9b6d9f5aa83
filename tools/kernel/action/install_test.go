// SPDX-License-Identifier: Apache-2.0

package action

import (
	"slices"
	"testing"

	"rules_modhash/tools/archive/codec"
)

// TestCompressions checks that modules can be installed in each compression that the kernel loads, and no other.
func TestCompressions(t *testing.T) {
	want := []string{codec.None}
	for _, f := range codec.OfModules() {
		want = append(want, f.Name)
	}
	slices.Sort(want)
	if got := Compressions(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
