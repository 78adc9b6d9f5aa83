// SPDX-License-Identifier: Apache-2.0

// Command mkmodule makes test modules: small ELF relocatable files whose contents follow from their
// install path, so that tests need no compiler and no binaries that are checked in.
//
// Usage:
//
//	mkmodule [--machine M] [--shape S] [--trailer T] --out DIR PATH...
//
// Each PATH is an install path, with .gz, .xz or .zst after it for a compressed module; the file goes
// to DIR/PATH.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mkmodule:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("mkmodule", flag.ContinueOnError)
	out := flags.String("out", "", "directory to write to")
	var m maker
	flags.StringVar(&m.machine, "machine", "x86_64", "machine in the ELF header")
	flags.StringVar(&m.shape, "shape", "module", "module, executable (no relocatable), text or empty")
	flags.StringVar(&m.trailer, "trailer", "none", "none, pkcs7, merkle or malformed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || flags.NArg() == 0 {
		return fmt.Errorf("want --out and at least one path, got %q", args)
	}
	for _, path := range flags.Args() {
		if err := m.write(filepath.Join(*out, path), path); err != nil {
			return fmt.Errorf("making %s: %w", path, err)
		}
	}
	return nil
}

func (m maker) write(file, path string) error {
	data, err := m.make(trimCompression(path))
	if err != nil {
		return err
	}
	if data, err = compress(filepath.Ext(path), data); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
