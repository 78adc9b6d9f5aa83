// SPDX-License-Identifier: Apache-2.0

// Package diff reports what differs between two sets of kernel modules: trees, directories, archives,
// packages. It states whether they have the same root, which modules were added, removed, moved or changed, and,
// where both sides have a module's bytes, in which ELF sections it changed and what the likely cause is.
package diff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/root"
	"rules_modhash/tools/merkle/trailer"
	"rules_modhash/tools/merkle/tree"
	"rules_modhash/tools/system/unpack"
)

// FormatDirectory is the format of a directory with modules; others are those of packages root and unpack.
const FormatDirectory = "directory"

// Input is one of the two sides that are compared.
type Input struct {
	// Name is how the user called it, Format what it turned out to be.
	Name, Format string
	// Release is the RELEASE of lib/modules/RELEASE that the modules lie in, "" if they lie in none.
	Release string
	// Others is how many files are not modules and were not looked into, NotExamined those of them that may hold
	// modules.
	Others      int
	NotExamined []Unexamined
	// tree is set if the input is a tree; else modules is, in bytewise order of install paths.
	tree    *tree.Tree
	modules []modules.Module
	// machines are those that the modules are built for, known once they are hashed.
	machines []Machine
	// scratch is a directory of this input alone.
	scratch string
}

// Unexamined is a part of an input that may hold modules and was not examined.
type Unexamined struct {
	// Path begins with the name of the input, Reason states why it was not.
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Open finds out what the file or directory called name is and where its modules are. Archives are unpacked
// into scratch, a directory that exists.
func Open(name, scratch string) (*Input, error) {
	in := &Input{Name: name}
	var err error
	if in.scratch, err = os.MkdirTemp(scratch, "side"); err != nil {
		return nil, err
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		in.Format = FormatDirectory
		return in, in.find(name)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is neither a regular file nor a directory", name)
	}
	return in, in.openFile()
}

// openFile opens a tree or an archive.
func (in *Input) openFile() error {
	f, err := os.Open(in.Name)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, unpack.HeadSize)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	if in.Format = unpack.FormatOf(head[:n]); in.Format != "" {
		return in.openArchive(f)
	}
	found, err := root.ReadFrom(f, root.Options{})
	switch {
	case module.HasModuleName(in.Name):
		err = errors.New("is a single module, want a directory with modules. Next: name the directory that it is in")
	case err == nil && found.Tree == nil:
		err = fmt.Errorf("is %s: it has a root, but does not list the modules", found.WithArticle())
	}
	if err != nil {
		return fmt.Errorf("%s is none of tree.pb, directory, tar and Debian package: %w", in.Name, err)
	}
	in.Format, in.tree = found.Format, found.Tree
	return nil
}

func (in *Input) openArchive(f *os.File) error {
	dir := filepath.Join(in.scratch, "modules")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	contents, err := unpack.Modules(f, dir)
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	in.Others = contents.Others
	for _, u := range contents.NotExamined {
		in.NotExamined = append(in.NotExamined, Unexamined{in.Name + ": " + u.Path, u.Reason})
	}
	return in.find(dir)
}

// find lists the modules below dir. Install paths begin below lib/modules/RELEASE, if there is one.
func (in *Input) find(dir string) error {
	found, err := modules.List([]modules.Source{{Path: dir, Existing: trailer.Strip}})
	if err != nil {
		return err
	}
	if in.Format == FormatDirectory {
		in.account(found)
	}
	all := found.Modules
	if len(all) == 0 {
		return in.noModule()
	}
	first := all[0].InstallPath
	prefix, release := unpack.ReleaseDir(first)
	for i := range all {
		below, ok := strings.CutPrefix(all[i].InstallPath, prefix)
		if !ok {
			return fmt.Errorf("%s contains modules in more than one place: %s and %s: compare one of them at a time",
				in.Name, first, all[i].InstallPath)
		}
		all[i].InstallPath = below
	}
	in.Release = release
	modules.Sort(all)
	in.modules = all
	return nil
}

// noModule also names the first thing that may hold modules.
func (in *Input) noModule() error {
	if len(in.NotExamined) == 0 {
		return fmt.Errorf("%s (%s) contains no module", in.Name, in.Format)
	}
	first := in.NotExamined[0]
	return fmt.Errorf("%s (%s) contains no module, but parts that may contain some are not examined: %s %s (the first of %d): unpack it",
		in.Name, in.Format, first.Path, first.Reason, len(in.NotExamined))
}

// Len returns the number of modules.
func (in *Input) Len() int {
	if in.tree != nil {
		return in.tree.Len()
	}
	return len(in.modules)
}

// hash returns the tree over the modules. It has the order of other, if that is a tree with the same modules;
// else that of install paths.
func (in *Input) hash(ctx context.Context, other *Input, progress func()) (*tree.Tree, error) {
	if in.tree != nil {
		return in.tree, nil
	}
	in.arrange(other.tree)
	positions := make([]uint32, len(in.modules))
	for i := range positions {
		positions[i] = uint32(i)
	}
	leaves, err := batch.Leaves(ctx, in.modules, positions, batch.Reading{Mixed: true, Progress: progress}, nil)
	if err != nil {
		return nil, in.wrap(err)
	}
	in.machines = countMachines(leaves)
	for i := range leaves {
		leaves[i].Label = ""
	}
	tree, err := tree.New(leaves)
	return tree, in.wrap(err)
}

// arrange puts modules into the order of a tree that has all of them and no others.
func (in *Input) arrange(tree *tree.Tree) {
	if tree == nil || tree.Len() != len(in.modules) {
		return
	}
	arranged := make([]modules.Module, len(in.modules))
	for _, m := range in.modules {
		leaf, ok := tree.Find(m.InstallPath)
		if !ok {
			return
		}
		arranged[leaf.Position] = m
	}
	in.modules = arranged
}

// wrap names the input in errors about files in its scratch directory, of which the user knows nothing.
func (in *Input) wrap(err error) error {
	if err == nil || in.Format == FormatDirectory {
		return err
	}
	hidden := filepath.Join(in.scratch, "modules") + string(filepath.Separator)
	return errors.New(in.Name + ": " + strings.ReplaceAll(err.Error(), hidden, ""))
}

// file returns the module file that a leaf was made of, and whether there is one.
func (in *Input) file(leaf tree.Leaf) (modules.Module, bool) {
	if in.tree != nil {
		return modules.Module{}, false
	}
	return in.modules[leaf.Position], true
}

// Summary is what is known of one side as a whole.
type Summary struct {
	Name    string `json:"name"`
	Format  string `json:"format"`
	Release string `json:"release,omitempty"`
	Modules int    `json:"modules"`
	Levels  uint32 `json:"levels"`
	Root    string `json:"root"`
	// Machines that the modules are built for, that of most modules first; none if only hashes are known.
	Machines []Machine `json:"machines,omitempty"`
	// Others is how many files are not modules and were not looked into.
	Others int `json:"other_files,omitempty"`
}

func (in *Input) summary(root merkle.Root) Summary {
	return Summary{
		Name: in.Name, Format: in.Format, Release: in.Release, Modules: in.Len(), Levels: root.Levels, Root: root.Hash.String(),
		Machines: in.machines, Others: in.Others,
	}
}
