// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/bootimage"
	"rules_modhash/tools/merkle/initramfs"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/rootfile"
)

// Progress is told what is done. Both functions may be nil; Step may be called by several goroutines.
type Progress struct {
	// Begin is called ahead of each folder of modules with their number.
	Begin func(modules int)
	// Step is called after each of them.
	Step func()
}

// Run audits the system whose root folder is dir. An error means that there could be no audit.
func Run(ctx context.Context, dir string, progress Progress) (*Report, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	scratch, err := os.CreateTemp("", "modhash-audit")
	if err != nil {
		return nil, err
	}
	defer os.Remove(scratch.Name())
	defer scratch.Close()
	a := &audit{
		system: system{root}, progress: progress, scratch: scratch,
		report: &Report{Kernels: []Kernel{}, Installed: []Modules{}, Initramfs: []Initramfs{}, Problems: []Problem{}},
	}
	if err := a.run(ctx); err != nil {
		return nil, err
	}
	return a.report, nil
}

// audit is one call of Run.
type audit struct {
	system
	progress Progress
	// scratch takes one module of an initramfs at a time.
	scratch *os.File
	report  *Report
	kernels []foundKernel
}

// place is a folder or initramfs whose modules were read.
type place struct {
	Modules
	archives  []initramfs.Segment
	read      []readModule
	installed bool
}

// readModule is a module and what it carries.
type readModule struct {
	path string
	// install is its path relative to lib/modules/RELEASE.
	install string
	release string
	module.Finding
	err error
}

func (a *audit) run(ctx context.Context) error {
	a.kernels = a.system.kernels()
	folders, problems := a.folders()
	a.report.Problems = append(a.report.Problems, problems...)
	images := a.matches(initramfsPatterns)
	if len(a.kernels) == 0 {
		a.report.Problems = append(a.report.Problems, Problem{"boot", "no kernel image was found, there or beside modules"})
	}
	var places []*place
	for _, f := range folders {
		p, err := a.readFolder(ctx, f)
		if err != nil {
			return err
		}
		places = append(places, p)
	}
	for _, image := range images {
		p, err := a.readInitramfs(ctx, image)
		if err != nil {
			return err
		}
		places = append(places, p)
	}
	for _, k := range a.kernels {
		if k.Format != rootfile.FormatUKI {
			continue
		}
		p, err := a.readSection(ctx, k)
		if err != nil {
			return err
		}
		if p != nil {
			places = append(places, p)
		}
	}
	a.nameReleases(folders, places)
	a.judge(places)
	a.report.finish()
	return nil
}

// nameReleases gives images whose paths tell no release that is one the release of the kernel beside them
// (initramfs-linux.img, vmlinuz-linux), or the only release that there is.
func (a *audit) nameReleases(folders []folder, places []*place) {
	only := ""
	if len(folders) == 1 {
		only = folders[0].Release
	}
	actual := map[string]string{"": only}
	for i := range a.kernels {
		k := &a.kernels[i]
		k.Release = cmp.Or(k.Release, only)
		actual[k.named] = cmp.Or(k.Release, actual[k.named])
	}
	for _, f := range folders {
		actual[f.Release] = f.Release
	}
	for _, p := range places {
		p.Release = cmp.Or(actual[p.Release], p.Release)
	}
}

// readFolder reads installed modules, on all CPUs.
func (a *audit) readFolder(ctx context.Context, f folder) (*place, error) {
	p := &place{Modules: f.Modules, read: make([]readModule, len(f.names)), installed: true}
	if a.progress.Begin != nil {
		a.progress.Begin(len(f.names))
	}
	err := batch.Each(ctx, len(f.names), a.progress.Step, func(s *module.Scanner, i int) error {
		name := f.names[i]
		p.read[i] = readModule{path: name[len(f.Path)+1:], release: f.Release}
		p.read[i].install = module.TrimCompression(p.read[i].path)
		p.read[i].Finding, p.read[i].err = a.examine(s, name, uint32(i))
		return nil
	})
	return p, err
}

// examine reads an installed module. Index is a guess at its position.
func (a *audit) examine(s *module.Scanner, name string, index uint32) (module.Finding, error) {
	f, _, err := a.open(name)
	if err != nil {
		return module.Finding{}, err
	}
	defer f.Close()
	return examineFile(s, f, name, index)
}

// examineFile reads a module. If it carries nothing, it must be a whole ELF file: else it may have been cut.
func examineFile(s *module.Scanner, f *os.File, name string, index uint32) (module.Finding, error) {
	found, err := s.ExamineFile(f, name, module.Options{Position: index, Raw: true})
	if err != nil || found.Signed {
		return found, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return found, err
	}
	return s.ExamineFile(f, name, module.Options{Position: index})
}

// readInitramfs reads the modules in a file that is an initramfs.
func (a *audit) readInitramfs(ctx context.Context, name string) (*place, error) {
	p := &place{Modules: Modules{Path: name, Release: releaseInPath(name), Modules: []Module{}}}
	f, info, err := a.open(name)
	if err != nil {
		p.Problems = append(p.Problems, Problem{name, err.Error()})
		return p, nil
	}
	defer f.Close()
	return p, a.readArchives(ctx, p, f, info.Size())
}

// readSection reads the modules in the initramfs of a unified kernel image; nil if it has none.
func (a *audit) readSection(ctx context.Context, k foundKernel) (*place, error) {
	f, _, err := a.open(k.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	section, err := bootimage.Section(f, bootimage.SectionInitramfs)
	if err != nil { // its kernel was found before: it is this section that it has not
		return nil, nil
	}
	p := &place{Modules: Modules{Path: k.Path, Release: k.Release, Modules: []Module{}}}
	return p, a.readArchives(ctx, p, section, section.Size())
}

// readArchives reads the modules in an initramfs. What is wrong with the image itself is a problem of it.
func (a *audit) readArchives(ctx context.Context, p *place, f io.ReaderAt, size int64) (err error) {
	var scanner module.Scanner
	p.archives, err = initramfs.Read(f, size, func(e initramfs.Entry, contents io.Reader) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		// Of several names of a file, one has the contents.
		if !module.HasModuleName(e.Name) || !e.IsRegular() || e.Links > 1 && e.Size == 0 {
			return nil
		}
		m := readModule{path: e.Name}
		m.release, m.install = releaseAndPath(e.Name)
		m.Finding, m.err = a.examineCopy(&scanner, e, contents)
		p.read = append(p.read, m)
		return nil
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		p.Problems = append(p.Problems, Problem{p.Path, "cannot be unpacked: " + err.Error()})
	}
	return nil
}

// releaseAndPath splits the path of a module in an initramfs. The release is "" if the path tells none.
func releaseAndPath(name string) (release, install string) {
	install = module.TrimCompression(name)
	if match := releasePatterns[0].FindStringSubmatchIndex(name); match != nil {
		return name[match[2]:match[3]], install[match[1]:]
	}
	return "", install
}

// examineCopy copies a module to the scratch file, where it can be read twice, and reads it.
func (a *audit) examineCopy(s *module.Scanner, e initramfs.Entry, contents io.Reader) (module.Finding, error) {
	if e.Size > module.MaxSize {
		return module.Finding{}, fmt.Errorf("has %d bytes, more than the kernel loads (%d)", e.Size, module.MaxSize)
	}
	_, seekErr := a.scratch.Seek(0, io.SeekStart)
	if err := errors.Join(seekErr, a.scratch.Truncate(0)); err != nil {
		return module.Finding{}, err
	}
	if _, err := io.Copy(a.scratch, contents); err != nil {
		return module.Finding{}, err
	}
	if _, err := a.scratch.Seek(0, io.SeekStart); err != nil {
		return module.Finding{}, err
	}
	return examineFile(s, a.scratch, e.Name, 0)
}
