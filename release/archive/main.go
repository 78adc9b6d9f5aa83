// SPDX-License-Identifier: Apache-2.0

// Command archive makes the source archive of a release: what users need, without tests and what developers run.
//
// Usage:
//
//	archive --out=FILE --prefix=DIRECTORY --files=LIST
//
// LIST has the path of a file on each line, as the repository of //release:sources.bzl names it: DIR/files/NAME.file is
// NAME in the archive, below the prefix. The bytes of the archive depend on names and contents alone.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"rules_modhash/release/tarball"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("archive", flag.ContinueOnError)
	out := flags.String("out", "", "archive to write, a .tar.gz")
	prefix := flags.String("prefix", "", "directory that all files of the archive are in")
	list := flags.String("files", "", "file with the paths of the files to take, one a line")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || *prefix == "" || *list == "" || flags.NArg() != 0 {
		return fmt.Errorf("want --out, --prefix and --files, got %q", args)
	}
	paths, err := os.ReadFile(*list)
	if err != nil {
		return err
	}
	files, err := readFiles(strings.Fields(string(paths)))
	if err != nil {
		return err
	}
	return tarball.Create(*out, *prefix, files)
}

// readFiles reads the files, as users get them.
func readFiles(paths []string) ([]tarball.File, error) {
	var files []tarball.File
	for _, path := range paths {
		_, name, found := strings.Cut(path, "/files/")
		name, isFile := strings.CutSuffix(name, ".file")
		if !found || !isFile {
			return nil, fmt.Errorf("got the path %s, want one like DIR/files/NAME.file", path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if data, err = forUsers(name, data); err != nil {
			return nil, err
		}
		files = append(files, tarball.File{Name: name, Data: data})
	}
	if len(files) == 0 {
		return nil, errors.New("no files to put into the archive")
	}
	return files, nil
}
