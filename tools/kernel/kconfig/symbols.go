// SPDX-License-Identifier: Apache-2.0

package kconfig

import (
	"bufio"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Symbol is what the Kconfig files say about an option, in all its declarations together.
type Symbol struct {
	// Type is bool, tristate, string, hex or int.
	Type string
	// Prompt is set for an option that a configuration may set. Kconfig computes the others.
	Prompt bool
	// Probes is set if the output of a program decides, such as $(success,…) or $(cc-option,…).
	Probes bool
}

// IsProbe reports whether the value follows from the programs of the toolchain alone.
func (s Symbol) IsProbe() bool { return s.Probes && !s.Prompt }

// Symbols are the declared options by their names, which have CONFIG_ before them.
type Symbols map[string]Symbol

// ReadSymbols reads all Kconfig files of a source tree, of the architectures only those in arch/srcArch. It does not
// evaluate expressions: Kconfig itself does that.
func ReadSymbols(tree fs.FS, srcArch string) (Symbols, error) {
	symbols := Symbols{}
	err := fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path.Dir(file) == "arch" && path.Base(file) != srcArch || file == "scripts/kconfig"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasPrefix(path.Base(file), "Kconfig"):
			return nil
		}
		return symbols.readFile(tree, file)
	})
	return symbols, err
}

func (s Symbols) readFile(tree fs.FS, name string) error {
	file, err := tree.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	d := declarations{symbols: s}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		text := lines.Text()
		for strings.HasSuffix(text, "\\") && lines.Scan() {
			text = strings.TrimSuffix(text, "\\") + " " + lines.Text()
		}
		d.line(text)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

// declarations reads the lines of a Kconfig file.
type declarations struct {
	symbols Symbols
	// name is the option that lines belong to, or empty. help is set inside of its help text.
	name string
	help bool
}

func (d *declarations) line(text string) {
	words := strings.Fields(text)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return
	}
	indented := text[0] == ' ' || text[0] == '\t'
	switch {
	case indented && d.help:
	case len(words) == 2 && (words[0] == "config" || words[0] == "menuconfig"):
		d.name, d.help = "CONFIG_"+words[1], false
		symbol := d.symbols[d.name]
		d.symbols[d.name] = symbol
	case !indented:
		d.name, d.help = "", false
	case words[0] == "help":
		d.help = true
	case d.name != "":
		d.property(words, text)
	}
}

func (d *declarations) property(words []string, text string) {
	symbol := d.symbols[d.name]
	prompt := len(words) > 1 && strings.HasPrefix(words[1], `"`)
	switch words[0] {
	case "bool", "tristate", "string", "hex", "int":
		symbol.Type = words[0]
		symbol.Prompt = symbol.Prompt || prompt
	case "def_bool", "def_tristate":
		symbol.Type = strings.TrimPrefix(words[0], "def_")
	case "prompt":
		symbol.Prompt = true
	}
	// Both forms name a variable or a function of make: $(CC) and $CC.
	symbol.Probes = symbol.Probes || strings.Contains(text, "$")
	d.symbols[d.name] = symbol
}

// Probed returns the probes of the toolchain, sorted, with their values in a configuration; those that it does not have are
// off. A value that Kconfig would expand is left out.
func (s Symbols) Probed(config []Option) []Option {
	values := Values(config)
	var probed []Option
	for _, name := range slices.Sorted(maps.Keys(s)) {
		symbol := s[name]
		if !symbol.IsProbe() {
			continue
		}
		value, ok := values[name]
		if !ok && symbol.Type == "bool" {
			value, ok = Off, true
		}
		if ok && !strings.Contains(value, "$") {
			probed = append(probed, Option{Name: name, Value: value})
		}
	}
	return probed
}

// Declare returns declarations of probes with fixed values. Kconfig takes the first default of an option: before all
// other declarations, they replace what the programs of the toolchain answer.
func (s Symbols) Declare(probed []Option) string {
	var b strings.Builder
	for _, option := range probed {
		fmt.Fprintf(&b, "config %s\n\t%s\n\tdefault %s\n", strings.TrimPrefix(option.Name, "CONFIG_"), s[option.Name].Type, option.Value)
	}
	return b.String()
}
