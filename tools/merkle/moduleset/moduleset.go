// SPDX-License-Identifier: Apache-2.0

// Package moduleset decides which files are the modules of a tree, where each is
// installed, and in which order they come.
package moduleset

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rules_modhash/tools/merkle/module"
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
	// belong to the install paths: a clean relative path, or empty. Nothing in the
	// directory may stand elsewhere.
	StripPrefix string
	// Existing says what becomes of a trailer that is there already.
	Existing module.Policy
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
	Existing module.Policy
	Label    string
	// Guessed tells that InstallPath is only the file's name: the user gave a
	// file and did not say where it is installed.
	Guessed bool
}

// String names the module in messages: "LABEL (FILE)", or FILE.
func (m Module) String() string {
	return name(m.Label, m.File)
}

func name(label, path string) string {
	if label == "" {
		return path
	}
	return label + " (" + path + ")"
}

// Find returns the modules of all sources, source by source, those of one
// directory bytewise by install path. A directory counts every regular file whose
// name ends in .ko, .ko.xz, .ko.zst or .ko.gz, and every symbolic link to one;
// links to directories are followed at the top only (lib/modules/RELEASE/build
// leads out of the modules).
func Find(sources []Source) ([]Module, error) {
	var modules []Module
	for _, s := range sources {
		found, err := s.modules()
		if err != nil {
			return nil, err
		}
		modules = append(modules, found...)
	}
	return modules, nil
}

// Collect returns what Find does. Two modules with one install path are an error
// that names both.
func Collect(sources []Source) ([]Module, error) {
	modules, err := Find(sources)
	if err != nil {
		return nil, err
	}
	return modules, checkUnique(modules)
}

// Sort orders modules bytewise by install path.
func Sort(modules []Module) {
	slices.SortFunc(modules, func(a, b Module) int { return cmp.Compare(a.InstallPath, b.InstallPath) })
}

func checkUnique(modules []Module) error {
	first := make(map[string]Module, len(modules))
	for _, m := range modules {
		if other, ok := first[m.InstallPath]; ok {
			return fmt.Errorf("%s and %s have the same install path %q: a tree holds it once",
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

// modules returns what one source holds.
func (s Source) modules() ([]Module, error) {
	info, err := os.Stat(s.Path)
	if err != nil {
		return nil, s.wrap(err)
	}
	if info.IsDir() {
		return s.walk()
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is neither a regular file nor a directory", s)
	}
	if s.StripPrefix != "" {
		return nil, fmt.Errorf("%s is a file: a prefix to strip (%q) belongs to a directory",
			s, s.StripPrefix)
	}
	m, err := s.module(s.Path, cmp.Or(s.InstallPath, filepath.Base(s.Path)))
	m.Guessed = s.InstallPath == ""
	return []Module{m}, err
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

// walk returns the modules below the directory s.Path.
func (s Source) walk() ([]Module, error) {
	// A trailing slash makes WalkDir enter a directory that is a symbolic link.
	root := filepath.Clean(s.Path) + string(filepath.Separator)
	var modules []Module
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !module.HasModuleName(file) {
			return err
		}
		if err := checkRegular(file, entry); err != nil {
			return err
		}
		install, err := s.installPath(root, file)
		if err != nil {
			return err
		}
		m, err := s.module(file, install)
		modules = append(modules, m)
		return err
	})
	if err != nil {
		return nil, s.wrap(err)
	}
	Sort(modules)
	return modules, nil
}

// installPath returns where the file in the directory root is installed.
func (s Source) installPath(root, file string) (string, error) {
	relative, err := filepath.Rel(root, file)
	if err != nil {
		return "", err
	}
	relative = filepath.ToSlash(relative)
	if s.StripPrefix != "" {
		below, ok := strings.CutPrefix(relative, s.StripPrefix+"/")
		if !ok {
			return "", fmt.Errorf("%s is not below %q, the prefix to strip from paths in the directory",
				file, s.StripPrefix)
		}
		relative = below
	}
	return path.Join(s.InstallPath, relative), nil
}

// checkRegular looks through symbolic links, which is how build sandboxes show
// files.
func checkRegular(file string, entry fs.DirEntry) error {
	mode := entry.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		mode = info.Mode()
	}
	if !mode.IsRegular() {
		return fmt.Errorf("%s has the name of a module, but is not a regular file", file)
	}
	return nil
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
