// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"rules_modhash/tools/boot/plan"
	"rules_modhash/tools/boot/record"
)

// A directory is a module that cannot be read: the tests load none.
func TestPrepareAndLoad(t *testing.T) {
	dir := t.TempDir()
	existing := filepath.Join(dir, "existing")
	if err := os.WriteFile(existing, []byte("a long text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		attempt plan.Attempt
		want    record.Outcome
	}{
		{"module that cannot be read", plan.Attempt{Module: dir}, record.Outcome{Result: "EISDIR"}},
		{"writes", plan.Attempt{Module: dir, Write: []plan.FileWrite{
			{Path: existing, Text: "0"}, {Path: dir, Text: "0"}, {Path: dir + "/no", Text: "0"},
		}},
			record.Outcome{Result: "EISDIR", Writes: []string{"ok", "EISDIR", "ENOENT"}}},
		{"copy that cannot be read", plan.Attempt{Copy: []plan.FileCopy{{From: dir, To: dir + "/copy"}}, Module: dir + "/copy"},
			record.Outcome{Result: "EISDIR"}},
		{"copy that cannot be written", plan.Attempt{Copy: []plan.FileCopy{{From: existing, To: dir}}, Module: "/no"},
			record.Outcome{Result: "EISDIR"}},
		{"volume that cannot be read", plan.Attempt{Module: "/volumes/v/m.ko", Write: []plan.FileWrite{{Path: existing, Text: "1"}}},
			record.Outcome{Result: "EIO", Writes: []string{"ok"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.attempt.Via = plan.InitModule
			got, err := prepareAndLoad(test.attempt, volumes{"v": unix.EIO})
			if err != nil || !reflect.DeepEqual(*got, test.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
	if got, err := os.ReadFile(existing); err != nil || string(got) != "1" {
		t.Errorf("got %q, %v, want what was written last", got, err)
	}
}

func TestMissingFiles(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "m.ko")
	for name, attempt := range map[string]plan.Attempt{
		"finit_module": {Module: missing},
		"init_module":  {Module: missing, Via: plan.InitModule},
		"copy":         {Module: "/", Copy: []plan.FileCopy{{From: missing, To: "/nowhere"}}},
	} {
		if got, err := prepareAndLoad(attempt, nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %+v, %v, want the error that the file does not exist", name, got, err)
		}
	}
}

func TestCopy(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := errors.Join(os.WriteFile(from, []byte("new"), 0o600), os.WriteFile(to, []byte("longer"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := copyFiles([]plan.FileCopy{{From: from, To: to}, {From: to, To: to + "2"}}); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{to, to + "2"} {
		if got, err := os.ReadFile(file); err != nil || string(got) != "new" {
			t.Errorf("%s: got %q, %v, want the copy", file, got, err)
		}
	}
}

func TestSetUpError(t *testing.T) {
	image := filepath.Join(t.TempDir(), "no")
	want := `volume "v": open ` + image + `: no such file or directory (` + volumesNeed + ")"
	if _, err := setUp([]plan.Volume{{Name: "v", Image: image}}); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}
