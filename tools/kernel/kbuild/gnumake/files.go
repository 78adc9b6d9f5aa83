// SPDX-License-Identifier: Apache-2.0

package gnumake

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

// A Mount makes a file system visible under a directory.
type Mount struct {
	// Root is an absolute path without a trailing slash.
	Root string
	FS   fs.FS
}

// Files is all that Makefiles can see of the world. It remembers parsed Makefiles and
// directory listings, and may be used by several goroutines: the file systems must not
// change meanwhile.
type Files struct {
	// cwd is what relative names start from.
	cwd    string
	mounts []Mount
	// empty holds the absolute names of Makefiles that are taken to be empty.
	empty map[string]bool
	// includeDirs are those that an include looks in after the current directory.
	includeDirs []string

	makefiles sync.Map // path → *makefileEntry
	listings  sync.Map // path → *listingEntry
}

type makefileEntry struct {
	once sync.Once
	file *Makefile
	err  error
}

type listingEntry struct {
	once    sync.Once
	entries map[string]fs.DirEntry
}

// NewFiles mounts file systems. The current directory of make is an absolute clean path
// in one of them.
func NewFiles(cwd string, mounts ...Mount) *Files {
	return &Files{cwd: cwd, mounts: mounts, empty: make(map[string]bool)}
}

// SetEmpty makes an include of a name read nothing, whether there is such a file or not.
func (f *Files) SetEmpty(name string) {
	f.empty[f.Absolute(name)] = true
}

// AddIncludeDirectory makes an include of a relative name look in a directory, too, as the
// option --include-dir of make does.
func (f *Files) AddIncludeDirectory(dir string) {
	f.includeDirs = append(f.includeDirs, dir)
}

// search returns the name of the file that an include of a name reads.
func (f *Files) search(name string) string {
	if path.IsAbs(name) || f.empty[f.Absolute(name)] || f.Exists(name) {
		return name
	}
	for _, dir := range f.includeDirs {
		if found := path.Join(dir, name); f.Exists(found) {
			return found
		}
	}
	return name
}

// CurrentDirectory returns the absolute path that relative names start from.
func (f *Files) CurrentDirectory() string {
	return f.cwd
}

// Absolute returns the clean absolute form of a name.
func (f *Files) Absolute(name string) string {
	if !path.IsAbs(name) {
		name = f.cwd + "/" + name
	}
	return path.Clean(name)
}

// Relative returns a clean name, relative to the current directory if it is below it.
func (f *Files) Relative(name string) string {
	if rel, ok := strings.CutPrefix(f.Absolute(name), f.cwd+"/"); ok {
		return rel
	}
	return path.Clean(name)
}

// resolve finds the file system that holds a clean absolute name, and the name therein.
// ok is false for names outside all mounts, about which nothing is known.
func (f *Files) resolve(abs string) (fsys fs.FS, rel string, ok bool) {
	for _, m := range f.mounts {
		if abs == m.Root {
			return m.FS, ".", true
		}
		if rel, ok := strings.CutPrefix(abs, m.Root+"/"); ok {
			return m.FS, rel, true
		}
	}
	return nil, "", false
}

// Known reports whether it is decided what a name stands for.
func (f *Files) Known(name string) bool {
	_, _, ok := f.resolve(f.Absolute(name))
	return ok
}

// ReadFile returns the content of a file.
func (f *Files) ReadFile(name string) ([]byte, error) {
	fsys, rel, ok := f.resolve(f.Absolute(name))
	if !ok {
		return nil, fmt.Errorf("reading %s: it is outside the source tree", name)
	}
	data, err := readRegular(fsys, rel)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, pathless(err))
	}
	return data, nil
}

// readRegular reads a file that is one: a device may have no end, and opening a pipe waits
// for its writer. What is too large for a Makefile is rejected by [Parse] without its rest.
func readRegular(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	}
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxMakefile+1))
}

// IsRegular reports whether a name is a regular file, or a symbolic link to one.
func (f *Files) IsRegular(name string) bool {
	fsys, rel, ok := f.resolve(f.Absolute(name))
	if !ok {
		return false
	}
	info, err := fs.Stat(fsys, rel)
	return err == nil && info.Mode().IsRegular()
}

// pathless takes the path off an error of io/fs: messages name it as make does.
func pathless(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// Makefile parses a file, once. An error is a [*SyntaxError] or reports why the file
// cannot be read.
func (f *Files) Makefile(name string) (*Makefile, error) {
	v, _ := f.makefiles.LoadOrStore(path.Clean(name), &makefileEntry{})
	entry := v.(*makefileEntry)
	entry.once.Do(func() {
		if f.empty[f.Absolute(name)] {
			entry.file = &Makefile{name: path.Clean(name)}
			return
		}
		data, err := f.ReadFile(name)
		if err != nil {
			entry.err = err
			return
		}
		entry.file, entry.err = Parse(path.Clean(name), string(data))
	})
	return entry.file, entry.err
}

// list returns the entries of a clean absolute directory by name, nil if there is none.
func (f *Files) list(abs string) map[string]fs.DirEntry {
	v, _ := f.listings.LoadOrStore(abs, &listingEntry{})
	entry := v.(*listingEntry)
	entry.once.Do(func() {
		fsys, rel, ok := f.resolve(abs)
		if !ok {
			return
		}
		listed, err := fs.ReadDir(fsys, rel)
		if err != nil {
			return
		}
		entry.entries = make(map[string]fs.DirEntry, len(listed))
		for _, d := range listed {
			entry.entries[d.Name()] = d
		}
	})
	return entry.entries
}

// IsDir reports whether a name is a directory, or a symbolic link to one.
func (f *Files) IsDir(name string) bool {
	fsys, rel, ok := f.resolve(f.Absolute(name))
	if !ok {
		return false
	}
	info, err := fs.Stat(fsys, rel)
	return err == nil && info.IsDir()
}

// Exists reports whether there is a file or directory of this name. A trailing slash asks
// for a directory.
func (f *Files) Exists(name string) bool {
	abs := f.Absolute(name)
	if strings.HasSuffix(name, "/") || abs == "/" || f.isRoot(abs) {
		return f.IsDir(name)
	}
	_, ok := f.list(path.Dir(abs))[path.Base(abs)]
	return ok
}

func (f *Files) isRoot(abs string) bool {
	return slices.ContainsFunc(f.mounts, func(m Mount) bool { return m.Root == abs })
}

// maxGlob is how many names one pattern may match.
const maxGlob = 20000

// Glob returns the existing names that a shell pattern with *, ? and [] matches, sorted
// and spelled as the pattern is. A pattern without wildcards gives itself if it exists.
// It is an error if more than 20,000 names match a leading part of the pattern.
func (f *Files) Glob(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, wildcards) {
		if f.Exists(pattern) {
			return []string{pattern}, nil
		}
		return nil, nil
	}
	names := []string{""}
	for part := range strings.SplitAfterSeq(pattern, "/") {
		if names = f.globPart(names, part); len(names) > maxGlob {
			return nil, fmt.Errorf("matching %s: more than %d names", pattern, maxGlob)
		}
	}
	slices.Sort(names)
	return names, nil
}

const wildcards = "*?["

// globPart extends each directory name by what one component of a pattern matches. The
// component ends in a slash unless it is the last.
func (f *Files) globPart(dirs []string, part string) []string {
	component, isDir := strings.CutSuffix(part, "/")
	var names []string
	for _, dir := range dirs {
		switch {
		case component == "":
			names = append(names, dir+part)
		case !strings.ContainsAny(component, wildcards):
			if f.Exists(dir + part) {
				names = append(names, dir+part)
			}
		default:
			for _, entry := range f.matching(dir, component) {
				if !isDir || f.IsDir(dir+entry) {
					names = append(names, dir+entry+part[len(component):])
				}
			}
		}
	}
	return names
}

// matching returns the entries of a directory that a pattern matches. A leading dot must
// be matched by a dot.
func (f *Files) matching(dir, component string) []string {
	var names []string
	for entry := range f.list(f.Absolute(dir + ".")) {
		ok, err := path.Match(component, entry)
		if err == nil && ok && strings.HasPrefix(entry, ".") == strings.HasPrefix(component, ".") {
			names = append(names, entry)
		}
	}
	return names
}
