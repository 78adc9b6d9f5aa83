// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/system/unpack"
)

// account counts what is in a directory apart from modules, and reports what may hold some: archives, images, devices.
func (in *Input) account(found modules.Listing) {
	in.Others = len(found.Others)
	for _, u := range found.NotExamined {
		in.NotExamined = append(in.NotExamined, Unexamined{u.File, u.Reason})
	}
	for _, o := range found.Others {
		reason := ""
		switch {
		case o.Mode.IsRegular():
			reason = holds(o.File)
		case o.Mode&(fs.ModeSymlink|fs.ModeDir) == 0:
			reason = special(o.Mode)
		}
		if reason != "" {
			in.NotExamined = append(in.NotExamined, Unexamined{o.File, reason})
		}
	}
}

// special states what a file is that has no contents.
func special(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeDevice != 0:
		return "is a device"
	case mode&fs.ModeNamedPipe != 0:
		return "is a named pipe"
	case mode&fs.ModeSocket != 0:
		return "is a socket"
	}
	return "is not a regular file"
}

// holds states why a file may hold modules, "" if it does not.
func holds(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Sprintf("cannot be read: %v", err)
	}
	defer f.Close()
	return unpack.Holds(filepath.Base(file), f)
}
