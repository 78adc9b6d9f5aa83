// SPDX-License-Identifier: Apache-2.0

package output

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

var errWriting = errors.New("disk full")

func failing(w io.Writer) error {
	_, err := io.WriteString(w, "half")
	return errors.Join(err, errWriting)
}

// tree lists everything below the working directory with modes and contents.
func tree(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		data, _ := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %s %s\n", info.Mode(), path, data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func wantTree(t *testing.T, want string) {
	t.Helper()
	if got := tree(t); got != want {
		t.Errorf("files are\n%swant\n%s", got, want)
	}
}

// TestModes makes the same files under several umasks.
func TestModes(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077, 0o777} {
		t.Run(fmt.Sprintf("%03o", umask), func(t *testing.T) {
			t.Chdir(t.TempDir())
			old := syscall.Umask(umask)
			defer syscall.Umask(old)
			var s Set
			if err := s.WriteFile("file", []byte("contents")); err != nil {
				t.Fatal(err)
			}
			d, err := s.Dir("dir")
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Create("a/b/c", text("deep")); err != nil {
				t.Fatal(err)
			}
			if err := d.Append("a/b/c", []byte(" and more")); err != nil {
				t.Fatal(err)
			}
			if err := s.Commit(); err != nil {
				t.Fatal(err)
			}
			wantTree(t, "drwxr-xr-x dir \ndrwxr-xr-x dir/a \ndrwxr-xr-x dir/a/b \n"+
				"-rw-r--r-- dir/a/b/c deep and more\n-rw-r--r-- file contents\n")
		})
	}
}

// TestDiscard leaves things as they were: a file with its old contents, an empty directory,
// nothing where there was nothing.
func TestDiscard(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("old", []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	before := tree(t)
	var s Set
	for _, path := range []string{"old", "new"} {
		if err := s.WriteFile(path, []byte("new")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.CreateFile("broken", failing); !errors.Is(err, errWriting) {
		t.Errorf("error is %v, want %v", err, errWriting)
	}
	for _, path := range []string{"empty", "fresh"} {
		d, err := s.Dir(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Create("a/b", text("contents")); err != nil {
			t.Fatal(err)
		}
		if err := d.Create("a/c", failing); !errors.Is(err, errWriting) {
			t.Errorf("error is %v, want %v", err, errWriting)
		}
	}
	if err := s.Discard(); err != nil {
		t.Fatal(err)
	}
	wantTree(t, before)
	if err := s.Commit(); err != nil {
		t.Errorf("committing nothing: %v", err)
	}
}

// TestCommitUndone has the last output's place taken in between.
func TestCommitUndone(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	var s Set
	if err := s.WriteFile("first", []byte("contents")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"empty", "last"} {
		if _, err := s.Dir(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("last", []byte("in the way"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := s.Commit()
	if err == nil || !strings.HasPrefix(err.Error(), "moving an output into place: rename ./.last.") {
		t.Errorf("error is %v", err)
	}
	wantTree(t, "drwxr-xr-x empty \n-rw-r--r-- last in the way\n")
}

func TestRefusedPlaces(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("full/inner", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var s Set
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"file over directory", s.WriteFile("full", nil), "output full exists and is not a regular file"},
		{"file over device", s.WriteFile("/dev/null", nil), "output /dev/null exists and is not a regular file"},
		{"file in no directory", s.WriteFile("none/file", nil), "writing output none/file: no such file or directory"},
		{"file below a file", s.WriteFile("file/file", nil), "writing output file/file: not a directory"},
		{"directory with contents", dirError(&s, "full"), "output directory full is not empty: it contains inner"},
		{"directory over file", dirError(&s, "file"), "writing output file: not a directory"},
		{"directory in no directory", dirError(&s, "none/dir"), "writing output none/dir: no such file or directory"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.name, c.err, c.want)
		}
	}
	if err := s.Discard(); err != nil {
		t.Fatal(err)
	}
	wantTree(t, "-rw-r--r-- file \ndrwxr-xr-x full \ndrwxr-xr-x full/inner \n")
}

func dirError(s *Set, path string) error {
	_, err := s.Dir(path)
	return err
}

func TestNamedTwice(t *testing.T) {
	t.Chdir(t.TempDir())
	var s Set
	defer func() { _ = s.Discard() }()
	if err := s.WriteFile("a", nil); err != nil {
		t.Fatal(err)
	}
	for path, err := range map[string]error{"./a": s.WriteFile("./a", nil), "a": dirError(&s, "a")} {
		if want := "output " + path + " is named twice"; err == nil || err.Error() != want {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// TestReplaces checks that a file takes the place of an old one or of a link to one, and a
// directory that of a link's target.
func TestReplaces(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, err := range []error{
		os.WriteFile("old", []byte("old, and longer"), 0o600), os.WriteFile("target", []byte("target"), 0o600),
		os.Symlink("target", "link"), os.Mkdir("dir", 0o700), os.Symlink("dir", "dirlink"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var s Set
	for _, path := range []string{"old", "link"} {
		if err := s.WriteFile(path, []byte("new")); err != nil {
			t.Fatal(err)
		}
	}
	d, err := s.Dir("dirlink")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Create("f", text("new")); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"old": "new", "link": "new", "target": "target", filepath.Join("dir", "f"): "new"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v, want %q", path, got, err, want)
		}
	}
}

func TestParallelCreate(t *testing.T) {
	t.Chdir(t.TempDir())
	var s Set
	d, err := s.Dir("dir")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 100 {
		wait.Go(func() {
			if err := d.Create(fmt.Sprintf("%d/%d/file%d", i%3, i%7, i), text("x")); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(tree(t), "-rw-r--r--"); got != 100 {
		t.Errorf("%d files, want 100", got)
	}
}

func TestCreateTwice(t *testing.T) {
	t.Chdir(t.TempDir())
	var s Set
	defer func() { _ = s.Discard() }()
	d, err := s.Dir("dir")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Create("f", text("x")); err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"writing output dir/f: file exists":                  d.Create("f", text("y")),
		"writing output dir/f/g: file exists":                d.Create("f/g", text("y")),
		"writing output dir/none: no such file or directory": d.Append("none", nil),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// TestFullDisk has the system reject what is written, by a limit on the size of files.
func TestFullDisk(t *testing.T) {
	t.Chdir(t.TempDir())
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: 1 << 20, Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Error(err)
		}
	}()
	var s Set
	d, err := s.Dir("dir")
	if err != nil {
		t.Fatal(err)
	}
	large := make([]byte, 2<<20)
	for want, err := range map[string]error{
		"writing output file: file too large":    s.WriteFile("file", large),
		"writing output dir/a/f: file too large": d.Create("a/f", text(string(large))),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	if err := s.Discard(); err != nil {
		t.Fatal(err)
	}
	wantTree(t, "")
}
