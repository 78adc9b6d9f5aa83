// SPDX-License-Identifier: Apache-2.0

package release

import (
	"os"
	"testing"

	"github.com/bazelbuild/buildtools/build"
)

// TestVersionIsThatOfTheModule checks that a release changes both places.
func TestVersionIsThatOfTheModule(t *testing.T) {
	const name = "../../../MODULE.bazel"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file, err := build.ParseModule("MODULE.bazel", data)
	if err != nil {
		t.Fatal(err)
	}
	modules := file.Rules("module")
	if len(modules) != 1 {
		t.Fatalf("MODULE.bazel: got %d calls of module, want one", len(modules))
	}
	if want := modules[0].AttrString("version"); want != Version {
		t.Errorf("MODULE.bazel: got version %q, but tools/cli/release has %q, want the same in both", want, Version)
	}
}
