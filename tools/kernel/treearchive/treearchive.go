// SPDX-License-Identifier: Apache-2.0

// Package treearchive moves kernel source and object trees between build actions, each as one
// file (tar, compressed by zstd), so that a tree of 90,000 files is one artifact.
//
// The bytes follow from paths and contents alone: owners, timestamps and the order of directories
// do not count. Unpacking gives all files one timestamp. For make, that means everything is up to
// date, if the timestamp is newer than that of system headers; what changes afterwards is newer.
//
// Kbuild records its commands in .*.cmd files and runs them again when they differ. Where those
// name the tree's own path, it is replaced on packing, and put back on unpacking: a tree that was
// moved stays up to date.
package treearchive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// placeholder stands for the path of the tree in packed .cmd files.
const placeholder = "@TREE@"

// Pack writes the files and symbolic links below root for which keep holds. Paths handed to keep
// are relative to root. Directories exist as far as they are needed.
func Pack(w io.Writer, root string, keep func(path string, info fs.FileInfo) bool) error {
	return Create(w, func(archive *Writer) error {
		return Walk(root, keep, func(path string, info fs.FileInfo) error { return archive.PutFile(root, path, info) })
	})
}

// Walk visits the files and symbolic links below root for which keep holds, in bytewise order within each directory.
// Paths are relative to root.
func Walk(root string, keep func(string, fs.FileInfo) bool, visit func(string, fs.FileInfo) error) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil || !keep(relative, info) {
			return err
		}
		return visit(relative, info)
	})
}

// PutFile writes the file root/path. In .cmd files, a placeholder takes the place of root.
func (w *Writer) PutFile(root, path string, info fs.FileInfo) error {
	entry, err := entryAt(root, path, info)
	if err != nil {
		return err
	}
	if entry.IsLink() {
		return w.Put(entry, nil)
	}
	return w.packContents(entry, root)
}

// entryAt is the entry of a file or symbolic link below root.
func entryAt(root, path string, info fs.FileInfo) (Entry, error) {
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(filepath.Join(root, path))
		return Entry{Path: path, Target: target}, err
	}
	if !info.Mode().IsRegular() {
		return Entry{}, fmt.Errorf("%s: got a file of type %s, want a regular file or a symbolic link", path, info.Mode().Type())
	}
	return Entry{Path: path, Executable: info.Mode()&0o111 != 0, Size: info.Size()}, nil
}

func (w *Writer) packContents(entry Entry, root string) error {
	path := filepath.Join(root, entry.Path)
	if isCommandFile(entry.Path) {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return w.PutData(root, entry, data)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(w.Put(entry, file), file.Close())
}

// PutData writes a file of a tree with other contents. In .cmd files, a placeholder takes the place of root.
func (w *Writer) PutData(root string, entry Entry, data []byte) error {
	if isCommandFile(entry.Path) {
		data = bytes.ReplaceAll(data, []byte(root), []byte(placeholder))
	}
	entry.Size = int64(len(data))
	return w.Put(entry, bytes.NewReader(data))
}

func isCommandFile(path string) bool {
	base := filepath.Base(path)
	return strings.HasPrefix(base, ".") && strings.HasSuffix(base, ".cmd")
}

// Unpack puts an archive's files for which wanted holds below root, over what is there. root is an
// absolute path, stamp the files' timestamp.
func Unpack(r io.Reader, root string, stamp time.Time, wanted func(path string) bool) error {
	u := &unpacking{root: root, stamp: stamp, made: map[string]bool{}}
	u.writers.SetLimit(runtime.GOMAXPROCS(0))
	err := Read(r, func(entry Entry) bool { return wanted(entry.Path) }, u.file)
	return errors.Join(err, u.writers.Wait())
}

// maxHeld is the size of files, in bytes, that are read first and written next to others. Of most files, making
// them takes longer than writing what is in them.
const maxHeld = 1 << 20

// unpacking is an archive on its way into a directory.
type unpacking struct {
	root  string
	stamp time.Time
	// made are the directories that are there.
	made    map[string]bool
	writers errgroup.Group
}

func (u *unpacking) file(entry Entry, contents io.Reader) error {
	path := filepath.Join(u.root, entry.Path)
	if directory := filepath.Dir(path); !u.made[directory] {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return err
		}
		u.made[directory] = true
	}
	if entry.IsLink() {
		return replaceBySymlink(entry.Target, path)
	}
	return u.contents(entry, contents, path)
}

// contents writes a file; a small one while others are read.
func (u *unpacking) contents(entry Entry, r io.Reader, path string) error {
	mode, isCommand := fs.FileMode(entry.mode()), isCommandFile(entry.Path)
	if entry.Size > maxHeld && !isCommand {
		return u.write(r, path, mode)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("reading the tree archive: %w", err)
	}
	if isCommand {
		data = bytes.ReplaceAll(data, []byte(placeholder), []byte(u.root))
	}
	u.writers.Go(func() error { return u.write(bytes.NewReader(data), path, mode) })
	return nil
}

func (u *unpacking) write(r io.Reader, path string, mode fs.FileMode) error {
	file, err := createAnew(path, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, r)
	return errors.Join(err, file.Close(), os.Chtimes(path, u.stamp, u.stamp))
}

func replaceBySymlink(target, path string) error {
	err := os.Symlink(target, path)
	if errors.Is(err, fs.ErrExist) {
		err = errors.Join(os.Remove(path), os.Symlink(target, path))
	}
	return err
}

// createAnew replaces what is there, so that nothing is written through a symbolic link.
func createAnew(path string, mode fs.FileMode) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	file, err := os.OpenFile(path, flags, mode)
	if errors.Is(err, fs.ErrExist) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		return os.OpenFile(path, flags, mode)
	}
	return file, err
}

// ChangedSince returns a function for Pack that reports what has been written since a tree was
// unpacked with a timestamp.
func ChangedSince(stamp time.Time) func(string, fs.FileInfo) bool {
	return func(_ string, info fs.FileInfo) bool { return !info.ModTime().Equal(stamp) }
}
