// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"rules_modhash/tools/kernel/kbuild"
)

// A Plan says which files each action is handed.
type Plan struct {
	// Prepare is for making what all others need: programs, and headers that are made. Link is for linking vmlinux and the
	// boot image, Finish for linking modules.
	Prepare, Link, Finish Files
	// Shards are for compiling, by name.
	Shards map[string]Files
	// Directories are those that Kbuild enters, by shard, in bytewise order.
	Directories map[string][]string
	// Names are the files that may stand for themselves, when what is made of them is there: make asks for their
	// timestamps only. In bytewise order.
	Names []string
	// Whole are the reasons for which the kernel cannot be built in shards, such as options: then the link compiles it.
	Whole []string
}

// Files is a set of paths.
type Files map[string]bool

// NewPlan reads the Kbuild files of a tree for a target. With options that need the whole kernel at once, and for versions
// that cannot be built in shards, the link gets the whole tree, and shards get nothing.
func NewPlan(t *Tree, target kbuild.Target, partition Partition) (*Plan, error) {
	if reasons := t.unsupported(target.Config); len(reasons) > 0 {
		return &Plan{Prepare: t.all(), Link: t.all(), Whole: reasons}, nil
	}
	result, err := kbuild.ReadKernel(t.FS(), target)
	if err != nil {
		return nil, err
	}
	if len(result.Directories) == 0 {
		return nil, fmt.Errorf("reading the kernel source: got no directories, want a configuration with CONFIG_MODULES=y")
	}
	p := newPlanner(t, partition, result.Directories)
	plan := &Plan{Shards: map[string]Files{}, Directories: map[string][]string{}}
	p.fill(plan)
	plan.Names = p.names(plan)
	return plan, nil
}

func newPlanner(t *Tree, partition Partition, directories []kbuild.Directory) *planner {
	p := &planner{tree: t, partition: partition, visited: make(map[string]string, len(directories))}
	for _, d := range directories {
		p.visited[path.Clean(d.Path)] = d.Makefile
	}
	for _, d := range directories {
		// The top has nothing but directories: what its Kbuild file makes is prepared.
		if dir := path.Clean(d.Path); dir != "." {
			p.directories = append(p.directories, directory{dir: dir, spelled: d.Path, roots: p.rootsOf(dir, d)})
		}
	}
	return p
}

// fill finds the files of all parts, several at a time.
func (p *planner) fill(plan *Plan) {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	var lock sync.Mutex
	for _, name := range p.partition.Names() {
		group.Go(func() error {
			files, directories := p.shard(name)
			lock.Lock()
			defer lock.Unlock()
			plan.Shards[name], plan.Directories[name] = files, directories
			return nil
		})
	}
	for to, find := range map[*Files]func() Files{&plan.Prepare: p.prepare, &plan.Link: p.link, &plan.Finish: p.finish} {
		group.Go(func() error {
			*to = find()
			return nil
		})
	}
	// None of them fails.
	_ = group.Wait()
}

// planner is what all parts of a plan go by.
type planner struct {
	tree      *Tree
	partition Partition
	// directories are those that Kbuild enters, without the top.
	directories []directory
	// visited maps clean directories to the file that make reads in them.
	visited map[string]string
}

// A directory that Kbuild enters.
type directory struct {
	// dir is its clean path, spelled the path as Kbuild has it.
	dir, spelled string
	// roots are the files that building it starts from.
	roots []string
}

// always are headers that each compiler run reads: c_flags and LINUXINCLUDE in the root Makefile, and what Kbuild writes
// into sources that it makes itself.
func (p *planner) always() []string {
	names := []string{"include/linux/compiler-version.h", "include/linux/kconfig.h", "include/linux/compiler_types.h"}
	for _, makefile := range []string{"scripts/Makefile.build", "scripts/Makefile.lib", "scripts/Makefile.dtbs"} {
		names = append(names, p.tree.printedBy(makefile)...)
	}
	return names
}

// shard returns the files of a shard and its directories.
func (p *planner) shard(name string) (Files, []string) {
	own, roots := Files{}, []string{}
	var directories []string
	for _, d := range p.directories {
		if p.partition.Of(d.dir) != name {
			continue
		}
		directories = append(directories, d.spelled)
		roots = append(roots, d.roots...)
	}
	if len(directories) == 0 {
		return own, nil
	}
	p.tree.reach(own, roots...)
	p.tree.reach(own, p.always()...)
	slices.Sort(directories)
	return own, slices.Compact(directories)
}

// rootsOf returns the files that building a directory starts from: all in it and in those of its objects, what its
// Makefile names, and the Kbuild files on the way to it.
func (p *planner) rootsOf(dir string, d kbuild.Directory) []string {
	roots := p.in(dir)
	for _, object := range d.Objects {
		if at := path.Dir(object); at != dir && p.visited[at] == "" {
			roots = append(roots, p.in(at)...)
		}
	}
	for at := dir; ; at = path.Dir(at) {
		if makefile := p.visited[at]; makefile != "" {
			roots = append(roots, makefile)
		}
		if at == "." {
			break
		}
	}
	return append(roots, p.named(dir, d.Makefile)...)
}

// in returns the files of one directory, without those for Kconfig.
func (p *planner) in(dir string) []string {
	var names []string
	for _, name := range p.tree.list(dir) {
		if !strings.HasPrefix(path.Base(name), "Kconfig") {
			names = append(names, name)
		}
	}
	return names
}

// named returns the files that a Makefile names, and those of directories with a Makefile below its own that Kbuild
// does not enter by itself: some rule does.
func (p *planner) named(dir, makefile string) []string {
	var names []string
	for _, name := range p.tree.mentioned(dir, makefile) {
		if p.tree.exists(name) {
			names = append(names, name)
			continue
		}
		for at := name; at != "." && strings.HasPrefix(at, dir+"/"); at = path.Dir(at) {
			if p.visited[at] == "" && p.tree.isSubBuild(at) {
				names = append(names, p.tree.below(at)...)
				names = append(names, p.named(at, at+"/Makefile")...)
			}
		}
	}
	if p.hasRust(dir) {
		for _, name := range p.tree.below(dir) {
			if path.Ext(name) == ".rs" {
				names = append(names, name)
			}
		}
	}
	return names
}

func (p *planner) hasRust(dir string) bool {
	return slices.ContainsFunc(p.tree.list(dir), func(name string) bool { return path.Ext(name) == ".rs" })
}

// prepare returns what make prepare may read: all that is not code of the kernel itself.
func (p *planner) prepare() Files {
	files := Files{}
	var roots []string
	for name := range p.tree.files {
		if p.isCommon(name) || strings.HasPrefix(path.Base(name), "Kconfig") {
			roots = append(roots, name)
		}
	}
	// The root Kbuild file names sources that headers are made of.
	roots = append(roots, p.rootMentions()...)
	p.tree.reach(files, roots...)
	return files
}

func (p *planner) isCommon(name string) bool {
	top, below, isBelow := strings.Cut(name, "/")
	if !isBelow {
		return true
	}
	switch top {
	case "include", "scripts", "tools", "rust":
		return true
	case "arch":
		return !strings.Contains(below, "/boot/dts/")
	}
	return false
}

var pathWord = regexp.MustCompile(`[A-Za-z0-9_./+-]+`)

func (p *planner) rootMentions() []string {
	var names []string
	for _, root := range []string{"Kbuild", "Makefile"} {
		f := p.tree.files[root]
		if f == nil {
			continue
		}
		for _, word := range pathWord.FindAllString(string(f.data), -1) {
			word = path.Clean(word)
			names = append(names, word, strings.TrimSuffix(word, ".s")+".c")
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return !p.tree.exists(name) })
}

// linked are sources that are compiled when vmlinux is linked: scripts/link-vmlinux.sh and Makefile.vmlinux.
var linked = []string{
	"init/version-timestamp.c", "kernel/module/hashes_root.S", "include/linux/export-internal.h", "include/linux/module.h",
	"include/linux/kallsyms.h", "include/asm-generic/vmlinux.lds.h",
}

// link returns what linking vmlinux and making the boot image may read.
func (p *planner) link() Files {
	files := Files{}
	arch := "arch/" + p.tree.srcArch + "/"
	roots := slices.Concat(linked, p.always(), p.scripts())
	for name := range p.tree.files {
		below, isArch := strings.CutPrefix(name, arch)
		top, _, isBelow := strings.Cut(below, "/")
		isBoot := isArch && (!isBelow && isKbuildFile(name) || top == "boot" || top == "tools")
		if isBoot && !strings.HasPrefix(below, "boot/dts/") {
			roots = append(roots, name)
			if isKbuildFile(name) {
				roots = append(roots, p.named(path.Dir(name), name)...)
			}
		}
	}
	for _, makefile := range p.visited {
		roots = append(roots, makefile)
	}
	p.tree.reach(files, roots...)
	// What Prepare made of Rust code is up to date only if make finds the same parameters and sources. They are not compiled,
	// so what they include is left out.
	for _, name := range p.tree.below("rust") {
		files[name] = true
	}
	return files
}

// finish returns what linking modules may read.
func (p *planner) finish() Files {
	files := Files{}
	modules := append(p.tree.printedBy("scripts/mod/modpost.c"), "scripts/module-common.c")
	p.tree.reach(files, append(modules, p.always()...)...)
	return files
}

// scripts returns the files that make and what it runs may read in any directory. All actions have them, by way of what
// was prepared.
func (p *planner) scripts() []string {
	var names []string
	for name := range p.tree.files {
		if strings.HasPrefix(name, "scripts/") || !strings.Contains(name, "/") && isKbuildFile(name) {
			names = append(names, name)
		}
	}
	return names
}

// names returns the sources of all shards that are not handed to the link.
func (p *planner) names(plan *Plan) []string {
	names := Files{}
	for _, d := range p.directories {
		for _, name := range d.roots {
			names[name] = true
		}
	}
	for name := range plan.Link {
		delete(names, name)
	}
	return slices.Sorted(maps.Keys(names))
}
