// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// entry is a file of the world, of any type.
type entry struct {
	// name is the path relative to the root.
	name string
	stat unix.Stat_t
	// target is that of a symbolic link.
	target string
	// xattrs are the extended attributes that are part of the file.
	xattrs map[string]string
}

func (e entry) isDirectory() bool { return e.stat.Mode&unix.S_IFMT == unix.S_IFDIR }

// list returns the files of the image, directories before their contents, each directory in bytewise order of names.
func list(ctx context.Context, root string) ([]entry, error) {
	var entries []entry
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == root {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if isLeftOut(name, d.IsDir()) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		e, err := read(root, name)
		if err == nil && e.stat.Mode&unix.S_IFMT != unix.S_IFSOCK { // a socket without its server is of no use
			entries = append(entries, e)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the world: %w", err)
	}
	return prune(root, entries)
}

// read reads all of a file but its contents.
func read(root, name string) (entry, error) {
	e := entry{name: name}
	file := filepath.Join(root, name)
	if err := unix.Lstat(file, &e.stat); err != nil {
		return e, &fs.PathError{Op: "lstat", Path: file, Err: err}
	}
	var err error
	if e.stat.Mode&unix.S_IFMT == unix.S_IFLNK {
		e.target, err = os.Readlink(file)
	} else {
		e.xattrs, err = readXattrs(file)
	}
	return e, err
}

// isContents reports whether an extended attribute is part of a file: capabilities, and what programs set. Others
// (labels of SELinux, access control lists of the machine) belong to the file system that it is on.
func isContents(xattr string) bool {
	return xattr == "security.capability" || strings.HasPrefix(xattr, "user.")
}

func readXattrs(file string) (map[string]string, error) {
	n, err := unix.Llistxattr(file, nil)
	if errors.Is(err, unix.ENOTSUP) || err == nil && n == 0 {
		return nil, nil // almost all files
	}
	names := make([]byte, 1<<16) // XATTR_LIST_MAX
	if err == nil {
		n, err = unix.Llistxattr(file, names)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "llistxattr", Path: file, Err: err}
	}
	xattrs := map[string]string{}
	for name := range bytes.SplitSeq(bytes.Trim(names[:n], "\x00"), []byte{0}) {
		if !isContents(string(name)) {
			continue
		}
		value := make([]byte, 1<<16) // XATTR_SIZE_MAX
		n, err := unix.Lgetxattr(file, string(name), value)
		if err != nil {
			return nil, &fs.PathError{Op: "lgetxattr " + string(name), Path: file, Err: err}
		}
		xattrs[string(name)] = string(value[:n])
	}
	return xattrs, nil
}

// inode identifies a file with several names.
type inode struct{ dev, ino uint64 }

// headers makes the headers of the layer.
type headers struct {
	date  time.Time
	first map[inode]string
}

// of returns the header of an entry. The second name of a file is a hard link to the first.
func (h *headers) of(e entry) (*tar.Header, error) {
	header := &tar.Header{
		Format:  tar.FormatPAX,
		Name:    e.name,
		Mode:    int64(e.stat.Mode & 0o7777),
		Uid:     int(e.stat.Uid),
		Gid:     int(e.stat.Gid),
		ModTime: h.date,
	}
	if first, ok := h.link(e); ok {
		header.Typeflag, header.Linkname = tar.TypeLink, first
		return header, nil
	}
	for name, value := range e.xattrs {
		if header.PAXRecords == nil {
			header.PAXRecords = map[string]string{}
		}
		header.PAXRecords["SCHILY.xattr."+name] = value
	}
	return header, setType(header, e)
}

// link returns the first name of a file with several names, or remembers the name.
func (h *headers) link(e entry) (string, bool) {
	if e.isDirectory() || e.stat.Nlink < 2 {
		return "", false
	}
	id := inode{e.stat.Dev, e.stat.Ino}
	first, ok := h.first[id]
	if !ok {
		h.first[id] = e.name
	}
	return first, ok
}

// setType sets what depends on the type of a file.
func setType(header *tar.Header, e entry) error {
	switch e.stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		header.Typeflag, header.Size = tar.TypeReg, e.stat.Size
	case unix.S_IFDIR:
		header.Typeflag, header.Name = tar.TypeDir, e.name+"/"
	case unix.S_IFLNK:
		header.Typeflag, header.Linkname = tar.TypeSymlink, e.target
	case unix.S_IFIFO:
		header.Typeflag = tar.TypeFifo
	case unix.S_IFCHR:
		header.Typeflag = tar.TypeChar
	case unix.S_IFBLK:
		header.Typeflag = tar.TypeBlock
	default:
		return fmt.Errorf("%s: got the file type %#o, want one that tar has", path.Clean(e.name), e.stat.Mode&unix.S_IFMT)
	}
	if header.Typeflag == tar.TypeChar || header.Typeflag == tar.TypeBlock {
		header.Devmajor, header.Devminor = int64(unix.Major(e.stat.Rdev)), int64(unix.Minor(e.stat.Rdev))
	}
	return nil
}
