// SPDX-License-Identifier: Apache-2.0

// Package sourcetree reads unpacked kernel source: all files of a tree, or those that patches change.
package sourcetree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/treearchive"
)

// Files are the files of an unpacked tree, as a build system provides them.
type Files struct {
	// Paths are the files' paths.
	Paths []string
	// Tops are directories that may be the tree's top. A path in the tree is relative to the first one that has the file.
	Tops []string
	// Listing is a file that states which files are executable and which symbolic links the tree has: see readListing.
	// Without it, the file system states this.
	Listing string
}

// file is an entry of the tree, and where its contents are.
type file struct {
	treearchive.Entry
	from string
}

// Read checks the files, and returns the tree. It reads their contents when it is visited.
func (f *Files) Read() (treearchive.Tree, error) {
	read := f.readFileSystem
	if f.Listing != "" {
		read = f.readListing
	}
	files, err := read()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b file) int { return treearchive.Compare(a.Path, b.Path) })
	if err := check(files); err != nil {
		return nil, err
	}
	return contents(files), nil
}

// inTree is a path relative to the top that has the file, and that top.
func (f *Files) inTree(name string) (top, relative string, err error) {
	for _, top := range f.Tops {
		if relative, ok := strings.CutPrefix(name, strings.TrimSuffix(top, "/")+"/"); ok {
			return top, relative, nil
		}
		if top == "" || top == "." {
			return ".", name, nil
		}
	}
	return "", "", fmt.Errorf("got %s, which is not below %s, the top of the tree. Next: set strip_prefix, or remove the file",
		name, strings.Join(f.Tops, " or "))
}

// readFileSystem is the tree with the modes and symbolic links of the file system. Only relative links are the tree's:
// build systems make absolute ones.
func (f *Files) readFileSystem() ([]file, error) {
	var files []file
	links := linkFinder{found: map[string]string{}}
	seen := map[string]bool{}
	for _, name := range f.Paths {
		top, relative, err := f.inTree(name)
		if err != nil {
			return nil, err
		}
		link, target, err := links.find(top, relative)
		if err != nil {
			return nil, err
		}
		if target != "" {
			if !seen[link] {
				files = append(files, file{Entry: treearchive.Entry{Path: link, Target: target}})
			}
			seen[link] = true
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{treearchive.Entry{Path: relative, Executable: info.Mode()&0o111 != 0}, name})
	}
	return files, nil
}

// linkFinder finds the symbolic links that paths lead through.
type linkFinder struct {
	// found maps what was searched to the link's target, which is empty for all else.
	found map[string]string
}

// find returns the first symbolic link of a tree on the way to a path, or an empty target.
func (l *linkFinder) find(top, relative string) (link, target string, err error) {
	for i := range len(relative) + 1 {
		if i < len(relative) && relative[i] != '/' {
			continue
		}
		link := relative[:i]
		target, err := l.target(path.Join(top, link))
		if target != "" || err != nil {
			return link, target, err
		}
	}
	return "", "", nil
}

func (l *linkFinder) target(name string) (string, error) {
	if target, ok := l.found[name]; ok {
		return target, nil
	}
	target, err := os.Readlink(name)
	var pathError *fs.PathError
	if err != nil && !(errors.As(err, &pathError) && isNoLink(pathError.Err)) {
		return "", err
	}
	if filepath.IsAbs(target) {
		target = ""
	}
	l.found[name] = target
	return target, nil
}

// readListing is the tree with the modes and symbolic links of the listing. Each line of it is one of these, with
// tabs between words:
//
//	executable PATH
//	link PATH TARGET
func (f *Files) readListing() ([]file, error) {
	data, err := os.ReadFile(f.Listing)
	if err != nil {
		return nil, err
	}
	files, executable, err := parseListing(f.Listing, string(data))
	if err != nil {
		return nil, err
	}
	for _, name := range f.Paths {
		_, relative, err := f.inTree(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{treearchive.Entry{Path: relative, Executable: executable[relative]}, name})
		delete(executable, relative)
	}
	for name := range executable {
		return nil, fmt.Errorf("got no file %s, which %s lists. Next: write the listing again", name, f.Listing)
	}
	return files, nil
}

func parseListing(name, text string) (links []file, executable map[string]bool, err error) {
	executable = map[string]bool{}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		words := strings.Split(line, "\t")
		switch {
		case line == "":
		case len(words) == 2 && words[0] == "executable":
			executable[words[1]] = true
		case len(words) == 3 && words[0] == "link" && filepath.IsLocal(words[1]) && words[2] != "":
			links = append(links, file{Entry: treearchive.Entry{Path: words[1], Target: words[2]}})
		default:
			return nil, nil, fmt.Errorf("%s:%d: got %q, want executable PATH or link PATH TARGET, separated by tabs", name, i+1, line)
		}
	}
	return links, executable, nil
}
