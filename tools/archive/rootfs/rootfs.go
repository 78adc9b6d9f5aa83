// SPDX-License-Identifier: Apache-2.0

// Package rootfs reads a directory tree as a system that runs in it sees it: symbolic links resolve as after
// chroot(2). An absolute link begins at the root directory, ".." at the root stays there, and so no link leads out.
package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	securejoin "github.com/cyphar/filepath-securejoin"
)

// FS is the files below a root directory. Names are slash-separated and relative to the root, which is ".".
type FS struct {
	dir  string
	root *os.Root
}

// Open returns the files below dir.
func Open(dir string) (*FS, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &FS{absolute, root}, nil
}

// Close closes the root directory.
func (f *FS) Close() error { return f.root.Close() }

// HostPath returns the path of a name for programs outside of the root. The name must be free of links.
func (f *FS) HostPath(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// Name returns the name of a host path, and whether that lies below the root.
func (f *FS) Name(hostPath string) (string, bool) {
	absolute, err := filepath.Abs(hostPath)
	if err != nil {
		return "", false
	}
	relative, err := filepath.Rel(f.dir, absolute)
	if err != nil || !filepath.IsLocal(relative) {
		return "", false
	}
	return filepath.ToSlash(relative), true
}

// Resolve returns name free of links. What is not there yet is not an error; a cycle of links is one (ELOOP).
func (f *FS) Resolve(name string) (string, error) {
	joined, err := securejoin.SecureJoin(f.dir, filepath.FromSlash(name))
	if err != nil {
		return "", Reason(err)
	}
	relative, err := filepath.Rel(f.dir, joined)
	return filepath.ToSlash(relative), err
}

// Stat describes what name leads to.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	real, err := f.Resolve(name)
	if err != nil {
		return nil, err
	}
	info, err := f.root.Lstat(real)
	return info, Reason(err)
}

// ReadDir lists the directory that name leads to, in bytewise order.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	real, err := f.Resolve(name)
	if err != nil {
		return nil, err
	}
	return f.readDir(real)
}

// readDir lists a directory whose name is free of links. Nothing else is opened: a pipe would block.
func (f *FS) readDir(real string) ([]fs.DirEntry, error) {
	dir, err := f.root.OpenFile(real, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, Reason(err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	sortByName(entries)
	return entries, Reason(err)
}

// OpenFile opens the regular file that name leads to, and nothing that could block.
func (f *FS) OpenFile(name string) (*os.File, fs.FileInfo, error) {
	real, err := f.Resolve(name)
	if err != nil {
		return nil, nil, err
	}
	file, err := f.root.OpenFile(real, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, nil, Reason(err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = NotRegular(info.Mode())
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// NotRegular states what something is that should be a regular file.
func NotRegular(mode fs.FileMode) error {
	return fmt.Errorf("is not a regular file (%s)", mode.Type())
}

// Reason returns why the operating system rejected something, without the name, which the caller adds.
func Reason(err error) error {
	var pathError *fs.PathError
	if !errors.As(err, &pathError) {
		return err
	}
	return fmt.Errorf("cannot be read: %w", pathError.Err)
}

// Glob returns the names that match a pattern (path.Match), in bytewise order. Directories that cannot be listed
// match nothing.
func (f *FS) Glob(pattern string) []string {
	names := []string{"."}
	for _, element := range strings.Split(pattern, "/") {
		var next []string
		for _, dir := range names {
			next = append(next, f.globIn(dir, element)...)
		}
		names = next
	}
	return names
}

// globIn returns the names in one directory that match one element of a pattern.
func (f *FS) globIn(dir, element string) (names []string) {
	if !strings.ContainsAny(element, "*?[") {
		if _, err := f.Stat(path.Join(dir, element)); err == nil {
			names = append(names, path.Join(dir, element))
		}
		return names
	}
	entries, err := f.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if ok, err := path.Match(element, e.Name()); ok && err == nil {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names
}
