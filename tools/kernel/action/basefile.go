// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/kconfig"
	"rules_modhash/tools/kernel/kmake"
)

// optional are programs that Kconfig does without: options that need them fall away in silence.
type optional struct {
	// name is what messages call them, packages how Debian does.
	name, packages string
	// programs are found in PATH.
	programs []string
	// probes are the prefixes of the options that are answers of these programs.
	probes []string
	// root is the option to set off in a configuration that does without.
	root string
	// explain is a make target that prints what is wrong, or empty.
	explain string
}

// optionals are the programs whose absence takes options away. Without any other program there is no configuration.
var optionals = []optional{
	{
		name: "Rust", packages: "rustc, bindgen and rust-src", programs: []string{"rustc", "bindgen"},
		probes: []string{"RUST_IS_AVAILABLE", "RUSTC_", "BINDGEN_"}, root: "CONFIG_RUST", explain: "rustavailable",
	},
	{
		name: "pahole", packages: "pahole", programs: []string{"pahole"},
		probes: []string{"PAHOLE_"}, root: "CONFIG_DEBUG_INFO_BTF",
	},
	{
		name: "openssl", packages: "openssl", programs: []string{"openssl"},
		probes: []string{"OPENSSL_"}, root: "CONFIG_MODULE_SIG",
	},
}

// owns reports whether an option is an answer of the programs.
func (p *optional) owns(name string) bool {
	return slices.ContainsFunc(p.probes, func(prefix string) bool { return strings.HasPrefix(name, "CONFIG_"+prefix) })
}

// baseFile accounts for the options of a base file.
type baseFile struct {
	*Common
	// file is its path.
	file string
	tree *kmake.Tree
	kconfig.Evaluation
	// probed are the answers of the toolchain that the base was made with.
	probed []kconfig.Option
}

// checkBase reports options of the base file that did not stay and that no fragment explains. Those that are lost
// because of a missing program are an error.
func (o *Config) checkBase(ctx context.Context, tree *kmake.Tree, wanted []kconfig.Option, stderr io.Writer) error {
	b := &baseFile{Common: &o.Common, file: o.BaseFile, tree: tree}
	b.Wanted = wanted
	if err := b.read(); err != nil {
		return err
	}
	if len(kconfig.Lost(b.Final, b.Base)) == 0 {
		return nil
	}
	if err := b.evaluate(ctx); err != nil {
		return err
	}
	account := b.Account()
	if err := b.checkPrograms(ctx, account); err != nil {
		return err
	}
	return account.Write(stderr, fmt.Sprintf("kbuild config: warning: %s: ", o.Label), filepath.Base(o.BaseFile))
}

func (b *baseFile) read() (err error) {
	if b.Base, err = readOptions([]string{b.file}); err != nil {
		return err
	}
	if b.Final, err = readOptions([]string{filepath.Join(b.tree.Dir, ".config")}); err != nil {
		return err
	}
	if b.Symbols, err = kconfig.ReadSymbols(os.DirFS(b.tree.Dir), b.Target.SourceArch()); err != nil {
		return err
	}
	b.probed = b.Symbols.Probed(b.Base)
	return nil
}

// evaluate runs Kconfig with the answers of the base's toolchain: on the base alone, and with fragments.
func (b *baseFile) evaluate(ctx context.Context) (err error) {
	if b.Alone, err = b.with(ctx, nil, b.probed); err != nil {
		return err
	}
	b.Both = b.Alone
	if len(b.Wanted) > 0 {
		b.Both, err = b.with(ctx, b.Wanted, b.probed)
	}
	return err
}

// with returns the configuration of the base and options, with these answers of the toolchain.
func (b *baseFile) with(ctx context.Context, options, probed []kconfig.Option) ([]kconfig.Option, error) {
	const top, config = "Kconfig.probed", ".config.probed"
	if err := b.declare(top, probed); err != nil {
		return nil, err
	}
	path := filepath.Join(b.tree.Dir, config)
	if err := copyFile(b.file, path); err != nil {
		return nil, err
	}
	if err := appendOptions(path, options); err != nil {
		return nil, err
	}
	if err := b.tree.Make(ctx, "olddefconfig", "KBUILD_KCONFIG="+top, "KCONFIG_CONFIG="+config); err != nil {
		return nil, fmt.Errorf("%s: evaluating the options of %s: %w", b.Label, b.file, err)
	}
	return readOptions([]string{path})
}

// declare writes the tree's top Kconfig file with declarations of the answers before all others. A file has its title,
// mainmenu, first.
func (b *baseFile) declare(name string, probed []kconfig.Option) error {
	data, err := os.ReadFile(filepath.Join(b.tree.Dir, "Kconfig"))
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(data), "\n")
	first := 1 + slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "mainmenu ") })
	text := strings.Join(lines[:first], "") + b.Symbols.Declare(probed) + strings.Join(lines[first:], "")
	return os.WriteFile(filepath.Join(b.tree.Dir, name), []byte(text), 0o644)
}

// checkPrograms returns an error that names the options that are lost because programs are missing or too old.
func (b *baseFile) checkPrograms(ctx context.Context, account *kconfig.Account) error {
	for i := range optionals {
		p := &optionals[i]
		if !b.differ(p) {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(b.probed), func(o kconfig.Option) bool { return p.owns(o.Name) })
		without, err := b.with(ctx, b.Wanted, others)
		if err != nil {
			return err
		}
		if cost := b.Cost(account, without); len(cost) > 0 {
			return b.missing(ctx, p, cost)
		}
	}
	return nil
}

// differ reports whether programs answer otherwise than those that the base was made with.
func (b *baseFile) differ(p *optional) bool {
	changed := kconfig.Compare(b.Final, b.probed)
	return slices.ContainsFunc(changed, func(m kconfig.Missing) bool { return p.owns(m.Want.Name) })
}

func (b *baseFile) missing(ctx context.Context, p *optional, cost []kconfig.Missing) error {
	off := p.root
	if !slices.ContainsFunc(cost, func(m kconfig.Missing) bool { return m.Want.Name == off }) {
		off = cost[0].Want.Name
	}
	return fmt.Errorf("%s: %d options of %s are lost, because they need %s: %s\n  %s\nNext: add %s (packages of Debian) to the programs of the kernel toolchain, or do without: write \"# %s is not set\" to a fragment",
		b.Label, len(cost), filepath.Base(b.file), p.name, kconfig.Names(cost), b.reason(ctx, p), p.packages, off)
}

// reason states what is wrong with programs.
func (b *baseFile) reason(ctx context.Context, p *optional) string {
	missing := slices.DeleteFunc(slices.Clone(p.programs), func(program string) bool {
		_, err := exec.LookPath(program)
		return err == nil
	})
	if len(missing) > 0 {
		return fmt.Sprintf("got no %s in PATH=%s", strings.Join(missing, " and no "), os.Getenv("PATH"))
	}
	if p.explain != "" {
		start := b.tree.Log.Len()
		if err := b.tree.Make(ctx, p.explain); err != nil {
			return fmt.Sprintf("make %s: %s", p.explain, banner(b.tree.Log.String()[start:]))
		}
	}
	for _, m := range kconfig.Compare(b.Final, b.probed) {
		if p.owns(m.Want.Name) {
			return fmt.Sprintf("%s: got %s, and the base file has %s", m.Want.Name, m.Got, m.Want.Value)
		}
	}
	return "their answers are others than those in the base file"
}

// banner joins the lines of a message that scripts of Kbuild put asterisks before.
func banner(log string) string {
	var words []string
	for line := range strings.Lines(log) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "*** "); ok {
			words = append(words, strings.TrimSpace(text))
		}
	}
	message, _, _ := strings.Cut(strings.Join(words, " "), " Please see")
	return message
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
