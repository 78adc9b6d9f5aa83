// SPDX-License-Identifier: Apache-2.0

package initramfs

import (
	"fmt"
	"strings"
)

// Bounds of what is kept of files with several names.
const (
	maxLinks     = 1 << 18
	maxLinkBytes = 32 << 20
)

// links are the files with several names. The kernel (maybe_link and do_name in init/initramfs.c) takes headers with
// the same file ID for names of one file, up to the end of the archive. Any of them may have contents, of which the
// last ones stay, and so does one that has the same name later, whatever its file ID: it opens the same file.
type links struct {
	// byID are the files of the archive that is being read, byName and all those of all archives.
	byID   map[fileID]*linked
	byName map[string]*linked
	all    []*linked
	// count and size are how many names there are, and how many bytes they have.
	count, size int
}

// linked is a file with several names.
type linked struct {
	headers []linkHeader
	// version counts how often the file got contents, the last time under the name contents.
	version  int
	contents string
}

// linkHeader is a header with a name of a file.
type linkHeader struct {
	Entry
	// version of the contents with which it was visited, 0 if it was not.
	version int
}

// file returns the file of an entry, nil if it is not one with several names.
func (l *links) file(e Entry, id fileID) (*linked, error) {
	if !e.IsRegular() || e.Ignored != "" {
		return nil, nil
	}
	if e.Links < 2 {
		return l.byName[e.Name], nil
	}
	l.count++
	l.size += len(e.Name)
	if l.count > maxLinks || l.size > maxLinkBytes {
		return nil, fmt.Errorf("the archives have more than %d names of hard links, or %d bytes of them", maxLinks, maxLinkBytes)
	}
	f := l.byID[id]
	if f == nil {
		f = l.byName[e.Name]
	}
	if f == nil {
		f = &linked{}
		l.all = append(l.all, f)
	}
	l.set(e.Name, id, f)
	return f, nil
}

func (l *links) set(name string, id fileID, f *linked) {
	if l.byID == nil {
		l.byID = map[fileID]*linked{}
	}
	if l.byName == nil {
		l.byName = map[string]*linked{}
	}
	l.byID[id], l.byName[name] = f, f
}

// endArchive forgets which file IDs there were.
func (l *links) endArchive() { l.byID = nil }

// add notes a header of a file, and that it was visited if it has contents.
func (f *linked) add(e Entry) {
	h := linkHeader{Entry: e}
	if e.Size > 0 {
		f.version++
		f.contents = e.Name
		h.version = f.version
	}
	f.headers = append(f.headers, h)
}

// visitLinks visits the names of files whose contents were visited under another name.
func (in *reader) visitLinks() error {
	for _, f := range in.links.all {
		for _, h := range f.headers {
			again := h.version > 0
			if h.version == f.version && again || again && h.Name == f.contents {
				continue
			}
			h.Size, h.LinkOf = 0, f.contents
			if err := in.call(h.Entry, strings.NewReader("")); err != nil {
				return err
			}
		}
	}
	return nil
}
