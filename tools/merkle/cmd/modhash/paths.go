// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// directory is where relative paths of one command line begin. Empty: the working directory,
// and paths stay as they are given.
type directory string

// resolve returns a path as it is to be opened.
func (f directory) resolve(path string) string {
	if f == "" || path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(string(f), path)
}

// pathVar registers a flag that takes a path.
func (f directory) pathVar(flags *pflag.FlagSet, value *string, name, usage string) {
	flags.Var(&pathFlag{f, value}, name, usage)
}

// pathArrayVar registers a flag that takes a path each time it is given.
func (f directory) pathArrayVar(flags *pflag.FlagSet, values *[]string, name, usage string) {
	flags.Var(&pathArrayFlag{f, values}, name, usage)
}

// unresolve turns the paths in a message back into what was given.
func (f directory) unresolve(message string) string {
	if f == "" {
		return message
	}
	return strings.ReplaceAll(message, filepath.Clean(string(f))+string(filepath.Separator), "")
}

type pathFlag struct {
	directory
	value *string
}

// String is the default, shown by --help if it is not empty.
func (p *pathFlag) String() string { return "" }

// Set takes the path.
func (p *pathFlag) Set(path string) error {
	*p.value = p.resolve(path)
	return nil
}

// Type names the value in --help.
func (p *pathFlag) Type() string { return "string" }

type pathArrayFlag struct {
	directory
	values *[]string
}

// String is the default, shown by --help if it is not empty.
func (p *pathArrayFlag) String() string { return "" }

// Set adds a path.
func (p *pathArrayFlag) Set(path string) error {
	*p.values = append(*p.values, p.resolve(path))
	return nil
}

// Type names the value in --help.
func (p *pathArrayFlag) Type() string { return "stringArray" }
