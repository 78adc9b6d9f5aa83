// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"rules_modhash/tools/merkle/root"
)

// symbolFiles are where the addresses of symbols of a release stand: its System.map, or a vmlinux that is not
// stripped.
var symbolFiles = []string{
	"lib/modules/%s/System.map", "usr/lib/modules/%s/System.map", "boot/System.map-%s", "usr/lib/debug/boot/System.map-%s",
	"usr/lib/debug/lib/modules/%s/vmlinux", "usr/lib/debug/boot/vmlinux-%s", "boot/vmlinux-%s", "lib/modules/%s/vmlinux",
	"usr/lib/modules/%s/vmlinux", "lib/modules/%s/build/System.map", "lib/modules/%s/build/vmlinux",
}

// kernel reads the root of a kernel.
func (a *audit) kernel(c contents) verdict {
	return a.read(c, "", func(o root.Options) (root.Found, error) {
		return root.ReadKernelFrom(io.NewSectionReader(c.r, 0, c.size), o)
	})
}

// read enters what is read out of a kernel. Named is the release that the image around it names, if it does.
func (a *audit) read(c contents, named string, read func(root.Options) (root.Found, error)) verdict {
	inPath := releaseInPath(c.path, a.releases)
	k := foundKernel{Kernel: Kernel{Path: c.path}, named: inPath}
	found, err := read(root.Options{SymbolFiles: func(release string) []root.Candidate {
		return a.symbols(cmp.Or(release, named, inPath))
	}})
	k.Release = cmp.Or(found.Release, named, inPath)
	if err != nil {
		k.Problem = err.Error()
	} else {
		k.root, k.Format, k.Levels, k.Root = found.Root, found.Format, found.Root.Levels, found.Root.Hash.String()
	}
	a.kernels = append(a.kernels, k)
	return of(ClassKernel)
}

// symbols returns the files that may have the symbols of a release.
func (a *audit) symbols(release string) (candidates []root.Candidate) {
	if release == "" || strings.Contains(release, "/") {
		return nil
	}
	for _, pattern := range symbolFiles {
		name := fmt.Sprintf(pattern, release)
		if _, err := a.system.Stat(name); err != nil {
			continue
		}
		candidates = append(candidates, root.Candidate{Name: name, Open: func() (root.SymbolFile, error) {
			f, _, err := a.system.OpenFile(name)
			return f, err
		}})
	}
	return candidates
}

// nameReleases gives images whose paths do not name a release that is one the release of the kernel that they are
// loaded with: that of their boot entry, of the image that they extend (NAME.efi.extra.d), or next to them
// (initramfs-linux.img, vmlinuz-linux); else the only release that there is.
func (a *audit) nameReleases() {
	only := ""
	if releases := slices.Compact(slices.Sorted(slices.Values(a.releases))); len(releases) == 1 {
		only = releases[0]
	}
	actual, ofKernel := map[string]string{"": only}, map[string]string{}
	for i := range a.kernels {
		k := &a.kernels[i]
		k.Release = cmp.Or(k.Release, only)
		actual[k.named] = cmp.Or(k.Release, actual[k.named])
		file, _, _ := strings.Cut(k.Path, "!/")
		ofKernel[file] = cmp.Or(ofKernel[file], k.Release)
	}
	for _, release := range a.releases {
		actual[release] = release
	}
	entries := map[string]string{}
	for _, e := range a.bootEntries {
		for _, image := range e.initramfs {
			entries[a.examined[image]] = ofKernel[a.examined[e.kernel]]
		}
	}
	for _, p := range a.places {
		extended, _, _ := strings.Cut(p.Path, ".extra.d/")
		p.Release = cmp.Or(entries[p.Path], ofKernel[extended], actual[p.Release], p.Release)
	}
}
