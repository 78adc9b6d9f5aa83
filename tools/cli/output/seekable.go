// SPDX-License-Identifier: Apache-2.0

package output

import (
	"io"
	"os"
)

// CreateSeekable stages a file that write fills in any order. The name of the file is temporary.
func (s *Set) CreateSeekable(path string, write func(*os.File) error) error {
	return s.CreateFile(path, func(w io.Writer) error { return write(w.(*os.File)) })
}
