// SPDX-License-Identifier: Apache-2.0

// Command image writes a world as an OCI image archive to its standard output: an OCI image layout in a tar archive, with
// the manifest.json by which `docker load` finds the image.
//
// Usage:
//
//	image --root=DIR --scratch=DIR --recipe=DIGEST --path=PATH >ARCHIVE
//
// The same world gives the same bytes: all timestamps are the date of the Debian archive, entries are in order, and what
// differs between two uses of a world is left out (leftOut).
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/cli/progress"
)

func main() {
	ctx, stop := cli.Signals{}.Context()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	root, scratch, recipe, path string
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&o.root, "root", "", "root directory of the world")
	flags.StringVar(&o.scratch, "scratch", "", "directory for a temporary file of the size of the image")
	flags.StringVar(&o.recipe, "recipe", "", "digest of the world's recipe")
	flags.StringVar(&o.path, "path", "", "PATH of programs that run in the image")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.root == "" || o.scratch == "" || o.recipe == "" || o.path == "" || flags.NArg() > 0 {
		return o, fmt.Errorf("want --root, --scratch, --recipe and --path, got %q", args)
	}
	return o, nil
}

// run writes the archive to out, and progress and a summary to stderr.
func run(ctx context.Context, args []string, out io.Writer, stderr io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	info, err := readManifest(o.root)
	if err != nil {
		return err
	}
	entries, err := list(ctx, o.root)
	if err != nil {
		return err
	}
	packed, err := pack(ctx, o, info, entries, &progress.Phases{Stderr: stderr})
	if err != nil {
		return err
	}
	defer packed.remove()
	digest, err := writeArchive(ctx, out, packed, info, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "bazelw: %d files, %d MB unpacked, %d MB compressed; image %s\n",
		len(entries), packed.unpacked>>20, packed.size>>20, digest)
	return nil
}
