// SPDX-License-Identifier: Apache-2.0

package initramfs

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
)

// Build systems keep no modes and owners: all files are executable, all belongs to root.
const (
	fileMode      = 0o755
	directoryMode = 0o755
	deviceMode    = 0o600
	linkMode      = 0o777
)

// Archive is the content of an initramfs that is to be written: its bytes follow from paths and contents alone. Paths
// are absolute ones in it. The zero value is empty.
type Archive struct {
	entries map[string]entry
}

// entry is a file, directory, symbolic link or device.
type entry struct {
	// mode is st_mode: type and permissions.
	mode uint32
	// major and minor are the numbers of a device.
	major, minor uint32
	// text is the contents, or the target of a link; size is how many bytes it has, or the file on this machine.
	text string
	size uint32
	// source states to the reader where the entry comes from.
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
	if e, ok := a.entries[path]; ok && e.mode&typeMask == typeDirectory {
		return nil
	}
	return a.add(path, entry{mode: typeDirectory | directoryMode, source: source})
}

func (a *Archive) addFile(path, host string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("adding %s to the initramfs: got a file of type %s, want a regular file or directory",
			host, info.Mode().Type())
	}
	if info.Size() > math.MaxUint32 {
		return fmt.Errorf("adding %s to the initramfs: got %d bytes, want less than 4 GiB", host, info.Size())
	}
	return a.add(path, entry{mode: typeFile | fileMode, size: uint32(info.Size()), source: host, host: host})
}

// AddText puts in a file with the given contents.
func (a *Archive) AddText(path, text, source string) error {
	return a.add(path, entry{mode: typeFile | fileMode, text: text, size: uint32(len(text)), source: source})
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
	return a.add(path, entry{
		mode: typeLink | linkMode, text: target, size: uint32(len(target)), source: "symbolic link to " + target,
	})
}

// AddCharDevice puts in a character device (Documentation/admin-guide/devices.txt).
func (a *Archive) AddCharDevice(path string, major, minor uint32) error {
	source := fmt.Sprintf("device %d:%d", major, minor)
	return a.add(path, entry{mode: typeCharDevice | deviceMode, major: major, minor: minor, source: source})
}

// IsFile reports whether there is a file or symbolic link at path.
func (a *Archive) IsFile(path string) bool {
	e, ok := a.entries[path]
	kind := e.mode & typeMask
	return ok && (kind == typeFile || kind == typeLink)
}

// Host returns the file on this machine of which the archive has a copy at path, or "".
func (a *Archive) Host(path string) string { return a.entries[path].host }

func (a *Archive) add(name string, e entry) error {
	if !path.IsAbs(name) || path.Clean(name) != name || name == "/" || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("adding %s to the initramfs: got the path %q, want a clean absolute path, "+
			"not / itself", e.source, name)
	}
	if other, taken := a.entries[name]; taken {
		return fmt.Errorf("adding to the initramfs: got the path %s for both %s and %s, want two different paths",
			name, other.source, e.source)
	}
	if a.entries == nil {
		a.entries = map[string]entry{}
	}
	a.entries[name] = e
	return nil
}

// Write writes the archive: all entries in bytewise order of paths, the directories above them
// included, so that each comes after its parent.
func (a *Archive) Write(w io.Writer) error {
	if err := errors.Join(a.addParents(), a.checkLoaders()); err != nil {
		return err
	}
	// A compressor must not read files itself: it would end a block with each.
	w = struct{ io.Writer }{w}
	for i, name := range slices.Sorted(maps.Keys(a.entries)) {
		if err := a.entries[name].write(w, name[1:], uint32(i+1)); err != nil {
			return fmt.Errorf("writing %s to the initramfs: %w", name, err)
		}
	}
	return writeHeader(w, trailer, entry{}, 0, 0)
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
func (e entry) write(w io.Writer, name string, inode uint32) error {
	if err := writeHeader(w, name, e, inode, 1); err != nil {
		return err
	}
	if e.host == "" {
		return writePadded(w, e.text)
	}
	file, err := os.Open(e.host)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.CopyN(w, file, int64(e.size)); err != nil {
		return noEOF(err)
	}
	return writePadding(w, int(e.size))
}

// writeHeader writes the header of an entry and its name, padded: all of it belongs to root, and has no times.
func writeHeader(w io.Writer, name string, e entry, inode, links uint32) error {
	const user, group, time, major, minor, checksum = 0, 0, 0, 0, 0, 0
	text := magics[0]
	for _, number := range []uint32{
		inode, e.mode, user, group, links, time, e.size, major, minor, e.major, e.minor, uint32(len(name) + 1), checksum,
	} {
		text += fmt.Sprintf("%08X", number)
	}
	return writePadded(w, text+name+"\x00")
}

// writePadded writes text and its padding.
func writePadded(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return writePadding(w, len(text))
}

// writePadding writes the zero bytes that make a part of size bytes a multiple of 4.
func writePadding(w io.Writer, size int) error {
	_, err := w.Write(make([]byte, -size&3))
	return err
}
