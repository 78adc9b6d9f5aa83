// SPDX-License-Identifier: Apache-2.0

package kmake

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// rustc takes the place of Rust's compiler. What comes last counts, so code of the kernel has the mapping of KRUSTFLAGS.
const rustc = `#!/bin/sh
exec '%s' --remap-path-prefix='%s=/linux' "$@"
`

// MapRust has Rust's compiler, if there is one, put no path of the tree into what it makes: Kbuild has no variable for the flags of
// macros, which are programs of the build, and the code that uses them is another one when they are.
func (t *Tree) MapRust() error {
	real, err := exec.LookPath("rustc")
	if errors.Is(err, exec.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	dir := filepath.Join(filepath.Dir(t.Dir), "programs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	t.programs = dir
	return os.WriteFile(filepath.Join(dir, "rustc"), fmt.Appendf(nil, rustc, real, t.Dir), 0o755)
}
