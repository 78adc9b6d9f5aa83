// SPDX-License-Identifier: Apache-2.0

package modules

import (
	"os"
	"path/filepath"
	"testing"

	"rules_modhash/tools/merkle/trailer"
)

func TestStripPrefix(t *testing.T) {
	tests := []struct {
		name, prefix, want, wantErr string
	}{
		{name: "all of it", prefix: "lib/modules/7.2", want: "updates/kernel/a.ko"},
		{name: "a part", prefix: "lib", want: "updates/modules/7.2/kernel/a.ko"},
		{name: "none", prefix: "", want: "updates/lib/modules/7.2/kernel/a.ko"},
		{name: "another", prefix: "usr", wantErr: `//:m: DIR/lib/modules/7.2/kernel/a.ko.xz is not below "usr", the prefix to trim from paths in the directory`},
		{name: "half a name", prefix: "lib/modules/7", wantErr: `//:m: DIR/lib/modules/7.2/kernel/a.ko.xz is not below "lib/modules/7", the prefix to trim from paths in the directory`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			file := filepath.Join("DIR", "lib", "modules", "7.2", "kernel", "a.ko.xz")
			write(t, file)
			source := Source{Path: "DIR", InstallPath: "updates", StripPrefix: test.prefix, Existing: trailer.Keep, Label: "//:m"}
			found, err := Collect([]Source{source})
			if test.wantErr != "" {
				if err == nil || err.Error() != test.wantErr {
					t.Fatalf("got error %v, want %s", err, test.wantErr)
				}
				return
			}
			want := Module{File: file, InstallPath: test.want, Existing: trailer.Keep, Label: "//:m"}
			if err != nil || len(found.Modules) != 1 || found.Modules[0] != want {
				t.Errorf("got %+v, %v, want %+v", found.Modules, err, want)
			}
		})
	}
}

func TestStripPrefixOfFile(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.ko")
	_, err := Collect([]Source{{Path: "a.ko", StripPrefix: "lib", Label: "//:m"}})
	want := `//:m (a.ko) is a file: a prefix to trim ("lib") belongs to a directory`
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func write(t *testing.T, file string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("module"), 0o644); err != nil {
		t.Fatal(err)
	}
}
