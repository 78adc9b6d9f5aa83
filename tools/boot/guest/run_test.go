// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	want := strings.Repeat("x", 200<<10)
	if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFile(file); err != nil || string(got) != want {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
	}
	if _, err := ReadFile(file + ".no"); !errors.Is(err, fs.ErrNotExist) || err.Error() != "open "+file+".no: no such file or directory" {
		t.Errorf("got error %v, want that there is no such file", err)
	}
}

func TestRun(t *testing.T) {
	output := filepath.Join(t.TempDir(), "output")
	for _, test := range []struct {
		script, printed string
		status          int
	}{
		{"echo out; echo err >&2", "out\nerr\n", 0},
		{"exit 3", "", 3},
		{"kill -9 $$", "", 128 + 9},
	} {
		status, printed, err := run("/bin/sh", []string{"sh", "-c", test.script}, output)
		if err != nil || status != test.status || printed != test.printed {
			t.Errorf("%s: got %d, %q, %v, want %d, %q", test.script, status, printed, err, test.status, test.printed)
		}
	}
	const want = "exec /nowhere: no such file or directory"
	if _, _, err := run("/nowhere", []string{"nowhere"}, output); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}
