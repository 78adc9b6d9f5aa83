// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/trailer"
)

const inputsHelp = `

PATH is a module file, or a directory that is searched for *.ko, *.ko.xz, *.ko.zst and
*.ko.gz at any depth, through symbolic links to directories as well; as depmod does, it
leaves out build and source at the top. Links resolve inside --root-dir. A module's install path is its path below that directory, or the
file's name, without the compression suffix. With --input, --install-path and --label,
given the same number of times, each module gets its install path (each directory a
prefix) and the build label that messages name; with --strip-prefix, each directory loses
a prefix of the paths below it, which all its modules must have (empty for files).`

// inputFlags are the flags that name modules.
type inputFlags struct {
	dir                                                   folder
	inputs, installPaths, labels, stripPrefixes, existing []string
	rootDir                                               string
	allowEmpty                                            bool
}

func (f *inputFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.dir.pathArrayVar(flags, &f.inputs, "input", "module file or directory, instead of PATH (repeatable)")
	f.dir.pathVar(flags, &f.rootDir, "root-dir",
		"root directory of the system that directories belong to: where links in them resolve (default: of this system)")
	flags.StringArrayVar(&f.installPaths, "install-path", nil,
		"install path of the --input at the same place; prefix for a directory")
	flags.StringArrayVar(&f.labels, "label", nil, "build label of the --input at the same place, for messages")
	flags.StringArrayVar(&f.stripPrefixes, "strip-prefix", nil,
		"prefix of the paths below the --input at the same place that is dropped")
}

// registerExisting registers the flag of commands that look at trailers.
func (f *inputFlags) registerExisting(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.existing, "existing-signature", []string{trailer.Strip.String()},
		"what to do with trailers that a module carries already: strip (all), keep (hash them) or error; "+
			"once for all, or as often as --input")
}

// registerAllowEmpty registers the flag of commands for which no modules may be right.
func (f *inputFlags) registerAllowEmpty(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.allowEmpty, "allow-empty", false, "accept that no modules are given: the empty tree")
}

// sources returns the modules named by flags or by arguments.
func (f *inputFlags) sources(args []string) ([]modules.Source, error) {
	if len(args) > 0 && len(f.inputs) > 0 {
		return nil, errors.New("modules are given as arguments and with --input: use one of them")
	}
	if err := f.checkAllParallel(); err != nil {
		return nil, err
	}
	var sources []modules.Source
	for _, path := range args {
		sources = append(sources, modules.Source{Path: f.dir.resolve(path)})
	}
	for i, path := range f.inputs {
		sources = append(sources, modules.Source{
			Path: path, InstallPath: at(f.installPaths, i),
			StripPrefix: at(f.stripPrefixes, i), Label: at(f.labels, i),
		})
	}
	for i := range sources {
		sources[i].RootDir = f.rootDir
	}
	return sources, f.setExisting(sources)
}

// collect returns the modules of a command that needs every one of them, and reports what was not examined.
func collect(cmd *cobra.Command, sources []modules.Source) ([]modules.Module, error) {
	found, err := modules.Collect(sources)
	if err != nil {
		return nil, err
	}
	printNotExamined(cmd, found)
	return found.Modules, nil
}

// printNotExamined writes a line for each entry that was not examined, and their number.
func printNotExamined(cmd *cobra.Command, found modules.Listing) {
	stderr := cmd.ErrOrStderr()
	for _, u := range found.NotExamined {
		fmt.Fprintf(stderr, "not examined: %s\n", u)
	}
	if n := len(found.NotExamined); n > 0 {
		fmt.Fprintf(stderr, "not examined: %d\n", n)
	}
	printSkipped(cmd, found)
}

// printSkipped writes a line for each directory that was not searched.
func printSkipped(cmd *cobra.Command, found modules.Listing) {
	for _, dir := range found.Skipped {
		fmt.Fprintf(cmd.ErrOrStderr(), "not searched: %s: depmod does not search it. Give it as a PATH to include its modules\n", dir)
	}
}

// setExisting gives each source its policy: the one there is, or that of its place.
func (f *inputFlags) setExisting(sources []modules.Source) error {
	for i := range sources {
		if len(f.existing) == 0 {
			break // a command that does not look at trailers
		}
		policy, err := trailer.ParsePolicy(f.existing[min(i, len(f.existing)-1)])
		if err != nil {
			return fmt.Errorf("--existing-signature: %w", err)
		}
		sources[i].Existing = policy
	}
	return nil
}

// required returns the sources, of which there must be one.
func (f *inputFlags) required(args []string) ([]modules.Source, error) {
	sources, err := f.sources(args)
	if err == nil && len(sources) == 0 && !f.allowEmpty {
		err = errors.New("no modules given: name files or directories (an empty directory for none)")
	}
	return sources, err
}

func (f *inputFlags) checkAllParallel() error {
	return cmp.Or(
		f.checkParallel("--install-path", f.installPaths),
		f.checkParallel("--label", f.labels),
		f.checkParallel("--strip-prefix", f.stripPrefixes),
		f.checkExisting(),
	)
}

func (f *inputFlags) checkExisting() error {
	if len(f.existing) > 1 && len(f.existing) != len(f.inputs) {
		return fmt.Errorf("--existing-signature is given %d times, want once, or as often as --input, %d times",
			len(f.existing), len(f.inputs))
	}
	return nil
}

func (f *inputFlags) checkParallel(flag string, values []string) error {
	if len(values) != 0 && len(values) != len(f.inputs) {
		return fmt.Errorf("%s is given %d times, want as often as --input, %d times, or never",
			flag, len(values), len(f.inputs))
	}
	return nil
}

func at(values []string, i int) string {
	if i >= len(values) {
		return ""
	}
	return values[i]
}

// readingFlags are the flags that say how modules are read.
type readingFlags struct {
	machine string
	raw     bool
}

func (f *readingFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.raw, "raw", false, "take any file for a module, without looking at its ELF header")
}

func (f *readingFlags) registerMachine(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.machine, "machine", "",
		"machine that modules must be built for: "+arch.Names()+" (default: that of the first)")
}

func (f *readingFlags) reading() (batch.Reading, error) {
	r := batch.Reading{Raw: f.raw}
	if f.machine != "" {
		m, err := arch.Named(f.machine)
		if err != nil {
			return batch.Reading{}, fmt.Errorf("--machine: %w", err)
		}
		r.Target = m.Target
	}
	return r, nil
}
