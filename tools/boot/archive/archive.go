// SPDX-License-Identifier: Apache-2.0

// Package archive writes initramfs archives: cpio in the "newc" format
// (Documentation/driver-api/early-userspace/buffer-format.rst), whose bytes follow from paths and
// contents alone.
package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/u-root/u-root/pkg/cpio"
)

// Build systems keep no modes and owners: all files are executable, all belongs to root.
const (
	fileMode      = 0o755
	directoryMode = 0o755
	deviceMode    = 0o600
)

// Archive is the content of an initramfs. Paths are absolute ones in it. The zero value is empty.
type Archive struct {
	entries map[string]entry
}

// entry is a file, directory, symbolic link or device.
type entry struct {
	record cpio.Record
	// source says to the reader where the entry comes from.
	source string
	// host is the file with the contents, opened only while it is copied; empty for other entries.
	host string
}

// Add puts in a file of this machine at path, or all that is below a directory of this machine, below
// path. Symbolic links on this machine are followed. Files that are neither are an error.
func (a *Archive) Add(path, host string) error {
	info, err := os.Stat(host)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return a.addFile(path, host, info)
	}
	return a.addTree(path, host)
}

func (a *Archive) addTree(root, host string) error {
	entries, err := os.ReadDir(host)
	if err != nil {
		return err
	}
	if root != "/" {
		if err := a.mkdir(root, host); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if err := a.Add(path.Join(root, e.Name()), filepath.Join(host, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// mkdir is for directories of several sources, which are one directory.
func (a *Archive) mkdir(path, source string) error {
	if e, ok := a.entries[path]; ok && e.record.Mode&cpio.S_IFMT == cpio.S_IFDIR {
		return nil
	}
	return a.add(path, entry{record: cpio.Directory("", directoryMode), source: source})
}

func (a *Archive) addFile(path, host string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("adding %s to the initramfs: got a file of type %s, want a regular file or directory",
			host, info.Mode().Type())
	}
	if info.Size() > math.MaxUint32 {
		return fmt.Errorf("adding %s to the initramfs: got %d bytes, want less than 4 GiB", host, info.Size())
	}
	record := cpio.Record{Info: cpio.Info{Mode: cpio.S_IFREG | fileMode, FileSize: uint64(info.Size())}}
	return a.add(path, entry{record: record, source: host, host: host})
}

// AddText puts in a file with the given contents.
func (a *Archive) AddText(path, text, source string) error {
	return a.add(path, entry{record: cpio.StaticFile("", text, fileMode), source: source})
}

// AddDirectory puts in an empty directory.
func (a *Archive) AddDirectory(path string) error {
	return a.mkdir(path, "directory")
}

// AddSymlink puts in a symbolic link. The target is taken as it is.
func (a *Archive) AddSymlink(path, target string) error {
	if target == "" {
		return fmt.Errorf("adding the symbolic link %s to the initramfs: got an empty target, want a path", path)
	}
	return a.add(path, entry{record: cpio.Symlink("", target), source: "symbolic link to " + target})
}

// AddCharDevice puts in a character device (Documentation/admin-guide/devices.txt).
func (a *Archive) AddCharDevice(path string, major, minor uint64) error {
	source := fmt.Sprintf("device %d:%d", major, minor)
	return a.add(path, entry{record: cpio.CharDev("", deviceMode, major, minor), source: source})
}

// IsFile tells whether there is a file or symbolic link at path.
func (a *Archive) IsFile(path string) bool {
	e, ok := a.entries[path]
	kind := e.record.Mode & cpio.S_IFMT
	return ok && (kind == cpio.S_IFREG || kind == cpio.S_IFLNK)
}

func (a *Archive) add(name string, e entry) error {
	if !path.IsAbs(name) || path.Clean(name) != name || name == "/" || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("adding %s to the initramfs: got the path %q, want an absolute one without needless parts, "+
			"not / itself", e.source, name)
	}
	if other, taken := a.entries[name]; taken {
		return fmt.Errorf("adding to the initramfs: got the path %s for both %s and %s, want a path of its own for each",
			name, other.source, e.source)
	}
	if a.entries == nil {
		a.entries = map[string]entry{}
	}
	e.record.Name = name[1:]
	a.entries[name] = e
	return nil
}

// Write writes the archive: all entries in bytewise order of paths, the directories above them
// included, so that each comes after its parent.
func (a *Archive) Write(w io.Writer) error {
	if err := errors.Join(a.addParents(), a.checkLoaders()); err != nil {
		return err
	}
	out := cpio.Newc.Writer(w)
	for i, name := range slices.Sorted(maps.Keys(a.entries)) {
		if err := a.entries[name].write(out, uint64(i+1)); err != nil {
			return fmt.Errorf("writing %s to the initramfs: %w", name, err)
		}
	}
	return cpio.WriteTrailer(out)
}

func (a *Archive) addParents() error {
	for _, name := range slices.Sorted(maps.Keys(a.entries)) {
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			if err := a.mkdir(dir, "directory of "+a.entries[name].source); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes one entry. Numbers of inodes differ, and each has one link: no entry is taken for a
// hard link of another.
func (e entry) write(out cpio.RecordWriter, inode uint64) error {
	record := e.record
	record.Ino, record.NLink = inode, 1
	if e.host == "" {
		return out.WriteRecord(record)
	}
	file, err := os.Open(e.host)
	if err != nil {
		return err
	}
	defer file.Close()
	record.ReaderAt = file
	return out.WriteRecord(record)
}
