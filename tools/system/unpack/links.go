// SPDX-License-Identifier: Apache-2.0

package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"rules_modhash/tools/archive/names"
	"rules_modhash/tools/merkle/module"
)

// hardLink gives a file a second name. A module is one by any of its names.
func (d *directory) hardLink(name, target string) error {
	target, err := names.Inside(target)
	if err != nil {
		d.Others++
		return d.notExamined(name, fmt.Sprintf("is a hard link to a path that %v", err))
	}
	target = d.first(target)
	k := d.kinds[target]
	if k != isFile && k != isModule {
		d.Others++
		return d.notExamined(name, fmt.Sprintf("is a hard link to %q, which is not an earlier file of the archive", target))
	}
	d.sameAs[name] = target
	if module.HasModuleName(name) {
		return errors.Join(d.enter(name, isModule), d.further(name, target))
	}
	if k == isFile {
		d.Others++
	}
	return d.enter(name, isFile)
}

// first returns the first name of a file, of which the archive has the contents.
func (d *directory) first(name string) string {
	if first, ok := d.sameAs[name]; ok {
		return first
	}
	return name
}

// further makes a module of a file that is in the archive under another name.
func (d *directory) further(name, target string) error {
	target = d.first(target)
	if d.kinds[target] == isFile {
		d.wanted[target] = append(d.wanted[target], name)
		return nil
	}
	return d.link(name, target)
}

// link gives a module that was written already a second name.
func (d *directory) link(name, target string) error {
	if err := d.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	err := d.root.Link(target, name)
	if errors.Is(err, os.ErrExist) {
		return errors.New("is listed twice")
	}
	return err
}

// fetch writes the files that are wanted under the names of the links to them.
func (d *directory) fetch(r io.Reader) error {
	return d.bounded(r, func(r io.Reader) error {
		return d.entries(tar.NewReader(r), func(header *tar.Header, name string, contents io.Reader) error {
			names := d.wanted[name]
			if len(names) == 0 || header.Typeflag == tar.TypeLink || header.Typeflag == tar.TypeSymlink {
				return nil
			}
			delete(d.wanted, name)
			if err := d.write(names[0], header.Size, contents); err != nil {
				return err
			}
			for _, further := range names[1:] {
				if err := d.link(further, names[0]); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (d *directory) symbolicLink(name, target string) error {
	if len(target) > names.Max {
		return fmt.Errorf("is a link to a path of %d bytes, want at most %d", len(target), names.Max)
	}
	d.paths += len(target)
	d.links[name] = target
	d.names = append(d.names, name)
	return d.enter(name, isOther)
}

// resolveLinks accounts for symbolic links once all entries are known.
func (d *directory) resolveLinks() error {
	prefix := d.releaseDir()
	for _, name := range d.names {
		target, reason := d.resolve(name)
		k := d.kinds[target]
		var err error
		switch {
		case reason != "" && d.leadsToModules(name, prefix):
			d.Others++
			err = d.notExamined(name, reason)
		case module.HasModuleName(name) && k == isDirectory:
			d.Others++
			err = d.notExamined(name, "has the name of a module, but is a link to a directory")
		case module.HasModuleName(name) && reason == "":
			err = d.further(name, target)
		case k == isDirectory && strings.HasPrefix(name, prefix) && d.leadsToModules(name, prefix):
			err = d.linkDirectory(name, target)
		default:
			d.Others++
		}
		if err != nil {
			return fmt.Errorf("%q in the archive %w", name, err)
		}
	}
	return nil
}

const (
	// maxLinks is how many links one path may lead through, as in Linux.
	maxLinks = 40
	// maxSteps is how many parts of paths are followed for all links together.
	maxSteps = 20_000_000
)

// resolve returns where a link leads to: a path that is a file or directory of the archive, or why there is none. An
// absolute path begins at the top of the archive, as it would in the system that the archive is for.
func (d *directory) resolve(name string) (target, reason string) {
	place, left := path.Dir(name), []string{path.Base(name)}
	for followed := 0; len(left) > 0; {
		part := left[0]
		left = left[1:]
		d.steps++
		next := path.Join(place, part)
		link, ok := d.links[next]
		switch {
		case part == "..":
			if place == "." {
				return "", fmt.Sprintf("is a link to %q, which leads out of the archive", d.links[name])
			}
			place = next
		case !ok && d.kinds[next] == absent:
			return "", fmt.Sprintf("is a link to %q, which is not in the archive", d.links[name])
		case !ok:
			place = next
		case followed == maxLinks || d.steps > maxSteps:
			return "", fmt.Sprintf("is a link to %q, which leads through more than %d links", d.links[name], maxLinks)
		default:
			followed++
			if path.IsAbs(link) {
				place = "."
			}
			left = append(strings.FieldsFunc(link, func(r rune) bool { return r == '/' }), left...)
		}
	}
	if d.kinds[place] == isOther {
		return "", fmt.Sprintf("is a link to %q, which is neither a file nor a directory", d.links[name])
	}
	return place, ""
}

// releasePattern matches the directory that install paths are relative to.
var releasePattern = regexp.MustCompile(`^(?:.*/)?lib/modules/([^/]+)/`)

// ReleaseDir returns the beginning of a path up to lib/modules/RELEASE/, and RELEASE; "" if there is none.
func ReleaseDir(name string) (dir, release string) {
	match := releasePattern.FindStringSubmatch(name)
	if match == nil {
		return "", ""
	}
	return match[0], match[1]
}

// releaseDir returns that of the modules, "" if they are not all in one.
func (d *directory) releaseDir() string {
	found := ""
	for name, k := range d.kinds {
		if k != isModule {
			continue
		}
		dir, _ := ReleaseDir(name)
		if dir == "" || found != "" && dir != found {
			return ""
		}
		found = dir
	}
	return found
}

// modulesPattern matches paths that lead to modules of some release, or are on the way.
var modulesPattern = regexp.MustCompile(`^(?:lib|usr|usr/lib)$|^(?:.*/)?lib/modules(?:/|$)`)

// leadsToModules reports whether what a link leads to would be among the modules. Prefix is the directory that these
// are in. depmod(8) follows all links but two at the top, which lead to the sources.
func (d *directory) leadsToModules(name, prefix string) bool {
	below := strings.TrimPrefix(name, prefix)
	if dir, _ := ReleaseDir(name); dir != "" {
		below = strings.TrimPrefix(name, dir)
	}
	switch {
	case module.HasModuleName(name):
		return true
	case below == "build" || below == "source":
		return false
	}
	return prefix == "" || modulesPattern.MatchString(name)
}

// linkDirectory makes a link to a directory that has modules. That to a directory around itself leads to nothing new.
func (d *directory) linkDirectory(name, target string) error {
	if target == "." || strings.HasPrefix(name, target+"/") {
		return nil
	}
	if _, err := d.root.Stat(target); err != nil {
		return nil // no module in it
	}
	relative, err := filepath.Rel(path.Dir(name), target)
	if err != nil {
		return err
	}
	return errors.Join(d.root.MkdirAll(path.Dir(name), 0o755), d.root.Symlink(relative, name))
}
