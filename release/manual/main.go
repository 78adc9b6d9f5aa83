// SPDX-License-Identifier: Apache-2.0

// Command manual makes the manual pages of modhash, and what makes shells complete its command lines, out of what the
// program itself prints.
//
// Usage:
//
//	manual --out=FILE --prefix=DIRECTORY --modhash=PROGRAM
//
// The archive has man/man1/modhash*.1 and completion/SHELL/NAME, each file under the name that it is installed by.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"rules_modhash/release/tarball"
)

// completions are the files for shells, by shell.
var completions = map[string]string{"bash": "modhash", "fish": "modhash.fish", "zsh": "_modhash"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "manual:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("manual", flag.ContinueOnError)
	out := flags.String("out", "", "archive to write, a .tar.gz")
	prefix := flags.String("prefix", "", "directory that all files of the archive are in")
	program := flags.String("modhash", "", "the program")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || *prefix == "" || *program == "" || flags.NArg() != 0 {
		return fmt.Errorf("want --out, --prefix and --modhash, got %q", args)
	}
	m := manual{program: *program}
	if err := m.addPages("hash kernel modules, and prove and check that they belong to a kernel"); err != nil {
		return err
	}
	for shell, name := range completions {
		text, err := m.ask("completion", shell)
		if err != nil {
			return err
		}
		m.files = append(m.files, tarball.File{Name: "completion/" + shell + "/" + name, Data: text})
	}
	return tarball.Create(*out, *prefix, m.files)
}

// manual is the manual under construction.
type manual struct {
	program string
	files   []tarball.File
}

// ask runs the program and returns what it prints.
func (m *manual) ask(args ...string) ([]byte, error) {
	cmd := exec.Command(m.program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", m.program, strings.Join(args, " "), err, &stderr)
	}
	return text, nil
}

// addPages adds the page of a command, given by its purpose and the words after the program's name, and those of its
// subcommands.
func (m *manual) addPages(summary string, command ...string) error {
	text, err := m.ask(append(slices.Clone(command), "--help")...)
	if err != nil {
		return err
	}
	h := parseHelp(string(text))
	name := strings.Join(append([]string{"modhash"}, command...), "-")
	m.files = append(m.files, tarball.File{Name: "man/man1/" + name + ".1", Data: []byte(h.page(name, summary))})
	for _, subcommand := range h.subcommands {
		// Cobra's own explain themselves.
		if subcommand.name == "completion" || subcommand.name == "help" {
			continue
		}
		if err := m.addPages(subcommand.summary, append(slices.Clone(command), subcommand.name)...); err != nil {
			return err
		}
	}
	return nil
}
