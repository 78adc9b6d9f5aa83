// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rules_modhash/tools/kernel/kconfig"
	"rules_modhash/tools/kernel/kmake"
)

type configOptions struct {
	common
	source, base, baseFile, out string
	fragments                   []string
}

func newConfig() *cobra.Command {
	o := &configOptions{}
	cmd := &cobra.Command{
		Use:   "config --source FILE (--base TARGET | --base-file FILE) --out FILE [--fragment FILE]...",
		Short: "Make a kernel configuration",
		Long: `Make a configuration of a base and fragments, with the defaults of Kconfig for all that they
leave open. An option of a fragment that does not take effect is an error.`,
		Example: `  kbuild config --source source.tar.zst --base tinyconfig --fragment net.config --out .config`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.source, "source", "", "source tree, as kbuild source writes it")
	flags.StringVar(&o.base, "base", "", "make `TARGET` that writes a configuration, such as tinyconfig")
	flags.StringVar(&o.baseFile, "base-file", "", "a configuration to start from")
	flags.StringArrayVar(&o.fragments, "fragment", nil, "options to set, over the base and the fragments before")
	flags.StringVar(&o.out, "out", "", "file to write")
	o.register(cmd)
	require(cmd, "source", "out")
	cmd.MarkFlagsOneRequired("base", "base-file")
	cmd.MarkFlagsMutuallyExclusive("base", "base-file")
	return cmd
}

func (o *configOptions) run(ctx context.Context) error {
	return inWorkspace(o.out, func(dir string) error {
		tree, err := o.unpackFiles(ctx, dir, o.target.Configures, o.source)
		if err != nil {
			return err
		}
		if err := o.configure(ctx, tree); err != nil {
			return err
		}
		r := &results{dir: tree.Dir}
		return r.finish(ctx, r.copyAll(map[string]string{".config": o.out}))
	})
}

func (o *configOptions) configure(ctx context.Context, tree *kmake.Tree) error {
	if err := o.writeBase(ctx, tree); err != nil {
		return fmt.Errorf("%s: base configuration: %w", o.label, err)
	}
	wanted, err := readOptions(o.fragments)
	if err != nil {
		return fmt.Errorf("%s: %w", o.label, err)
	}
	config := filepath.Join(tree.Dir, ".config")
	if err := appendOptions(config, wanted); err != nil {
		return err
	}
	if err := tree.Make(ctx, "olddefconfig"); err != nil {
		return fmt.Errorf("%s: %w", o.label, err)
	}
	return checkConfig(o.label, config, wanted)
}

func (o *configOptions) writeBase(ctx context.Context, tree *kmake.Tree) error {
	if o.baseFile == "" {
		return tree.Make(ctx, o.base)
	}
	data, err := os.ReadFile(o.baseFile)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(tree.Dir, ".config"), data, 0o644)
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
			return nil, fmt.Errorf("reading a configuration fragment: %w", err)
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

type configCheckOptions struct {
	config, label string
	fragments     []string
}

func newConfigCheck() *cobra.Command {
	o := &configCheckOptions{}
	cmd := &cobra.Command{
		Use:     "config-check --config FILE --fragment FILE...",
		Short:   "Check that a configuration has what fragments say",
		Long:    "Check that a configuration has what fragments say. Exit codes: 0 it has, 1 it has not, 2 a file could not be read.",
		Example: `  kbuild config-check --config /boot/config-$(uname -r) --fragment hardening.config`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.config, "config", "", "the configuration")
	flags.StringArrayVar(&o.fragments, "fragment", nil, "what it must have")
	registerLabel(cmd, &o.label)
	require(cmd, "config", "fragment")
	return cmd
}

func (o *configCheckOptions) run(cmd *cobra.Command) error {
	wanted, err := readOptions(o.fragments)
	if err != nil {
		return err
	}
	if _, err := os.Stat(o.config); err != nil {
		return err
	}
	if err := checkConfig(o.label, o.config, wanted); err != nil {
		cmd.PrintErrln(err)
		return errCheckFailed
	}
	cmd.PrintErrf("all %d options are as the fragments say\n", len(wanted))
	return nil
}
