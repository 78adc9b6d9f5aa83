// SPDX-License-Identifier: Apache-2.0

// Package runfile finds the files that a test's target declares.
package runfile

import (
	"os"
	"path/filepath"
	"testing"
)

// Path returns the absolute path of a file or directory that an environment variable of the test names, by its path from
// the top of the repository ($(rootpath) in the target's env).
func Path(t *testing.T, variable string) string {
	t.Helper()
	name := os.Getenv(variable)
	if name == "" {
		t.Fatalf("%s: got no path of a runfile, want one in the target's env", variable)
	}
	return At(name)
}

// At returns the absolute path of a file or directory, by its path from the top of the repository.
func At(name string) string {
	return filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"), name)
}
