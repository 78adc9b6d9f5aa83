// SPDX-License-Identifier: Apache-2.0

// Package modules decides which files are the modules of a tree, where each is
// installed, and in which order they come.
package modules

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rules_modhash/tools/archive/names"
	"rules_modhash/tools/archive/rootfs"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/trailer"
)

// Source is a path given by the user: a module file, or a directory that holds
// modules at any depth.
type Source struct {
	// Path of the file or directory.
	Path string
	// InstallPath of the file, or prefix for the install paths of what the
	// directory holds. Empty: the file's name, no prefix.
	InstallPath string
	// StripPrefix is a leading part of the paths below the directory that does not
	// belong to the install paths: a clean relative path, or empty. All modules
	// of the directory are below it.
	StripPrefix string
	// RootDir is the root of the system that a directory belongs to: symbolic links below the directory resolve as
	// after chroot(2). Empty: the root of this system.
	RootDir string
	// Existing states what becomes of a trailer that is there already.
	Existing trailer.Policy
	// Label is the build label that error messages name, if any.
	Label string
}

// String names the source in messages: "LABEL (PATH)", or PATH.
func (s Source) String() string {
	return name(s.Label, s.Path)
}

// Module is one module file.
type Module struct {
	// File is where the module is read from.
	File string
	// InstallPath is its path relative to lib/modules/RELEASE once installed,
	// without a compression suffix.
	InstallPath string
	// Existing and Label are those of the source.
	Existing trailer.Policy
	Label    string
	// Guessed reports that InstallPath is only the file's name: the user gave a
	// file without an install path.
	Guessed bool
}

// String names the module in messages: "LABEL (FILE)", or FILE.
func (m Module) String() string {
	return name(m.Label, m.File)
}

func name(label, path string) string {
	path = names.Printable(path)
	if label == "" {
		return path
	}
	return label + " (" + path + ")"
}

// Listing is what sources hold.
type Listing struct {
	// Modules source by source, those of one directory bytewise by install path.
	Modules []Module
	// NotExamined are entries of directories that could hold modules, but could not be looked into.
	NotExamined []Unexamined
	// Skipped are directories called "build" or "source" that depmod does not search.
	Skipped []string
	// Others are the other entries of directories: they are not modules by their names.
	Others []Other
}

// Other is an entry of a directory that is not a module by its name.
type Other struct {
	// File is its path.
	File string
	// Mode is its type: regular, a directory for one that is listed under another path, or another one.
	Mode fs.FileMode
}

// Unexamined is an entry that could not be looked into.
type Unexamined struct {
	// File is its path, Label that of the source.
	File, Label string
	// Reason states why, in words that follow the path.
	Reason string
	// Needed reports that there is something that a module may be in: all but links to nothing without the name of a
	// module.
	Needed bool
}

// String is a sentence about the entry.
func (u Unexamined) String() string {
	return name(u.Label, u.File) + " " + u.Reason
}

// List returns what all sources hold. A directory counts every regular file whose name ends in .ko, .ko.xz, .ko.zst or
// .ko.gz, and every symbolic link to one. Links to directories are followed as depmod does, each directory being
// listed once. "build" and "source" at the top of a directory, or of a lib/modules/RELEASE in it, lead to the kernel's
// source and are not searched (depmod_modules_search in kmod).
func List(sources []Source) (Listing, error) {
	var all Listing
	for _, s := range sources {
		found, err := s.list()
		if err != nil {
			return Listing{}, err
		}
		all.Modules = append(all.Modules, found.Modules...)
		all.NotExamined = append(all.NotExamined, found.NotExamined...)
		all.Skipped = append(all.Skipped, found.Skipped...)
		all.Others = append(all.Others, found.Others...)
	}
	return all, nil
}

// Collect returns what List does. Two modules with one install path are an error that names both, and so is what is
// needed and could not be looked into.
func Collect(sources []Source) (Listing, error) {
	found, err := List(sources)
	if err != nil {
		return Listing{}, err
	}
	for _, u := range found.NotExamined {
		if u.Needed {
			return Listing{}, errors.New(u.String())
		}
	}
	return found, checkUnique(found.Modules)
}

// Sort orders modules bytewise by install path.
func Sort(modules []Module) {
	slices.SortFunc(modules, func(a, b Module) int { return cmp.Compare(a.InstallPath, b.InstallPath) })
}

func checkUnique(modules []Module) error {
	first := make(map[string]Module, len(modules))
	for _, m := range modules {
		if other, ok := first[m.InstallPath]; ok {
			return fmt.Errorf("%s and %s have the same install path %q: a tree contains it once",
				other, m, m.InstallPath)
		}
		first[m.InstallPath] = m
	}
	for _, m := range modules {
		for dir := path.Dir(m.InstallPath); dir != "."; dir = path.Dir(dir) {
			if other, ok := first[dir]; ok {
				return fmt.Errorf("install path %q of %s is a directory of %q of %s",
					dir, other, m.InstallPath, m)
			}
		}
	}
	return nil
}

// list returns what one source holds.
func (s Source) list() (Listing, error) {
	info, err := os.Stat(s.Path)
	if err != nil {
		return Listing{}, s.wrap(err)
	}
	if info.IsDir() {
		return s.walk()
	}
	if !info.Mode().IsRegular() {
		return Listing{}, fmt.Errorf("%s is neither a regular file nor a directory", s)
	}
	if s.StripPrefix != "" {
		return Listing{}, fmt.Errorf("%s is a file: a prefix to trim (%q) belongs to a directory",
			s, s.StripPrefix)
	}
	m, err := s.module(s.Path, cmp.Or(s.InstallPath, filepath.Base(s.Path)))
	m.Guessed = s.InstallPath == ""
	return Listing{Modules: []Module{m}}, err
}

// wrap adds the label to an error of the operating system, which names the path.
func (s Source) wrap(err error) error {
	if s.Label == "" {
		return err
	}
	return fmt.Errorf("%s: %w", s.Label, err)
}

// module returns the module in file, install being its install path but for the
// compression suffix.
func (s Source) module(file, install string) (Module, error) {
	m := Module{File: file, InstallPath: module.TrimCompression(install), Existing: s.Existing, Label: s.Label}
	if err := CheckInstallPath(m.InstallPath); err != nil {
		return m, fmt.Errorf("%s: %w", m, err)
	}
	return m, nil
}

// walk returns what is below the directory s.Path.
func (s Source) walk() (Listing, error) {
	system, start, err := s.system()
	if err != nil {
		return Listing{}, s.wrap(err)
	}
	defer system.Close()
	entries, err := system.Walk(start, excluded(start))
	if err != nil {
		return Listing{}, fmt.Errorf("%s %w", s, err)
	}
	var found Listing
	for _, e := range entries {
		if err := s.add(&found, system, e, strings.TrimPrefix(e.Path, start+"/")); err != nil {
			return Listing{}, s.wrap(err)
		}
	}
	Sort(found.Modules)
	return found, nil
}

// system returns the system that the directory s.Path belongs to, and its name there.
func (s Source) system() (*rootfs.FS, string, error) {
	dir, err := s.Path, error(nil)
	if s.RootDir == "" {
		// ".." after a link is not what it looks like.
		if dir, err = filepath.EvalSymlinks(s.Path); err != nil {
			return nil, "", err
		}
	}
	system, err := rootfs.Open(cmp.Or(s.RootDir, string(filepath.Separator)))
	if err != nil {
		return nil, "", err
	}
	name, ok := system.Name(dir)
	if !ok {
		return nil, "", errors.Join(fmt.Errorf("%s is not below the root directory %s", s.Path, s.RootDir), system.Close())
	}
	return system, name, nil
}

// releaseTop is the directory of a release in a path.
var releaseTop = regexp.MustCompile(`(?:^|/)lib/modules/[^/]+$`)

// excluded knows the names that depmod does not search.
func excluded(start string) func(string) bool {
	return func(p string) bool {
		dir, base := path.Split(p)
		dir = path.Clean(dir)
		return (base == "build" || base == "source") && (dir == path.Clean(start) || releaseTop.MatchString(dir))
	}
}

// add enters one entry of the directory, whose path below it is relative.
func (s Source) add(found *Listing, system *rootfs.FS, e rootfs.Entry, relative string) error {
	file := filepath.Join(s.Path, filepath.FromSlash(relative))
	named := module.HasModuleName(relative)
	switch {
	case e.Kind == rootfs.Dangling || e.Kind == rootfs.Unreadable:
		found.NotExamined = append(found.NotExamined,
			Unexamined{file, s.Label, e.Err.Error(), named || e.Kind == rootfs.Unreadable})
	case e.Kind == rootfs.Special && named:
		reason := "has the name of a module, but " + rootfs.NotRegular(e.Mode).Error()
		found.NotExamined = append(found.NotExamined, Unexamined{file, s.Label, reason, true})
	case e.Kind == rootfs.Excluded && e.Mode.IsDir():
		found.Skipped = append(found.Skipped, file)
	case e.Kind == rootfs.File && named:
		if s.RootDir != "" {
			file = system.HostPath(e.Real)
		}
		m, err := s.member(file, relative)
		found.Modules = append(found.Modules, m)
		return err
	default:
		found.Others = append(found.Others, Other{file, e.Mode})
	}
	return nil
}

// member returns the module in a file of the directory.
func (s Source) member(file, relative string) (Module, error) {
	install, err := s.installPath(relative, file)
	if err != nil {
		return Module{}, err
	}
	return s.module(file, install)
}

// installPath returns where a file is installed whose path below the directory is relative.
func (s Source) installPath(relative, file string) (string, error) {
	if s.StripPrefix != "" {
		below, ok := strings.CutPrefix(relative, s.StripPrefix+"/")
		if !ok {
			return "", fmt.Errorf("%s is not below %q, the prefix to trim from paths in the directory",
				file, s.StripPrefix)
		}
		relative = below
	}
	return path.Join(s.InstallPath, relative), nil
}

// CheckInstallPath returns an error unless p is a clean relative path with slashes
// that stays below its root, in printable UTF-8.
func CheckInstallPath(p string) error {
	if err := checkPath(p); err != nil {
		return fmt.Errorf("install path %q %w", p, err)
	}
	return nil
}

func checkPath(p string) error {
	switch {
	case p == "":
		return errors.New("is empty")
	case !utf8.ValidString(p):
		return errors.New("is not valid UTF-8")
	case strings.ContainsFunc(p, unicode.IsControl):
		return errors.New("has a control character")
	case path.IsAbs(p):
		return errors.New("is absolute, want one relative to lib/modules/RELEASE")
	case p == "." || p == ".." || strings.HasPrefix(p, "../"):
		return errors.New("leads out of lib/modules/RELEASE")
	case path.Clean(p) != p:
		return fmt.Errorf("is not clean, want %q", path.Clean(p))
	}
	return nil
}
