// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCompareIsTheOrderOfArchives(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{"a/b", "a/b.c", "a-b", "a.c", "aa", "a/b-c/d", "a/b0", "B", "a\x01b", "z/a/b/c", "z/a.b"} {
		write(t, root, path, "", 0o644)
	}
	var walked []string
	err := Walk(root, all, func(path string, _ fs.FileInfo) error {
		walked = append(walked, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sorted := slices.Clone(walked)
	slices.Reverse(sorted)
	slices.SortFunc(sorted, Compare)
	if !slices.Equal(walked, sorted) {
		t.Errorf("got %q, want %q as files are walked", sorted, walked)
	}
}

// treeOf is the tree of an archive in memory.
func treeOf(data []byte) Tree {
	return func(wanted func(Entry) bool, visit func(Entry, io.Reader) error) error {
		return Read(bytes.NewReader(data), wanted, visit)
	}
}

func TestWriteWhatWasRead(t *testing.T) {
	data := pack(t, sampleTree(t), all)
	var b bytes.Buffer
	if err := Write(&b, treeOf(data)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), data) {
		t.Error("an archive that is read and written has other bytes")
	}
}

// archiveAt opens an archive in memory.
func archiveAt(t *testing.T, data []byte) *Archive {
	t.Helper()
	a, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// changesOf reads changes.
func changesOf(t *testing.T, root string, replaced ...string) *Changes {
	t.Helper()
	set := map[string]bool{}
	for _, path := range replaced {
		set[path] = true
	}
	changes, err := ReadChanges(root, set)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func TestApply(t *testing.T) {
	root, changes := t.TempDir(), t.TempDir()
	for _, path := range []string{"a", "b/c", "d", "e"} {
		write(t, root, path, "old", 0o644)
	}
	write(t, changes, "b/c", "new", 0o755)
	write(t, changes, "b.c", "added", 0o644)
	write(t, changes, "z", "last", 0o644)
	if err := os.Symlink("a", filepath.Join(changes, "A")); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	tree := changesOf(t, changes, "b/c", "d").Apply(treeOf(pack(t, root, all)))
	if err := Write(&got, tree); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(root, "d")), os.Remove(filepath.Join(root, "b/c"))); err != nil {
		t.Fatal(err)
	}
	write(t, root, "b/c", "new", 0o755)
	write(t, root, "b.c", "added", 0o644)
	write(t, root, "z", "last", 0o644)
	if err := os.Symlink("a", filepath.Join(root, "A")); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), pack(t, root, all)) {
		t.Error("the tree with changes is not what the changed tree is packed as")
	}
}

func TestApplyReportsErrors(t *testing.T) {
	wrong := errors.New("wrong")
	none := changesOf(t, t.TempDir())
	err := none.Apply(treeOf(pack(t, sampleTree(t), all)))(All, func(Entry, io.Reader) error { return wrong })
	if !errors.Is(err, wrong) {
		t.Errorf("got %v, want the error of the visit", err)
	}
	err = Write(io.Discard, none.Apply(treeOf([]byte("garbage"))))
	if err == nil || !strings.Contains(err.Error(), "reading the tree archive") {
		t.Errorf("got %v, want that the archive cannot be read", err)
	}
}

// files is a tree in memory: contents by path, where "-> " begins the target of a symbolic link.
type files map[string]string

func (f files) tree(wanted func(Entry) bool, visit func(Entry, io.Reader) error) error {
	for _, path := range slices.SortedFunc(maps.Keys(f), Compare) {
		entry := Entry{Path: path, Size: int64(len(f[path]))}
		if target, ok := strings.CutPrefix(f[path], "-> "); ok {
			entry = Entry{Path: path, Target: target}
		}
		if !wanted(entry) {
			continue
		}
		if err := visit(entry, strings.NewReader(f[path])); err != nil {
			return err
		}
	}
	return nil
}

func (f files) pack(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, f.tree); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// randomPath is a path that others are near to.
func randomPath(random *rand.Rand) string {
	return fmt.Sprintf("d%d/e%d/f%d.c", random.IntN(4), random.IntN(8), random.IntN(200))
}

func randomFiles(random *rand.Rand, n int) files {
	f := files{}
	for range n {
		f[randomPath(random)] = fmt.Sprint(random.Uint64())
	}
	for path := range f {
		if random.IntN(300) == 0 {
			f[path] = "-> " + path
		}
	}
	return f
}

// change changes entries at random, and those at the ends of chunks, and writes the changes below root. It returns the
// paths that are replaced.
func (f files) change(t *testing.T, random *rand.Rand, chunks []chunk, root string, n int) []string {
	t.Helper()
	paths := []string{}
	for range n {
		paths = append(paths, randomPath(random))
		if c := chunks[random.IntN(len(chunks))]; c.first != "" && random.IntN(3) == 0 {
			paths = append(paths, c.first)
		}
	}
	for _, path := range paths {
		delete(f, path)
		_ = os.Remove(filepath.Join(root, path))
		if random.IntN(2) == 0 {
			f[path] = fmt.Sprint("changed ", random.Uint64())
			write(t, root, path, f[path], 0o644)
		}
	}
	return paths
}

func TestWriteChangedIsWhatTheChangedTreeIsWrittenAs(t *testing.T) {
	for seed := range uint64(60) {
		random, root := rand.New(rand.NewPCG(seed, 0)), t.TempDir()
		f := randomFiles(random, random.IntN(4000))
		archive := archiveAt(t, f.pack(t))
		replaced := f.change(t, random, archive.chunks, root, random.IntN(20))
		var got bytes.Buffer
		if err := archive.WriteChanged(&got, changesOf(t, root, replaced...)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), f.pack(t)) {
			t.Errorf("seed %d: %d chunks, changes %q: the bytes are others", seed, len(archive.chunks), replaced)
		}
	}
}

func TestWriteChangedOfAllEntries(t *testing.T) {
	f := randomFiles(rand.New(rand.NewPCG(1, 1)), 3000)
	data := f.pack(t)
	var got bytes.Buffer
	if err := archiveAt(t, data).WriteChanged(&got, changesOf(t, t.TempDir(), slices.Collect(maps.Keys(f))...)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), files{}.pack(t)) {
		t.Error("a tree without entries is not written as such")
	}
}

func TestNearHasLinksPathsAndWhatIsBelow(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	f := randomFiles(random, 4000)
	archive := archiveAt(t, f.pack(t))
	for range 200 {
		path := randomPath(random)
		if random.IntN(2) == 0 {
			path = filepath.Dir(path)
		}
		got := files{}
		entries := 0
		err := archive.Near(map[string]bool{path: true})(All, func(entry Entry, r io.Reader) error {
			entries++
			if entry.IsLink() {
				got[entry.Path] = "-> " + entry.Target
				return nil
			}
			data, err := io.ReadAll(r)
			got[entry.Path] = string(data)
			return err
		})
		if err != nil || entries == len(f) {
			t.Fatalf("got all %d entries, %v, want a part of them", entries, err)
		}
		for name, contents := range f {
			wanted := name == path || strings.HasPrefix(name, path+"/") || strings.HasPrefix(contents, "-> ")
			if wanted && got[name] != contents {
				t.Errorf("near %s: got %q of %s, want %q", path, got[name], name, contents)
			}
		}
	}
}

func TestOpenReportsWhatIsNoArchive(t *testing.T) {
	whole := randomFiles(rand.New(rand.NewPCG(3, 3)), 2000).pack(t)
	second := archiveAt(t, whole).chunks[1]
	start := second.offset - int64(frameHeader+fixedHeader+len(second.first))
	disordered := append(bytes.Clone(whole[start:second.offset+second.size]), whole...)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"garbage":       {[]byte("what is no archive at all"), "got no description of a chunk at byte 0"},
		"empty":         {nil, "unexpected EOF"},
		"without end":   {whole[:second.offset+second.size], "unexpected EOF"},
		"half a chunk":  {whole[:second.offset+5], "got a chunk of "},
		"another order": {disordered, "want them in order"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(bytes.NewReader(c.data), int64(len(c.data)))
			if err == nil || !strings.Contains(err.Error(), "reading the tree archive: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
