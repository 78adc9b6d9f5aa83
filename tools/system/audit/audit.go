// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"fmt"
	"path"
	"slices"

	"rules_modhash/tools/archive/initramfs"
	"rules_modhash/tools/archive/rootfs"
	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
)

// Options state what to audit, apart from what Run finds by itself. Names are relative to the root directory.
type Options struct {
	// Kernels and Initramfs are further files that boot loaders take.
	Kernels, Initramfs []string
	// Ignore are patterns (of doublestar: ** stands for any number of directories) of paths that the user knows to be
	// harmless. They are counted and reported.
	Ignore []string
}

// Progress receives what is done. Both functions may be nil; Step may be called by several goroutines.
type Progress struct {
	// Begin is called ahead of each directory of modules with their number.
	Begin func(modules int)
	// Step is called after each of them.
	Step func()
}

// Run audits the system whose root directory is dir. An error means that there could be no audit.
func Run(ctx context.Context, dir string, o Options, progress Progress) (*Report, error) {
	if err := checkPatterns(o.Ignore); err != nil {
		return nil, err
	}
	system, err := rootfs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer system.Close()
	a := &audit{
		system: system, options: o, progress: progress, ctx: ctx,
		account: account{patterns: o.Ignore, counts: map[Class]int{}}, examined: map[string]string{},
		report: &Report{Kernels: []Kernel{}, Installed: []Modules{}, Initramfs: []Initramfs{}, Problems: []Problem{}},
	}
	defer a.scratch.close()
	if err := a.run(); err != nil {
		return nil, err
	}
	return a.report, nil
}

// audit is one call of Run.
type audit struct {
	system   *rootfs.FS
	options  Options
	progress Progress
	ctx      context.Context
	scratch  scratch
	account  account
	report   *Report
	kernels  []foundKernel
	places   []*place
	// releases are those that have a directory of modules.
	releases []string
	// examined are the files that were looked into, free of links, and the path that each is reported under.
	examined    map[string]string
	bootEntries []bootEntry
}

// place is a directory, initramfs or other file whose modules were read.
type place struct {
	Modules
	archives  []initramfs.Segment
	read      []readModule
	installed bool
}

// readModule is a module and what it carries.
type readModule struct {
	path string
	// file is the name of an installed module in the system.
	file string
	// install is its path relative to lib/modules/RELEASE.
	install string
	release string
	module.Finding
	// after is how many bytes follow its compressed data.
	after int64
	err   error
}

// foundKernel is a kernel and its root.
type foundKernel struct {
	Kernel
	root merkle.Root
	// named is the release in its path, which need not be one: vmlinuz-linux.
	named string
}

func (a *audit) problem(path, reason string) {
	a.report.Problems = append(a.report.Problems, Problem{path, reason})
}

func (a *audit) run() error {
	directories, loose := a.directories()
	for _, d := range directories {
		a.releases = append(a.releases, d.Release)
	}
	for _, d := range directories {
		if err := a.readDirectory(d); err != nil {
			return err
		}
	}
	a.readFiles(append(loose, a.bootFiles()...))
	a.readNamed()
	if err := a.ctx.Err(); err != nil {
		return err
	}
	if len(a.kernels) == 0 {
		a.problem("boot", "no kernel image was found, there or next to modules. Next: name it (--kernel)")
	}
	a.nameReleases()
	a.evaluate()
	a.report.finish(&a.account)
	return nil
}

// readDirectory reads installed modules, on all CPUs, and accounts for each entry of the directory.
func (a *audit) readDirectory(d directory) error {
	p := &place{Modules: d.Modules, installed: true}
	a.places = append(a.places, p)
	modules, others := a.installed(d)
	p.read = make([]readModule, len(modules))
	if a.progress.Begin != nil {
		a.progress.Begin(len(modules))
	}
	err := batch.Each(a.ctx, len(modules), a.progress.Step, func(s *module.Scanner, i int) error {
		name, m := modules[i].Path, &p.read[i]
		*m = readModule{path: below(d.Path, name), file: name, release: d.Release, err: modules[i].Err}
		m.install = module.TrimCompression(m.path)
		if m.err == nil {
			m.Finding, m.err = a.examine(s, name, uint32(i))
			m.after = s.BytesAfter()
		}
		return nil
	})
	a.readFiles(others)
	return err
}

// installed returns the modules of a directory that are not ignored, and its other entries. What has the name of a
// module is one, whatever it is: it is evaluated.
func (a *audit) installed(d directory) (modules, others []rootfs.Entry) {
	entries := append(d.entries, a.dependencies(d)...)
	for _, e := range entries {
		switch {
		case e.Kind == rootfs.Excluded || e.Kind == rootfs.Again || !module.HasModuleName(e.Path):
			others = append(others, e)
		case a.account.entry(e.Path, func() verdict { return of(ClassModule) }).is(ClassModule):
			modules = append(modules, e)
		}
	}
	return modules, others
}

// below returns the path of name below dir; one that is not below it stays.
func below(dir, name string) string {
	if len(name) > len(dir) && name[:len(dir)+1] == dir+"/" {
		return name[len(dir)+1:]
	}
	return name
}

// examine reads an installed module. Index is a guess at its position.
func (a *audit) examine(s *module.Scanner, name string, index uint32) (module.Finding, error) {
	f, _, err := a.system.OpenFile(name)
	if err != nil {
		return module.Finding{}, err
	}
	defer f.Close()
	return examineFile(s, f, name, index)
}

// readFiles examines files that are not installed modules, and accounts for each entry.
func (a *audit) readFiles(entries []rootfs.Entry) {
	// A file goes by its own name, if that is among them, not by that of a link.
	slices.SortStableFunc(entries, func(e, f rootfs.Entry) int { return throughLink(e) - throughLink(f) })
	for _, e := range entries {
		if a.ctx.Err() != nil {
			return
		}
		if first, ok := a.examined[e.Real]; ok && e.Kind == rootfs.File && first == e.Path {
			continue // reached by two of the directories that are searched
		}
		a.account.entry(e.Path, func() verdict { return a.readEntry(e) })
	}
	a.readReferences(entries)
}

// throughLink returns 1 for an entry that is reached through a link, else 0.
func throughLink(e rootfs.Entry) int {
	if e.Kind == rootfs.File && e.Path != e.Real {
		return 1
	}
	return 0
}

// readEntry examines one entry of a directory.
func (a *audit) readEntry(e rootfs.Entry) verdict {
	switch e.Kind {
	case rootfs.File:
		if first, ok := a.examined[e.Real]; ok {
			return verdict{ClassLink, "is examined as " + first}
		}
		a.examined[e.Real] = e.Path
		return a.readFile(e)
	case rootfs.Again:
		return of(ClassLink)
	case rootfs.Excluded:
		return of(ClassOther)
	case rootfs.Special:
		return a.special(e)
	case rootfs.Dangling, rootfs.Unreadable:
		return notExaminedError(e.Err)
	}
	return verdict{}
}

// special evaluates pipes, sockets and devices: nothing is loaded from them, but one in place of an image is wrong.
func (a *audit) special(e rootfs.Entry) verdict {
	if claimsKernel(e.Path) || claimsInitramfs(e.Path) {
		return notExaminedError(rootfs.NotRegular(e.Mode))
	}
	return of(ClassOther)
}

// readFile examines a regular file that is not an installed module.
func (a *audit) readFile(e rootfs.Entry) verdict {
	f, info, err := a.system.OpenFile(e.Real)
	if err != nil {
		return notExaminedError(err)
	}
	defer f.Close()
	a.scratch.copied = 0
	p := &place{Modules: Modules{Path: e.Path, Release: releaseInPath(e.Path, a.releases), Modules: []Module{}}}
	v := a.contents(p, contents{path: e.Path, r: f, size: info.Size(), file: f})
	if len(p.archives) > 0 || len(p.read) > 0 || len(p.Problems) > 0 {
		a.places = append(a.places, p)
	}
	return v
}

// readNamed examines the kernels and initramfs that the user names.
func (a *audit) readNamed() {
	for what, names := range map[string][]string{"--kernel": a.options.Kernels, "--initramfs": a.options.Initramfs} {
		for _, name := range names {
			e := a.single(path.Clean(name))
			v := a.account.entry(e.Path, func() verdict { return a.readEntry(e) })
			if v.is(ClassOther) {
				a.problem(e.Path, fmt.Sprintf("is given with %s, but is neither a kernel nor an initramfs by its contents", what))
			}
		}
	}
}
