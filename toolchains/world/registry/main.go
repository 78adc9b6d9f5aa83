// SPDX-License-Identifier: Apache-2.0

// Command registry makes an offline registry of Bazel modules out of what Debian packages and Go
// modules offer, for machines that reach no network registry.
//
// Usage:
//
//	registry --out=DIR --goroot=DIR --bazel-share=DIR MODULE.bazel...
//
// DIR/src gets the sources, once; DIR/registry.d is the registry, for Bazel's --registry flag. Each
// module is offered under every version that one of the MODULE.bazel files, or a module they lead to,
// asks for: Bazel then resolves the same graph as with the public registry, to the one
// source there is. A module that nobody here can offer is an error that names who asks for it.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("registry", flag.ContinueOnError)
	out := flags.String("out", "", "directory to make or extend")
	goroot := flags.String("goroot", "", "Go installation that rules_go uses as its default SDK")
	share := flags.String("bazel-share", "/usr/share/bazel", "where Debian keeps its bazel-* packages")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || *goroot == "" || flags.NArg() == 0 {
		return fmt.Errorf("want --out, --goroot and at least one MODULE.bazel, got %q", args)
	}
	world := sources{share: *share, goroot: *goroot}
	if err := world.gatherOnce(*out + "/src"); err != nil {
		return err
	}
	return publish(*out, *share, flags.Args())
}
