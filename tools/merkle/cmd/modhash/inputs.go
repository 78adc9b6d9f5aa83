// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/archive/names"
	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/trailer"
)

const inputsHelp = `

PATH is a module file, or a directory: modhash searches it for *.ko, *.ko.xz, *.ko.zst and
*.ko.gz at any depth, also through symbolic links to directories. Like depmod, it does not
search build and source at the top. Links resolve inside --root-dir. The install path of a
module is its path below the directory, or the name of the file, without the compression
suffix. With --input and --install-path, given the same number of times, each module gets
its install path (each directory a prefix). With --module, a build system passes all
properties of a module in one message.`

// inputFlags are the flags that name modules.
type inputFlags struct {
	dir                           directory
	inputs, installPaths, modules []string
	existing                      string
	rootDir                       string
	allowEmpty                    bool
}

func (f *inputFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.dir.pathArrayVar(flags, &f.inputs, "input", "module file or directory, instead of PATH (repeatable)")
	f.dir.pathVar(flags, &f.rootDir, "root-dir",
		"root directory in which links resolve (default: the root of this system)")
	flags.StringArrayVar(&f.installPaths, "install-path", nil,
		"install path of the --input at the same place; prefix for a directory")
	flags.StringArrayVar(&f.modules, "module", nil, moduleUsage)
}

// registerExisting registers the flag of commands that look at trailers.
func (f *inputFlags) registerExisting(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.existing, "existing-signature", trailer.Strip.String(),
		"what to do with existing trailers: strip (drop all), keep (hash them) or error")
}

// registerAllowEmpty registers the flag of commands for which no modules may be right.
func (f *inputFlags) registerAllowEmpty(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.allowEmpty, "allow-empty", false, "accept zero modules: the empty tree")
}

// sources returns the modules named by flags or by arguments.
func (f *inputFlags) sources(args []string) ([]modules.Source, error) {
	if err := f.check(args); err != nil {
		return nil, err
	}
	existing, err := f.policy()
	if err != nil {
		return nil, err
	}
	sources, err := f.manifestSources(existing)
	if err != nil {
		return nil, err
	}
	for _, path := range args {
		sources = append(sources, modules.Source{Path: f.dir.resolve(path), Existing: existing})
	}
	for i, path := range f.inputs {
		sources = append(sources, modules.Source{Path: path, InstallPath: at(f.installPaths, i), Existing: existing})
	}
	for i := range sources {
		sources[i].RootDir = f.rootDir
	}
	return sources, nil
}

// check checks that modules are given in one way, and install paths for all or none.
func (f *inputFlags) check(args []string) error {
	ways := 0
	for _, given := range [][]string{args, f.inputs, f.modules} {
		if len(given) > 0 {
			ways++
		}
	}
	if ways > 1 {
		return errors.New("modules are given in several ways: use only one of arguments, --input and --module")
	}
	if n := len(f.installPaths); n != 0 && n != len(f.inputs) {
		return fmt.Errorf("--install-path is given %d times, want as often as --input, %d times, or not at all", n, len(f.inputs))
	}
	return nil
}

// policy returns the policy for trailers of modules that do not set one.
func (f *inputFlags) policy() (trailer.Policy, error) {
	if f.existing == "" {
		return trailer.Strip, nil // a command that does not look at trailers
	}
	policy, err := trailer.ParsePolicy(f.existing)
	if err != nil {
		return policy, fmt.Errorf("--existing-signature: %w", err)
	}
	return policy, nil
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
		fmt.Fprintf(cmd.ErrOrStderr(), "not searched: %s: depmod does not search it. Give it as a PATH to include its modules\n",
			names.Printable(dir))
	}
}

// required returns the sources, of which there must be one.
func (f *inputFlags) required(args []string) ([]modules.Source, error) {
	sources, err := f.sources(args)
	if err == nil && len(sources) == 0 && !f.allowEmpty {
		err = errors.New("no modules given: name files or directories (an empty directory for none)")
	}
	return sources, err
}

func at(values []string, i int) string {
	if i >= len(values) {
		return ""
	}
	return values[i]
}

// readingFlags are the flags that determine how modules are read.
type readingFlags struct {
	machine string
	raw     bool
}

func (f *readingFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.raw, "raw", false, "accept any file as a module, without a check of its ELF header")
}

func (f *readingFlags) registerMachine(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.machine, "machine", "",
		"architecture that modules must be built for: "+arch.Names()+" (default: that of the first)")
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
