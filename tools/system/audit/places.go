// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"path"
	"slices"
	"strings"

	"rules_modhash/tools/archive/rootfs"
)

// modulesRoots hold a directory for each release: those of the system, of its extensions (systemd-sysext), of the
// deployments of ostree, and of the generation that NixOS runs. One is often a link to the other.
var modulesRoots = []string{
	"lib/modules", "usr/lib/modules",
	"etc/extensions/*/usr/lib/modules", "run/extensions/*/usr/lib/modules", "var/lib/extensions/*/usr/lib/modules",
	"usr/lib/extensions/*/usr/lib/modules", "usr/local/lib/extensions/*/usr/lib/modules",
	"ostree/deploy/*/deploy/*/usr/lib/modules", "sysroot/ostree/deploy/*/deploy/*/usr/lib/modules",
	"run/current-system/kernel-modules/lib/modules", "run/booted-system/kernel-modules/lib/modules",
	"nix/var/nix/profiles/*/kernel-modules/lib/modules",
}

// bootTrees are directories from which boot loaders take kernels and initramfs, at any depth: of distributions, of
// the EFI system partition wherever it is mounted or being the root itself, of the Boot Loader Specification, of
// ostree, and of images of the Raspberry Pi.
var bootTrees = []string{
	"boot", "efi", "esp", "EFI", "loader", "ostree/boot.*", "usr/lib/ostree-boot", "usr/boot", "usr/lib/boot",
	"ostree/deploy/*/deploy/*/usr/lib/ostree-boot", "sysroot/boot", "nix/var/nix/profiles/*/kernel",
	"nix/var/nix/profiles/*/initrd", "run/current-system/kernel", "run/current-system/initrd",
	"run/booted-system/kernel", "run/booted-system/initrd",
}

// extensionImages are images that systemd-sysext merges into /usr.
var extensionImages = []string{
	"etc/extensions/*.raw", "run/extensions/*.raw", "var/lib/extensions/*.raw", "usr/lib/extensions/*.raw",
	"usr/local/lib/extensions/*.raw",
}

// directory is lib/modules/RELEASE and what is in it.
type directory struct {
	Modules
	entries []rootfs.Entry
}

// directories lists the directories of all releases. What stands next to them is returned as loose.
func (a *audit) directories() (all []directory, loose []rootfs.Entry) {
	var seen []string
	for _, root := range a.globs(modulesRoots) {
		real, err := a.system.Resolve(root)
		if err == nil && slices.Contains(seen, real) {
			continue
		}
		seen = append(seen, real)
		entries, err := a.system.ReadDir(root)
		if err != nil {
			a.problem(root, err.Error())
			continue
		}
		for _, e := range entries {
			name := path.Join(root, e.Name())
			info, err := a.system.Stat(name)
			if err != nil || info.IsDir() {
				all = append(all, a.directory(name))
				continue
			}
			loose = append(loose, a.single(name))
		}
	}
	return all, loose
}

// directory lists what is in the directory of one release. "build" and "source" lead to the kernel's source: depmod
// does not search them.
func (a *audit) directory(name string) directory {
	d := directory{Modules: Modules{Path: name, Release: path.Base(name), Modules: []Module{}}}
	entries, err := a.system.Walk(name, func(p string) bool {
		return path.Dir(p) == name && (path.Base(p) == "build" || path.Base(p) == "source")
	})
	if err != nil {
		d.Problems = append(d.Problems, Problem{name, err.Error()})
	}
	d.entries = entries
	return d
}

// bootFiles lists all files that a boot loader may take, and those that the user names. A file that stands at the
// top, such as /vmlinuz, is one.
func (a *audit) bootFiles() []rootfs.Entry {
	var all []rootfs.Entry
	top, err := a.system.ReadDir(".")
	if err != nil {
		a.problem(".", err.Error())
	}
	for _, e := range top {
		if info, err := a.system.Stat(e.Name()); err == nil && !info.IsDir() {
			all = append(all, a.single(e.Name()))
		}
	}
	for _, tree := range a.globs(bootTrees) {
		if info, err := a.system.Stat(tree); err == nil && !info.IsDir() {
			all = append(all, a.single(tree))
			continue
		}
		entries, err := a.system.Walk(tree, nil)
		if err != nil {
			a.problem(tree, err.Error())
		}
		all = append(all, entries...)
	}
	for _, name := range a.globs(extensionImages) {
		all = append(all, a.single(name))
	}
	return all
}

// single returns the entry of a name that is not a directory.
func (a *audit) single(name string) rootfs.Entry {
	e := rootfs.Entry{Path: name}
	real, err := a.system.Resolve(name)
	if err != nil {
		return rootfs.Entry{Path: name, Kind: rootfs.Unreadable, Err: err}
	}
	info, err := a.system.Stat(name)
	e.Real = real
	switch {
	case err != nil:
		e.Kind, e.Err = rootfs.Dangling, err
	case info.Mode().IsRegular():
		e.Kind = rootfs.File
	default:
		e.Kind, e.Mode = rootfs.Special, info.Mode().Type()
	}
	return e
}

// globs returns what matches any of some patterns.
func (a *audit) globs(patterns []string) (names []string) {
	for _, p := range patterns {
		names = append(names, a.system.Glob(p)...)
	}
	return names
}

// besideImages are the suffixes of signatures, which lie next to images and are not images.
var besideImages = []string{".sig", ".asc", ".hmac", ".p7s"}

// claimsKernel and claimsInitramfs know the names that distributions give to kernels and to initramfs. What has such a
// name and is not known by its contents is reported.
func claimsKernel(name string) bool { return claims(name, kernelNames) }

func claimsInitramfs(name string) bool { return claims(name, initramfsNames) }

var (
	kernelNames    = []string{"vmlinuz", "vmlinux", "bzImage", "zImage", "kernel", "Image"}
	initramfsNames = []string{"initrd", "initramfs"}
)

func claims(name string, prefixes []string) bool {
	base := path.Base(name)
	if slices.Contains(besideImages, path.Ext(base)) {
		return false
	}
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		rest, ok := strings.CutPrefix(base, prefix)
		return ok && (rest == "" || strings.ContainsAny(rest[:1], "-._0123456789"))
	})
}
