// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// rule leaves files of a world out of its image.
type rule struct {
	// pattern matches paths relative to the root, as in doublestar.
	pattern string
	// files leaves out files alone; otherwise a directory that matches is left out with its contents.
	files bool
	// reason states why the image does not need them.
	reason string
}

// leftOut is all that the image does not have. In addition, prune leaves out empty directories of no package.
var leftOut = []rule{
	{"dev/*", false, "container runtimes mount their own device nodes, and a world of an unprivileged user has none"},
	{"{proc,run,sys,tmp,var/tmp}/*", false, "the contents depend on what runs"},

	{"etc/rules_modhash/world", false, "it has the path of the world on this machine, and bazelw takes it for a sign of being in a world"},
	{"etc/{hostname,machine-id}", false, "they identify the machine that made the world; container runtimes write their own"},
	{"var/lib/dbus/machine-id", false, "it identifies the machine that made the world"},

	{"usr/share/rules_modhash/archives", false, "these are inputs of actions: Bazel sends them to the worker"},

	{"var/cache/**", true, "programs make their caches again, and ldconfig's has inode numbers"},
	{"var/log/**", true, "logs have the time of each installation step"},
	{"var/lib/apt/lists/**", true, "apt-get update fetches them again"},
	{"var/backups/*", false, "former contents of files"},
	{"etc/{group,gshadow,passwd,shadow,subgid,subuid}-", false, "former contents of files"},
	{"{var/lib/dpkg,var/cache/debconf}/*-old", false, "former contents of files"},
	{"{etc/.pwd.lock,var/lib/dpkg/lock*,var/lib/dpkg/triggers/Lock}", false, "locks of running programs"},
	{"**/__pycache__", false, "Python programs that run in the world write them, with timestamps of sources"},
}

// isLeftOut reports whether a path, relative to the root, is not in the image.
func isLeftOut(name string, directory bool) bool {
	for _, r := range leftOut {
		if directory && r.files {
			continue
		}
		if doublestar.MatchUnvalidated(r.pattern, name) {
			return true
		}
	}
	return false
}

// prune drops directories that have no files and belong to no package. enter.sh makes such directories: the mount points of
// the machine's own directories, whose paths are not for others.
func prune(root string, entries []entry) ([]entry, error) {
	keep, err := packaged(root)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.isDirectory() {
			for dir := path.Dir(e.name); dir != "." && !keep[dir]; dir = path.Dir(dir) {
				keep[dir] = true
			}
		}
	}
	kept := entries[:0]
	for _, e := range entries {
		if !e.isDirectory() || keep[e.name] {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// packaged returns the paths that dpkg lists for the packages of a world, and the directories above them.
func packaged(root string) (map[string]bool, error) {
	lists, err := filepath.Glob(filepath.Join(root, "var/lib/dpkg/info/*.list"))
	if err != nil {
		return nil, err
	}
	if len(lists) == 0 {
		return nil, fmt.Errorf("%s: got no dpkg database, want the root directory of a world", root)
	}
	links, err := topLinks(root)
	if err != nil {
		return nil, err
	}
	paths := map[string]bool{}
	for _, list := range lists {
		data, err := os.ReadFile(list)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(data)) {
			name := throughLink(links, strings.Trim(line, "/\n"))
			for ; name != "." && !paths[name]; name = path.Dir(name) {
				paths[name] = true
			}
		}
	}
	return paths, nil
}

// topLinks returns the targets of symbolic links in the root directory, such as usr/lib of lib.
func topLinks(root string) (map[string]string, error) {
	files, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	links := map[string]string{}
	for _, file := range files {
		if file.Type() != fs.ModeSymlink {
			continue
		}
		target, err := os.Readlink(filepath.Join(root, file.Name()))
		if err != nil {
			return nil, err
		}
		links[file.Name()] = strings.TrimPrefix(target, "/")
	}
	return links, nil
}

// throughLink replaces a top-level symbolic link in name: packages list either name.
func throughLink(links map[string]string, name string) string {
	top, rest, _ := strings.Cut(name, "/")
	if target, ok := links[top]; ok {
		return path.Join(target, rest)
	}
	return path.Clean(name)
}
