// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"rules_modhash/tools/merkle/bootimage"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/rootfile"
)

// Where kernels lie: Debian, Fedora, SUSE and Arch in boot, Fedora and Arch beside the modules as well, the Boot
// Loader Specification in a folder of their release, unified kernel images all in one.
var kernelPatterns = []string{
	"boot/vmlinuz*", "boot/vmlinux*", "boot/bzImage*", "boot/*/*/linux", "boot/efi/*/*/linux", "efi/*/*/linux",
	"lib/modules/*/vmlinuz", "lib/modules/*/vmlinux", "lib/modules/*/bzImage",
	"usr/lib/modules/*/vmlinuz", "usr/lib/modules/*/vmlinux", "usr/lib/modules/*/bzImage",
	"boot/EFI/Linux/*.efi", "boot/efi/EFI/Linux/*.efi", "efi/EFI/Linux/*.efi", "usr/lib/modules/*/*.efi",
}

// systemMaps are where the System.map of a release lies.
var systemMaps = []string{"boot/System.map-%s", "lib/modules/%s/System.map", "usr/lib/modules/%s/System.map"}

var initramfsPatterns = []string{
	"boot/initrd*", "boot/initramfs*", "boot/*/*/initrd*", "boot/efi/*/*/initrd*", "efi/*/*/initrd*",
	"lib/modules/*/initrd*", "lib/modules/*/initramfs*", "usr/lib/modules/*/initrd*", "usr/lib/modules/*/initramfs*",
}

// modulesFolders hold a folder for each release. One is often a link to the other.
var modulesFolders = []string{"lib/modules", "usr/lib/modules"}

// signatures of images lie beside them, and are none.
var besideImages = []string{".sig", ".asc", ".hmac", ".p7s"}

// releasePatterns know the release in the path of an image.
var releasePatterns = []*regexp.Regexp{
	regexp.MustCompile(`(?:^|/)lib/modules/([^/]+)/`),
	regexp.MustCompile(`^(?:boot|boot/efi|efi)/[^/]+/([^/]+)/[^/]+$`),
	regexp.MustCompile(`/(?:vmlinuz|vmlinux|bzImage|initrd\.img|initrd|initramfs)-(.+?)(?:\.img)?$`),
}

func releaseInPath(name string) string {
	for _, pattern := range releasePatterns {
		if match := pattern.FindStringSubmatch(name); match != nil {
			return match[1]
		}
	}
	return ""
}

// system is the folder that is audited.
type system struct {
	root *os.Root
}

// foldersFS opens nothing but folders: to look for files in what is a pipe would wait for ever.
type foldersFS struct{ root *os.Root }

// Open opens a folder.
func (f foldersFS) Open(name string) (fs.File, error) {
	return f.root.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
}

// Stat follows symbolic links that stay below the root folder.
func (f foldersFS) Stat(name string) (fs.FileInfo, error) { return f.root.Stat(name) }

// open opens a regular file, and nothing that could block.
func (s system) open(name string) (*os.File, fs.FileInfo, error) {
	f, err := s.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, plainError(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("is no regular file (%s)", info.Mode().Type())
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// plainError leaves the name of the file out, which stands elsewhere in a report.
func plainError(err error) error {
	var pathError *fs.PathError
	if !errors.As(err, &pathError) {
		return err
	}
	if strings.Contains(pathError.Err.Error(), "escapes") {
		return errors.New("is a symbolic link, or lies behind one, that leads out of the root folder")
	}
	return fmt.Errorf("cannot be read: %w", pathError.Err)
}

// matches returns the files that match patterns, each file once whatever the number of its names, in bytewise
// order of the first of these names by the order of patterns.
func (s system) matches(patterns []string) []string {
	var names []string
	var seen []fs.FileInfo
	for _, pattern := range patterns {
		// Only malformed patterns are errors.
		found, _ := fs.Glob(foldersFS{s.root}, pattern)
		slices.Sort(found)
		for _, name := range found {
			if slices.Contains(besideImages, path.Ext(name)) {
				continue
			}
			info, err := s.root.Stat(name)
			if err == nil && (info.IsDir() || isOneOf(seen, info)) {
				continue
			}
			if err == nil {
				seen = append(seen, info)
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// isOneOf tells whether a file is one that was seen under another name.
func isOneOf(seen []fs.FileInfo, info fs.FileInfo) bool {
	return slices.ContainsFunc(seen, func(other fs.FileInfo) bool { return os.SameFile(info, other) })
}

// foundKernel is a kernel and its root, which counts if there is no problem.
type foundKernel struct {
	Kernel
	root merkle.Root
	// named is the release in its path, which need not be one: vmlinuz-linux.
	named string
}

func (s system) kernels() []foundKernel {
	var kernels []foundKernel
	for _, name := range s.matches(kernelPatterns) {
		named := releaseInPath(name)
		k := foundKernel{Kernel: Kernel{Path: name, Release: named}, named: named}
		if err := s.readKernel(&k); err != nil {
			k.Problem = err.Error()
		}
		kernels = append(kernels, k)
	}
	return kernels
}

func (s system) readKernel(k *foundKernel) error {
	f, _, err := s.open(k.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	k.Release = cmp.Or(releaseOf(f), k.Release)
	found, err := rootfile.ReadKernelFrom(f, rootfile.Options{SymbolFiles: func(release string) []rootfile.Candidate {
		return s.systemMaps(cmp.Or(release, k.Release))
	}})
	if err != nil {
		return err
	}
	k.root, k.Format, k.Levels, k.Root = found.Root, found.Format, found.Root.Levels, found.Root.Hash.String()
	return nil
}

// releaseOf returns the release that an image itself tells, "" if it tells none.
func releaseOf(f *os.File) string {
	head := make([]byte, bootimage.HeadSize)
	n, _ := f.ReadAt(head, 0)
	switch head = head[:n]; {
	case bootimage.Is(head):
		return bootimage.Release(f)
	case bootimage.IsPE(head):
		return bootimage.SectionRelease(f)
	}
	return ""
}

// systemMaps are the System.map files of a release that there are.
func (s system) systemMaps(release string) []rootfile.Candidate {
	var found []rootfile.Candidate
	for _, pattern := range systemMaps {
		name := fmt.Sprintf(pattern, release)
		if f, _, err := s.open(name); err == nil && f.Close() == nil {
			found = append(found, rootfile.Candidate{Name: name, Open: func() (rootfile.SymbolFile, error) {
				f, _, err := s.open(name)
				return f, err
			}})
		}
	}
	return found
}

// folder is lib/modules/RELEASE and the names of the modules in it.
type folder struct {
	Modules
	names []string
}

// folders returns the folders of all releases.
func (s system) folders() ([]folder, []Problem) {
	var folders []folder
	var problems []Problem
	var seen []fs.FileInfo
	for _, name := range modulesFolders {
		info, err := s.root.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var entries []fs.DirEntry
		if err == nil {
			entries, err = fs.ReadDir(foldersFS{s.root}, name)
		}
		if err != nil {
			problems = append(problems, Problem{name, plainError(err).Error()})
			continue
		}
		if isOneOf(seen, info) {
			continue
		}
		seen = append(seen, info)
		for _, e := range entries {
			if f, ok := s.folder(path.Join(name, e.Name())); ok {
				folders = append(folders, f)
			}
		}
	}
	return folders, problems
}

// folder lists the modules of one release, ok being false if name is no folder.
func (s system) folder(name string) (f folder, ok bool) {
	f = folder{Modules: Modules{Path: name, Release: path.Base(name), Modules: []Module{}}}
	info, err := s.root.Stat(name)
	if err == nil && !info.IsDir() {
		return f, false
	}
	if err != nil {
		f.Problems = append(f.Problems, Problem{name, plainError(err).Error()})
		return f, true
	}
	err = fs.WalkDir(foldersFS{s.root}, name, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			f.Problems = append(f.Problems, Problem{file, plainError(err).Error()})
		case !entry.IsDir() && module.HasModuleName(file):
			f.names = append(f.names, file)
		}
		return nil
	})
	if err != nil {
		f.Problems = append(f.Problems, Problem{name, plainError(err).Error()})
	}
	slices.Sort(f.names)
	return f, true
}
