// SPDX-License-Identifier: Apache-2.0

package initramfs

import (
	"fmt"
	"strings"
)

// Bounds of what is kept and done for files with several names.
const (
	maxLinks      = 1 << 18
	maxLinkBytes  = 32 << 20
	maxLinkVisits = 1 << 20
)

// links are the files with several names, as the kernel makes them (do_name, maybe_link and clean_path in
// init/initramfs.c). A header with the ID of one before in the archive makes its name a link to the first name with
// that ID. Any header may have contents, which replace those of the file, also a later one without an ID: it opens
// the file that has its name.
type links struct {
	// first has the first name with an ID in the archive that is being read.
	first map[fileID]string
	// names are all names that had an ID, in order.
	names map[string]*linkName
	order []*linkName
	// visitedAs is the file whose contents were visited last under a name.
	visitedAs map[string]*linkedFile
	// version counts contents, bytes those of names, visits those of names without contents.
	version, bytes, visits int
}

// linkedFile is a file that may have several names.
type linkedFile struct {
	// version is that of the contents, 0 if there were none, and name one under which they were visited.
	version int
	name    string
	users   []*linkName
}

// linkName is a name of a file.
type linkName struct {
	Entry
	file *linkedFile
	// visited is the version of the contents with which the name was visited last.
	visited int
	// pending counts the headers with that name that were not visited yet.
	pending int
}

// enter notes the header of an entry, and returns its name if its file may have several. It is an entry that the
// kernel ignores if the name that it should be a link to is not there any more.
func (l *links) enter(e *Entry, id fileID) (*linkName, error) {
	if e.Ignored != "" {
		return nil, nil
	}
	n := l.names[e.Name]
	switch {
	case n != nil && !e.IsRegular():
		n.file = nil // something else has the name
		return nil, nil
	case !e.IsRegular() || n == nil && e.Links < 2:
		return nil, nil
	case n == nil:
		var err error
		if n, err = l.add(*e); err != nil {
			return nil, err
		}
	}
	first, linked := l.first[id]
	if e.Links < 2 || !linked {
		if e.Links >= 2 {
			l.first[id] = e.Name
		}
		if n.file == nil {
			n.use(&linkedFile{})
		}
		return n, nil
	}
	n.file = nil
	if target := l.names[first].file; target != nil {
		n.use(target)
		return n, nil
	}
	e.Ignored = fmt.Sprintf("it is a link to %q, which no longer exists", first)
	return nil, nil
}

// add keeps a name.
func (l *links) add(e Entry) (*linkName, error) {
	l.bytes += len(e.Name)
	if len(l.order) >= maxLinks || l.bytes > maxLinkBytes {
		return nil, fmt.Errorf("the archives have more than %d names of hard links, or %d bytes of them", maxLinks, maxLinkBytes)
	}
	if l.names == nil {
		l.names, l.visitedAs = map[string]*linkName{}, map[string]*linkedFile{}
	}
	if l.first == nil {
		l.first = map[fileID]string{}
	}
	n := &linkName{Entry: e}
	l.names[e.Name] = n
	l.order = append(l.order, n)
	return n, nil
}

// use makes f the file of a name.
func (n *linkName) use(f *linkedFile) {
	n.file = f
	f.users = append(f.users, n)
}

// endArchive forgets which IDs there were.
func (l *links) endArchive() { clear(l.first) }

// setContents notes that contents of the file were visited under a name.
func (l *links) setContents(n *linkName) {
	l.version++
	n.file.version, n.file.name, n.visited = l.version, n.Name, l.version
	l.visitedAs[n.Name] = n.file
}

// stale reports whether the file of a name has contents with which the name was not visited.
func (n *linkName) stale() bool { return n.file != nil && n.visited != n.file.version }

// release is called before a name is visited with contents of another file than before. The names that are to be
// visited as links to it are visited now, and one of them stands for the file from then on.
func (in *reader) release(name string, now *linkedFile) error {
	f := in.links.visitedAs[name]
	if f == nil || f == now {
		return nil
	}
	delete(in.links.visitedAs, name)
	if f.name != name {
		return nil
	}
	users := f.users
	f.users, f.name = nil, ""
	for _, n := range users {
		if n.file != f {
			continue
		}
		f.users = append(f.users, n)
		if n.stale() {
			if err := in.visitLink(n, name); err != nil {
				return err
			}
		}
		if f.name == "" {
			f.name = n.Name
			in.links.visitedAs[n.Name] = f
		}
	}
	return nil
}

// visitLink visits a name as a link to another one, once for each header that it is pending for.
func (in *reader) visitLink(n *linkName, to string) error {
	if err := in.release(n.Name, n.file); err != nil {
		return err
	}
	times := max(n.pending, 1)
	n.pending = 0
	if n.file != nil {
		n.visited = n.file.version
	}
	e := n.Entry
	e.Size, e.LinkOf = 0, to
	for range times {
		if in.links.visits++; in.links.visits > maxLinkVisits {
			return fmt.Errorf("the archives have hard links that replace each other more than %d times", maxLinkVisits)
		}
		if err := in.call(e, strings.NewReader("")); err != nil {
			return err
		}
	}
	return nil
}

// visitLinks visits the names that were not visited yet, or with other contents than their file has in the end.
func (in *reader) visitLinks() error {
	for _, n := range in.links.order {
		if n.pending == 0 && !n.stale() {
			continue
		}
		to := ""
		if n.file != nil {
			to = n.file.name
		}
		if err := in.visitLink(n, to); err != nil {
			return err
		}
	}
	return nil
}
