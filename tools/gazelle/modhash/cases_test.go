// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"bytes"
	"flag"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what is got as what is wanted into testdata/cases")

// TestCases runs over small repositories. The last file of each, "want", is what is logged
// and the BUILD files that are written. A second run changes nothing.
func TestCases(t *testing.T) {
	names, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("got cases %q and error %v, want some in testdata/cases", names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := &a.Files[len(a.Files)-1]
			root := writeArchive(t, a.Files[:len(a.Files)-1])
			logged, written := runLogged(t, root)
			got := logged + written
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want.Name != "want" || got != string(want.Data) {
				t.Errorf("got\n%swant\n%sIf that is right, run: go test ./tools/gazelle/modhash -run TestCases -update",
					got, want.Data)
			}
			if _, again := runLogged(t, root); again != written {
				t.Errorf("got\n%safter a second run, want what the first one wrote", again)
			}
		})
	}
}

// writeArchive makes a repository.
func writeArchive(t *testing.T, files []txtar.File) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range files {
		writeFile(t, filepath.Join(root, filepath.FromSlash(f.Name)), string(f.Data))
	}
	return root
}

// runLogged runs over a repository, and returns what was logged and written. Lines of the
// files that all have in common are left out.
func runLogged(t *testing.T, root string, flags ...string) (logged, written string) {
	t.Helper()
	var b bytes.Buffer
	log.SetOutput(&b)
	log.SetFlags(0)
	defer log.SetOutput(os.Stderr)
	text := gazelle(t, root, flags...).write(t)
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "load(") && !strings.Contains(line, "visibility =") && line != "\n" {
			written += strings.ReplaceAll(line, "-- ", "* ")
		}
	}
	return strings.ReplaceAll(b.String(), root, "ROOT"), strings.ReplaceAll(written, " --\n", "\n")
}
