// SPDX-License-Identifier: Apache-2.0

// Package output writes the results of one command so that all of them appear, or
// none: files and directories are made under temporary names next to their final
// place and renamed at the end.
//
// Modes do not depend on the umask: files are 0644, directories 0755.
package output

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

const (
	fileMode      = 0o644
	directoryMode = 0o755
)

// Set is the outputs of one command. Use it from one goroutine, but for the
// methods of Dir.
type Set struct {
	staged []staged
	taken  map[string]bool
}

// staged is an output under its temporary name.
type staged struct {
	temporary, final string
	// replaces reports that final was an empty directory before.
	replaces bool
}

// WriteFile stages a file with the given contents.
func (s *Set) WriteFile(path string, data []byte) error {
	return s.CreateFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// CreateFile stages a file that write fills.
func (s *Set) CreateFile(path string, write func(io.Writer) error) error {
	if err := s.checkFile(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), temporaryPattern(path))
	if err != nil {
		return placed(err, path)
	}
	s.staged = append(s.staged, staged{temporary: f.Name(), final: path})
	return fill(f, path, write)
}

// fill has write fill a new file that will be called final, sets its mode and closes it.
func fill(f *os.File, final string, write func(io.Writer) error) error {
	err := write(f)
	if err == nil {
		err = f.Chmod(fileMode)
	}
	var pathError *fs.PathError
	if errors.As(err, &pathError) && pathError.Path == f.Name() {
		err = placed(err, final)
	}
	return errors.Join(err, f.Close())
}

// placed is an error about a temporary file, with the name of its output.
func placed(err error, final string) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	return fmt.Errorf("writing output %s: %w", final, err)
}

func temporaryPattern(path string) string {
	return "." + filepath.Base(path) + ".*.tmp"
}

// checkFile rejects paths that renaming would turn into something else.
func (s *Set) checkFile(path string) error {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("output %s exists and is not a regular file", path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return placed(err, path)
	}
	return s.take(path)
}

// take rejects a path that is an output already.
func (s *Set) take(path string) error {
	if s.taken == nil {
		s.taken = map[string]bool{}
	}
	key, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if s.taken[key] {
		return fmt.Errorf("output %s is named twice", path)
	}
	s.taken[key] = true
	return nil
}

// Dir stages a directory. The path must not exist or be an empty directory (build
// systems make output directories ahead of the command).
func (s *Set) Dir(path string) (*Dir, error) {
	final, exists, err := emptyDirectory(path)
	if err != nil {
		return nil, err
	}
	if err := s.take(final); err != nil {
		return nil, err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(final), temporaryPattern(final))
	if err != nil {
		return nil, placed(err, path)
	}
	s.staged = append(s.staged, staged{temporary, final, exists})
	if err := os.Chmod(temporary, directoryMode); err != nil {
		return nil, placed(err, path)
	}
	return &Dir{root: temporary, final: path, made: map[string]bool{".": true}}, nil
}

// emptyDirectory returns where a directory output goes: path without symbolic
// links if it is an empty directory, path if there is nothing.
func emptyDirectory(path string) (final string, exists bool, err error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return filepath.Clean(path), false, nil
	}
	if err != nil {
		return "", false, placed(err, path)
	}
	if len(entries) > 0 {
		return "", false, fmt.Errorf("output directory %s is not empty: it contains %s", path, entries[0].Name())
	}
	final, err = filepath.EvalSymlinks(path)
	return final, true, err
}

// Commit moves all outputs to their final places. If one of them cannot be moved,
// those that were are removed.
func (s *Set) Commit() error {
	for i, out := range s.staged {
		if err := rename(out.temporary, out.final); err != nil {
			undo := removeMoved(s.staged[:i])
			s.staged = s.staged[i:]
			return errors.Join(fmt.Errorf("moving an output into place: %w", err), undo, s.Discard())
		}
	}
	s.staged = nil
	return nil
}

// rename is rename(2), which puts a directory in the place of an empty one; os.Rename
// rejects to.
func rename(from, to string) error {
	if err := syscall.Rename(from, to); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// removeMoved removes outputs from their final places.
func removeMoved(moved []staged) error {
	var errs []error
	for _, out := range moved {
		errs = append(errs, os.RemoveAll(out.final))
		if out.replaces {
			errs = append(errs, os.Mkdir(out.final, directoryMode))
		}
	}
	return errors.Join(errs...)
}

// Discard removes what was staged and not committed. It does nothing after a
// successful Commit, so that it can be deferred.
func (s *Set) Discard() error {
	var errs []error
	for _, out := range s.staged {
		errs = append(errs, os.RemoveAll(out.temporary))
	}
	s.staged = nil
	return errors.Join(errs...)
}

// Dir is a staged directory. Its methods may be called by several goroutines, for
// different files.
type Dir struct {
	// root is the temporary name, final the one that messages tell.
	root, final string
	mu          sync.Mutex
	made        map[string]bool
}

// Create makes the file at a clean relative path with slashes, and the directories
// above it, and has write fill it. A path made already is an error.
func (d *Dir) Create(path string, write func(io.Writer) error) error {
	path = filepath.FromSlash(path)
	final := filepath.Join(d.final, path)
	if err := d.mkdir(filepath.Dir(path)); err != nil {
		return placed(err, final)
	}
	f, err := os.OpenFile(filepath.Join(d.root, path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return placed(err, final)
	}
	return fill(f, final, write)
}

// Append adds data to a file that Create made.
func (d *Dir) Append(path string, data []byte) error {
	path = filepath.FromSlash(path)
	f, err := os.OpenFile(filepath.Join(d.root, path), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return placed(err, filepath.Join(d.final, path))
	}
	if _, err = f.Write(data); err != nil {
		err = placed(err, filepath.Join(d.final, path))
	}
	return errors.Join(err, f.Close())
}

// mkdir makes the directory at a relative path, once.
func (d *Dir) mkdir(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mkdirLocked(path)
}

func (d *Dir) mkdirLocked(path string) error {
	if d.made[path] {
		return nil
	}
	if err := d.mkdirLocked(filepath.Dir(path)); err != nil {
		return err
	}
	full := filepath.Join(d.root, path)
	if err := os.Mkdir(full, directoryMode); err != nil {
		return err
	}
	d.made[path] = true
	return os.Chmod(full, directoryMode)
}
