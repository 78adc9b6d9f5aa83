// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_modhash/tools/kernel/treearchive"
)

const driver = `#include <linux/module.h>

static int x;
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A driver");
`

func TestInsertInto(t *testing.T) {
	c, err := insertInto("drivers/net/x.c", []byte(driver), `MODULE_DESCRIPTION("`, 3)
	if err != nil {
		t.Fatal(err)
	}
	const want = `diff a/drivers/net/x.c b/drivers/net/x.c
--- a/drivers/net/x.c
+++ b/drivers/net/x.c
@@ -2,4 +2,4 @@
 
 static int x;
 MODULE_LICENSE("GPL");
-MODULE_DESCRIPTION("A driver");
+MODULE_DESCRIPTION("edit 3: A driver");
`
	if got := string(patchOf(c)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, after := range []string{"absent", "MODULE_"} {
		if _, err := insertInto("x.c", []byte(driver), after, 1); err == nil || !strings.Contains(err.Error(), "want it once") {
			t.Errorf("%s: got %v", after, err)
		}
	}
}

func TestInsertLine(t *testing.T) {
	const header = "#ifndef X_H\n#define X_H\n#define Y 1\nint x;\n#endif\n"
	c, err := insertLine("x.h", []byte(header), 7)
	if err != nil {
		t.Fatal(err)
	}
	const want = "#ifndef X_H\n#define X_H\n" +
		`asm(".pushsection .modinfo, \"a\"\n\t.asciz \"bench=edit 7\"\n\t.popsection");` + "\n#define Y 1\nint x;\n#endif\n"
	if string(c.new) != want {
		t.Errorf("got\n%swant\n%s", c.new, want)
	}
	if _, err := insertLine("x.h", []byte("int x;\n"), 1); err == nil {
		t.Error("got no error for a header without a guard")
	}
}

// TestPatchApplies applies patches by patch itself, as the action does: also to a file without a newline at its end.
func TestPatchApplies(t *testing.T) {
	program, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("no patch on this machine")
	}
	changes := []change{
		{"fs/a.c", []byte(driver), []byte(strings.ReplaceAll(driver, "x", "y"))},
		{"mm/b.h", []byte("1\n2\n3"), []byte("1\n3\n4")},
	}
	dir := t.TempDir()
	for _, c := range changes {
		path := filepath.Join(dir, c.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, c.old, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "--strip=1", "--fuzz=0", "--batch", "--forward")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(patchOf(changes...))
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, c := range changes {
		if got, err := os.ReadFile(filepath.Join(dir, c.path)); err != nil || !bytes.Equal(got, c.new) {
			t.Errorf("%s: got %q, %v, want %q", c.path, got, err, c.new)
		}
	}
}

// archiveOf writes a tree archive.
func archiveOf(t *testing.T, files ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tree.tar.zst")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	err = treearchive.Create(file, func(w *treearchive.Writer) error {
		for i := 0; i < len(files); i += 2 {
			if err := w.Put(treearchive.Entry{Path: files[i], Size: int64(len(files[i+1]))}, strings.NewReader(files[i+1])); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestChangesBetween(t *testing.T) {
	before := archiveOf(t, "Makefile", "1", "fs/a.c", "1", "fs/b.c", "1", "fs/removed.c", "1", "fs/x.h", "1", "tools/t.c", "1")
	after := archiveOf(t, "Makefile", "2", "fs/a.c", "2", "fs/added.c", "2", "fs/b.c", "1", "fs/x.h", "2", "tools/t.c", "2")
	got, err := changesBetween(before, after)
	if err != nil {
		t.Fatal(err)
	}
	if names := pathsOf(got); !slices.Equal(names, []string{"fs/a.c", "fs/x.h"}) {
		t.Fatalf("got %v, want the changed sources that both trees have", names)
	}
	if string(got[0].old) != "1" || string(got[0].new) != "2" {
		t.Errorf("got %q and %q, want the contents before and after", got[0].old, got[0].new)
	}
	if names := pathsOf(withExtension(got, ".c")); !slices.Equal(names, []string{"fs/a.c"}) {
		t.Errorf("got %v, want fs/a.c", names)
	}
	if names := pathsOf(without(got, []string{"fs/a.c"})); !slices.Equal(names, []string{"fs/x.h"}) {
		t.Errorf("got %v, want fs/x.h", names)
	}
}

func pathsOf(changes []change) []string {
	var names []string
	for _, c := range changes {
		names = append(names, c.path)
	}
	return names
}

func TestDraw(t *testing.T) {
	var changes []change
	for i := range 90 {
		changes = append(changes, change{path: string(rune('a'+i%26)) + strings.Repeat("x", i) + ".c"})
	}
	for i := range 10 {
		changes = append(changes, change{path: strings.Repeat("h", i+1) + ".h"})
	}
	got := pathsOf(draw(changes, 20, 1))
	if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(pathsOf(changes)))) {
		t.Error("got other files than those that were handed over")
	}
	headers := 0
	for _, name := range got[:20] {
		if strings.HasSuffix(name, ".h") {
			headers++
		}
	}
	if headers != 2 {
		t.Errorf("got %d headers among the first 20, want 2 as a tenth of all are headers", headers)
	}
	if again := pathsOf(draw(changes, 20, 1)); !slices.Equal(again, got) {
		t.Error("the same seed gives another order")
	}
	if other := pathsOf(draw(changes, 20, 2)); slices.Equal(other, got) {
		t.Error("another seed gives the same order")
	}
	few := pathsOf(draw(changes[:91], 5, 1))
	if !slices.ContainsFunc(few[:5], func(name string) bool { return strings.HasSuffix(name, ".h") }) {
		t.Errorf("got %v first, want a header among them", few[:5])
	}
}

func TestFailing(t *testing.T) {
	changes := []change{{path: "drivers/net/a.c"}, {path: "fs/b.c"}, {path: "fs/fine.c"}, {path: "mm/c.c"}, {path: "net/d.c"}}
	const message = `ERROR: Compiling shard drivers/net failed
drivers/net/a.c:12:3: error: implicit declaration of function 'f'
make[3]: *** [scripts/Makefile.build:287: fs/b.o] Error 1
In file included from ./include/linux/x.h:3,
                 from mm/c.c:1:
include/linux/y.h:1:1: error: unknown type
scripts/Makefile:5: fs/fine.c is mentioned
`
	if got, want := failing(message, changes), []string{"drivers/net/a.c", "fs/b.c", "mm/c.c"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
