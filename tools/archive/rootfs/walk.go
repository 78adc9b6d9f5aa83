// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"
)

// Kind states what an Entry is.
type Kind uint8

// The kinds of entries. The zero Kind is none.
const (
	_ Kind = iota
	// File is a regular file, or a link to one.
	File
	// Special is a pipe, socket or device, or a link to one.
	Special
	// Again is a link to a directory that the walk lists under another path.
	Again
	// Dangling is a link to what is not there.
	Dangling
	// Unreadable is a directory that cannot be listed, or a link that cannot be resolved.
	Unreadable
	// Excluded is what the caller does not want to be listed.
	Excluded
)

// Entry is one name that a walk came across. Directories that were listed have none of their own.
type Entry struct {
	// Path is where the entry was found, through the links that lead there.
	Path string
	// Real is the name free of links: of the file, or of the directory that a link leads to.
	Real string
	Kind Kind
	// Mode is the type of what the entry leads to: 0 for a regular file.
	Mode fs.FileMode
	// Err states why an entry is Dangling or Unreadable.
	Err error
	// First is where the directory of an Again is listed.
	First string
}

// Walk lists the directory called start and all that is below it, the directories that links lead to as well, as
// depmod does (depmod_modules_search_dir in kmod). Each directory is listed once, however many links lead to it or
// back to it: first those that are reached without a link. Exclude, if not nil, is asked for each path. Entries come
// in bytewise order of paths. An error means that start itself cannot be listed.
func (f *FS) Walk(start string, exclude func(path string) bool) ([]Entry, error) {
	real, err := f.Resolve(start)
	if err != nil {
		return nil, err
	}
	if exclude == nil {
		exclude = func(string) bool { return false }
	}
	w := &walk{FS: f, exclude: exclude, listed: map[identity]string{}}
	if err := w.list(start, real); err != nil {
		return nil, err
	}
	for len(w.links) > 0 {
		link := w.links[0]
		w.links = w.links[1:]
		w.follow(link)
	}
	slices.SortFunc(w.entries, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	return w.entries, nil
}

// walk is one call of Walk.
type walk struct {
	*FS
	exclude func(string) bool
	entries []Entry
	// links lead to directories and are followed when all else is listed.
	links []Entry
	// listed are the directories, and the path that each is listed under.
	listed map[identity]string
}

// identity is what makes a directory the same under any name.
type identity struct{ device, inode uint64 }

func identityOf(info fs.FileInfo) (identity, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, false
	}
	return identity{uint64(stat.Dev), stat.Ino}, true
}

// list enters what is in a directory, and in those below it.
func (w *walk) list(name, real string) error {
	info, err := w.root.Lstat(real)
	if err != nil {
		return Reason(err)
	}
	id, ok := identityOf(info)
	if !ok {
		return errors.New("cannot be distinguished from other directories on this system")
	}
	if first, ok := w.listed[id]; ok {
		w.entries = append(w.entries, Entry{Path: name, Real: real, Kind: Again, Mode: fs.ModeDir, First: first})
		return nil
	}
	entries, err := w.readDir(real)
	if err != nil {
		return err
	}
	w.listed[id] = name
	for _, e := range entries {
		w.enter(path.Join(name, e.Name()), path.Join(real, e.Name()), e.Type())
	}
	return nil
}

// enter enters one name of a directory.
func (w *walk) enter(name, real string, mode fs.FileMode) {
	e := Entry{Path: name, Real: real, Mode: mode.Type()}
	switch {
	case w.exclude(name):
		e.Kind = Excluded
	case mode.IsRegular():
		e.Kind = File
	case mode.IsDir():
		if err := w.list(name, real); err != nil {
			e.Kind, e.Err = Unreadable, err
			break
		}
		return
	case mode&fs.ModeSymlink != 0:
		if e = w.target(name); e.Kind == 0 {
			w.links = append(w.links, e)
			return
		}
	default:
		e.Kind = Special
	}
	w.entries = append(w.entries, e)
}

// target returns the entry of a link, without a kind if it leads to a directory.
func (w *walk) target(name string) Entry {
	e := Entry{Path: name}
	var info fs.FileInfo
	if e.Real, e.Err = w.Resolve(name); e.Err == nil {
		info, e.Err = w.root.Lstat(e.Real)
	}
	switch {
	case errors.Is(e.Err, fs.ErrNotExist):
		to, _ := w.root.Readlink(e.linkName(w))
		e.Kind, e.Err = Dangling, fmt.Errorf("is a symbolic link to %q, which does not exist", to)
	case e.Err != nil:
		e.Kind, e.Err = Unreadable, Reason(e.Err)
	case info.Mode().IsRegular():
		e.Kind = File
	case info.IsDir():
	default:
		e.Kind, e.Mode = Special, info.Mode().Type()
	}
	return e
}

// linkName returns the name of a link itself: its directory may be reached through another.
func (e Entry) linkName(w *walk) string {
	dir, err := w.Resolve(path.Dir(e.Path))
	if err != nil {
		return e.Path
	}
	return path.Join(dir, path.Base(e.Path))
}

// follow lists the directory that a link leads to.
func (w *walk) follow(link Entry) {
	if err := w.list(link.Path, link.Real); err != nil {
		link.Kind, link.Err = Unreadable, err
		w.entries = append(w.entries, link)
	}
}

func sortByName(entries []fs.DirEntry) {
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
}
