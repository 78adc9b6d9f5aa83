// SPDX-License-Identifier: Apache-2.0

package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/kconfig"
	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

// Config is the action that makes a configuration.
type Config struct {
	Common
	// Source is what Source writes for configurations.
	Source string
	// Base is a make target that writes a configuration, BaseFile a configuration. One of them is empty.
	Base, BaseFile string
	// Fragments are files with options that are set over the base, the last one last.
	Fragments []string
	// Out is the file to write. Configuration, an archive to write, has what Kbuild makes of it for compilers and make, and
	// may be empty.
	Out, Configuration string
}

// Run makes the configuration. An option of a fragment that does not take effect is an error, and so is an option of the
// base file that needs a missing program. Other options of the base file that did not stay are written to stderr.
func (o *Config) Run(ctx context.Context, stderr io.Writer) error {
	return inWorkspace(o.Out, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.Source)
		if err != nil {
			return err
		}
		if err := o.configure(ctx, tree, stderr); err != nil {
			return err
		}
		r := &results{dir: tree.Dir}
		err = r.copyAll(map[string]string{".config": o.Out})
		return r.finish(ctx, errors.Join(err, o.packConfiguration(ctx, r, tree)))
	})
}

// configurationFiles are where Kbuild keeps the configuration.
var configurationFiles = []string{
	".config", "include/config/auto.conf", "include/generated/autoconf.h", "include/generated/rustc_cfg",
}

func (o *Config) packConfiguration(ctx context.Context, r *results, tree *kmake.Tree) error {
	if o.Configuration == "" {
		return nil
	}
	return r.set.CreateFile(o.Configuration, func(w io.Writer) error {
		return treearchive.Pack(writer{ctx, w}, tree.Dir, func(path string, _ fs.FileInfo) bool {
			return slices.Contains(configurationFiles, path)
		})
	})
}

func (o *Config) configure(ctx context.Context, tree *kmake.Tree, stderr io.Writer) error {
	if err := o.writeBase(ctx, tree); err != nil {
		return fmt.Errorf("%s: base configuration: %w", o.Label, err)
	}
	wanted, err := readOptions(o.Fragments)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Label, err)
	}
	config := filepath.Join(tree.Dir, ".config")
	if err := appendOptions(config, wanted); err != nil {
		return err
	}
	// Kconfig writes what compilers and make read only if this file is missing. Then syncconfig, which would write the same
	// and run each check of the compiler once more, is not needed.
	written := filepath.Join(tree.Dir, "include/config/auto.conf")
	if err := os.RemoveAll(written); err != nil {
		return err
	}
	if err := tree.Make(ctx, "olddefconfig"); err != nil {
		return fmt.Errorf("%s: %w", o.Label, err)
	}
	if _, err := os.Stat(written); err != nil {
		return fmt.Errorf("%s: not made by Kconfig: %w", o.Label, err)
	}
	if err := checkConfig(o.Label, config, wanted); err != nil || o.BaseFile == "" {
		return err
	}
	return o.checkBase(ctx, tree, wanted, stderr)
}

func (o *Config) writeBase(ctx context.Context, tree *kmake.Tree) error {
	if o.BaseFile == "" {
		return tree.Make(ctx, o.Base)
	}
	return copyFile(o.BaseFile, filepath.Join(tree.Dir, ".config"))
}

// appendOptions writes options after those that are there: of two values, Kconfig takes the last.
func appendOptions(config string, options []kconfig.Option) error {
	data, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	b := bytes.NewBuffer(data)
	for _, option := range options {
		if option.Value == kconfig.Off {
			fmt.Fprintf(b, "# %s is not set\n", option.Name)
		} else {
			fmt.Fprintf(b, "%s=%s\n", option.Name, option.Value)
		}
	}
	return os.WriteFile(config, b.Bytes(), 0o644)
}

func readOptions(files []string) ([]kconfig.Option, error) {
	var all []kconfig.Option
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		options, err := kconfig.Parse(file, string(data))
		if err != nil {
			return nil, fmt.Errorf("reading a configuration: %w", err)
		}
		all = append(all, options...)
	}
	return all, nil
}

// checkConfig returns an error that names each wanted option that the configuration lacks.
func checkConfig(label, config string, wanted []kconfig.Option) error {
	data, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	options, err := kconfig.Parse(".config", string(data))
	if err != nil {
		return err
	}
	missing := kconfig.Compare(options, wanted)
	if len(missing) == 0 {
		return nil
	}
	lines := make([]string, len(missing))
	for i, m := range missing {
		lines[i] = "\n  " + m.String()
	}
	return fmt.Errorf("%s: %d options did not take effect:%s\nNext: set what each depends on (its \"depends on\" in the kernel's Kconfig files), or drop it",
		label, len(missing), strings.Join(lines, ""))
}

// ConfigCheck checks that a configuration has the options of fragments.
type ConfigCheck struct {
	// Config is the configuration, Label the target that messages name.
	Config, Label string
	// Fragments are files with the options that it must have.
	Fragments []string
}

// Run writes to w what the configuration lacks, or that it lacks nothing, and returns whether it passes.
func (o *ConfigCheck) Run(w io.Writer) (passes bool, err error) {
	wanted, err := readOptions(o.Fragments)
	if err != nil {
		return false, err
	}
	if _, err := os.Stat(o.Config); err != nil {
		return false, err
	}
	if missing := checkConfig(o.Label, o.Config, wanted); missing != nil {
		_, err := fmt.Fprintln(w, missing)
		return false, err
	}
	_, err = fmt.Fprintf(w, "all %d options match the fragments\n", len(wanted))
	return true, err
}
