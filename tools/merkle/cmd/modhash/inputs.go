// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/moduleset"
	"rules_modhash/tools/merkle/rootobj"
)

const inputsHelp = `

PATH is a module file, or a directory that is searched for *.ko, *.ko.xz, *.ko.zst and
*.ko.gz at any depth. A module's install path is its path below that directory, or the
file's name, without the compression suffix. With --input, --install-path and --label,
given the same number of times, each module gets its install path (each directory a
prefix) and the build label that messages name.`

// inputFlags are the flags that name modules.
type inputFlags struct {
	inputs, installPaths, labels []string
}

func (f *inputFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.inputs, "input", nil, "module file or directory, instead of PATH (repeatable)")
	flags.StringArrayVar(&f.installPaths, "install-path", nil, "install path of the --input at the same place; prefix for a directory")
	flags.StringArrayVar(&f.labels, "label", nil, "build label of the --input at the same place, for messages")
}

// sources returns the modules named by flags or by arguments.
func (f *inputFlags) sources(args []string) ([]moduleset.Source, error) {
	if len(args) > 0 && len(f.inputs) > 0 {
		return nil, errors.New("modules are given as arguments and with --input: use one of them")
	}
	if err := f.checkParallel("--install-path", f.installPaths); err != nil {
		return nil, err
	}
	if err := f.checkParallel("--label", f.labels); err != nil {
		return nil, err
	}
	var sources []moduleset.Source
	for _, path := range args {
		sources = append(sources, moduleset.Source{Path: path})
	}
	for i, path := range f.inputs {
		sources = append(sources, moduleset.Source{Path: path, InstallPath: at(f.installPaths, i), Label: at(f.labels, i)})
	}
	return sources, nil
}

// required returns the sources, of which there must be one.
func (f *inputFlags) required(args []string) ([]moduleset.Source, error) {
	sources, err := f.sources(args)
	if err == nil && len(sources) == 0 {
		err = errors.New("no modules given: name files or directories (an empty directory for none)")
	}
	return sources, err
}

func (f *inputFlags) checkParallel(flag string, values []string) error {
	if len(values) != 0 && len(values) != len(f.inputs) {
		return fmt.Errorf("%s is given %d times, want as often as --input, %d times, or never", flag, len(values), len(f.inputs))
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
	existing, machine string
	raw               bool
}

func (f *readingFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.existing, "existing-signature", module.Strip.String(),
		"what to do with a trailer that a module carries already: strip, keep (hash it) or error")
	flags.BoolVar(&f.raw, "raw", false, "take any file for a module, without looking at its ELF header")
}

func (f *readingFlags) registerMachine(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.machine, "machine", "",
		"machine that modules must be built for: "+rootobj.MachineNames()+" (default: that of the first)")
}

func (f *readingFlags) reading() (batch.Reading, error) {
	policy, err := module.ParsePolicy(f.existing)
	if err != nil {
		return batch.Reading{}, fmt.Errorf("--existing-signature: %w", err)
	}
	r := batch.Reading{Existing: policy, Raw: f.raw}
	if f.machine != "" {
		m, err := rootobj.MachineNamed(f.machine)
		if err != nil {
			return batch.Reading{}, fmt.Errorf("--machine: %w", err)
		}
		r.Target = m.Target
	}
	return r, nil
}
