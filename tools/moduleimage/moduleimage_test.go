// SPDX-License-Identifier: Apache-2.0

package moduleimage

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeTree writes files with random contents: modules of all sizes around a block, and what depmod writes.
func writeTree(t *testing.T) (string, map[string][]byte) {
	t.Helper()
	random := rand.NewChaCha8([32]byte{1})
	files := map[string][]byte{"modules.dep": []byte("kernel/a.ko:\n"), "modules.builtin": nil}
	for i, size := range []int{1, 4095, 4096, 4097, 8192, 100_000} {
		data := make([]byte, size)
		_, _ = random.Read(data)
		files[fmt.Sprintf("kernel/drivers/%d/m%d.ko", i%3, i)] = data
	}
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, files
}

func writeImage(t *testing.T, dir string) (string, Image, error) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "modules.img"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	image, err := Write(t.Context(), out, dir)
	return out.Name(), image, err
}

func mustWrite(t *testing.T, dir string) (string, Image) {
	t.Helper()
	path, image, err := writeImage(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	return path, image
}

func TestRoundTrip(t *testing.T) {
	dir, files := writeTree(t)
	path, written := mustWrite(t, dir)
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Image != written {
		t.Errorf("got %+v, want what Write returned: %+v", r.Image, written)
	}
	if err := r.Verify(); err != nil {
		t.Error(err)
	}
	system, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = fs.WalkDir(system, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o644)
		if entry.IsDir() {
			want = fs.ModeDir | 0o755
		} else if data, err := fs.ReadFile(system, name); err != nil || !bytes.Equal(data, files[name]) {
			t.Errorf("%s: got %d bytes and the error %v, want the %d bytes that were written", name, len(data), err, len(files[name]))
		} else {
			found++
		}
		if info.Mode().Type()|info.Mode().Perm() != want || !info.ModTime().Equal(time.Unix(0, 0)) {
			t.Errorf("%s: got the mode %v and the time %v, want %v and 0", name, info.Mode(), info.ModTime(), want)
		}
		return nil
	})
	if err != nil || found != len(files) {
		t.Errorf("got %d files and the error %v, want %d files", found, err, len(files))
	}
}

// TestSameBytes writes the same files in another place, by other permissions and times, in another order, and through links.
func TestSameBytes(t *testing.T) {
	dir, files := writeTree(t)
	path, image := mustWrite(t, dir)
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	for name := range files {
		link := filepath.Join(other, name)
		if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(dir, name), link); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	path, again := mustWrite(t, other)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) || image != again {
		t.Errorf("got another image: %+v, want %+v", again, image)
	}
}

// TestRootHashes compares with what veritysetup(8) 2.6.1 prints for one block of zeros, and for 129, which have two levels of
// hashes: veritysetup format --salt=- FILE HASHES.
func TestRootHashes(t *testing.T) {
	for blocks, want := range map[int]string{
		1:   "ad7facb2586fc6e966c004d7d1d16b024f5805ff7cb47c7a85dabd8b48892ca7",
		129: "3e5d285ca1f11edfca6327028471f08b75634ff3361264b88d79ee2e95cacb84",
	} {
		path := filepath.Join(t.TempDir(), "data")
		if err := os.WriteFile(path, make([]byte, blocks*BlockSize), 0o644); err != nil {
			t.Fatal(err)
		}
		image, err := addTree(path, int64(blocks)*BlockSize)
		if err != nil {
			t.Fatal(err)
		}
		if got := image.RootHash.Hex; got != want {
			t.Errorf("%d blocks: got the root hash %s, want %s", blocks, got, want)
		}
	}
}

// TestChanged changes single bytes of all parts of an image, and the last one of each block.
func TestChanged(t *testing.T) {
	dir, _ := writeTree(t)
	path, image := mustWrite(t, dir)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var places []int
	for block := 0; block < len(data); block += BlockSize {
		places = append(places, block, block+BlockSize-1, block+random.IntN(BlockSize))
	}
	for i := range verifiedSuperblock {
		places = append(places, int(image.DataSize)+i)
	}
	for _, place := range places {
		data[place] ^= 1 << random.IntN(8)
		if got := check(t, data); got != nil && *got == image {
			t.Errorf("byte %d changed: got an image with the same root hash that verifies, want an error, or another root hash", place)
		}
		data, err = os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, changed := range map[string][]byte{
		"longer":         append(bytes.Clone(data), 0),
		"shorter":        data[:len(data)-1],
		"no tree":        data[:image.DataSize+BlockSize],
		"no superblock":  data[:image.DataSize],
		"half the files": data[:image.DataSize/2],
		"empty":          nil,
	} {
		if got := check(t, changed); got != nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
}

// verifiedSuperblock is the number of bytes of the superblock that TestChanged changes one by one.
const verifiedSuperblock = 512

// check opens and verifies an image, and returns nil if that fails.
func check(t *testing.T, data []byte) *Image {
	t.Helper()
	path := filepath.Join(t.TempDir(), "changed")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		return nil
	}
	defer r.Close()
	if r.Verify() != nil {
		return nil
	}
	return &r.Image
}

func TestWriteRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		add  func(dir string) error
		want string
	}{
		"link to a directory": {func(dir string) error { return os.Symlink("/usr", filepath.Join(dir, "build")) }, "neither a regular file nor a directory"},
		"broken link":         {func(dir string) error { return os.Symlink("missing", filepath.Join(dir, "a.ko")) }, "no such file"},
		"long name":           {func(dir string) error { return os.WriteFile(filepath.Join(dir, strings.Repeat("a", 255)), nil, 0o644) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := writeTree(t)
			if err := test.add(dir); err != nil {
				t.Fatal(err)
			}
			_, _, err := writeImage(t, dir)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got the error %v, want %q", err, test.want)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.ko"), []byte("module"), 0o644); err != nil {
		f.Fatal(err)
	}
	out, err := os.Create(filepath.Join(f.TempDir(), "modules.img"))
	if err != nil {
		f.Fatal(err)
	}
	defer out.Close()
	if _, err := Write(f.Context(), out, dir); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(out.Name())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		if err != nil {
			return
		}
		defer r.Close()
		_ = r.Verify()
		files, err := r.Files()
		if err != nil {
			return
		}
		_ = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				_, _ = fs.ReadFile(files, name)
			}
			return err
		})
	})
}
