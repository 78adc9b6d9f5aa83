// SPDX-License-Identifier: Apache-2.0

// Command tamper makes of a sealed module one that the kernel must reject. What it does follows from the
// module and the kind of tampering alone.
//
// Usage:
//
//	tamper --kind=KIND --in=SEALED.ko --out=FILE
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tamper:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("tamper", flag.ContinueOnError)
	kind := flags.String("kind", "", "one of "+kindNames())
	in := flags.String("in", "", "sealed module")
	out := flags.String("out", "", "file to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	tamper, ok := kinds[*kind]
	if !ok {
		return fmt.Errorf("--kind: got %q, want one of %s", *kind, kindNames())
	}
	data, err := os.ReadFile(*in)
	if err != nil {
		return err
	}
	m, err := takeApart(data)
	if err != nil {
		return fmt.Errorf("reading %s: %w", *in, err)
	}
	tampered, err := tamper(m)
	if err != nil {
		return fmt.Errorf("tampering with %s: %w", *in, err)
	}
	return os.WriteFile(*out, tampered, 0o644)
}

func kindNames() string {
	return strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")
}
