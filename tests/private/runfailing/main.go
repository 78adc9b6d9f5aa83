// SPDX-License-Identifier: Apache-2.0

// Command runfailing runs the program of a build action that must fail, in the environment of the action,
// and reports the result.
//
// Usage:
//
//	runfailing REPORT BIN FILES DIRECTORIES OUTPUT... PROGRAM ARGUMENT...
//
// FILES and DIRECTORIES are the numbers of files and directories in the OUTPUTs of the action, files first.
// Like Bazel, runfailing creates the directories and the parent directories of the files before. REPORT gets
// the exit status, the files that the program left, and its output, with paths relative to BIN.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runfailing:", err)
		os.Exit(1)
	}
}

// action is what an action runs, and what it makes.
type action struct {
	files, directories []string
	command            []string
}

func run(args []string) error {
	if len(args) < 4 {
		return fmt.Errorf("want a report, a directory and two counts, got %q", args)
	}
	a, err := parse(args[2], args[3], args[4:])
	if err != nil {
		return err
	}
	if err := a.prepare(); err != nil {
		return err
	}
	report, err := a.report()
	if err != nil {
		return err
	}
	report = strings.ReplaceAll(report, args[1]+"/", "")
	return os.WriteFile(args[0], []byte(report), 0o644)
}

func (a action) report() (string, error) {
	before, err := list(a.places())
	if err != nil {
		return "", err
	}
	status, output, err := a.execute()
	if err != nil {
		return "", err
	}
	after, err := list(a.places())
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("exit status: %d\nleft behind: %s\n%s", status, added(before, after), output), nil
}

func parse(files, directories string, rest []string) (action, error) {
	f, err := strconv.Atoi(files)
	if err != nil {
		return action{}, err
	}
	d, err := strconv.Atoi(directories)
	if err != nil {
		return action{}, err
	}
	if f < 0 || d < 0 || f+d >= len(rest) {
		return action{}, fmt.Errorf("want %d outputs and a program, got %q", f+d, rest)
	}
	return action{rest[:f], rest[f : f+d], rest[f+d:]}, nil
}

func (a action) prepare() error {
	for _, directory := range a.directories {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return err
		}
	}
	for _, file := range a.files {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func (a action) execute() (status int, output []byte, err error) {
	command := exec.Command(a.command[0], a.command[1:]...)
	command.Env = []string{}
	output, err = command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, nil, err
	}
	return command.ProcessState.ExitCode(), output, nil
}

// places are the directories that the action may write to.
func (a action) places() []string {
	places := slices.Clone(a.directories)
	for _, file := range a.files {
		places = append(places, filepath.Dir(file))
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// list returns all files in places, at any depth.
func list(places []string) (map[string]bool, error) {
	found := map[string]bool{}
	for _, place := range places {
		err := filepath.WalkDir(place, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				found[path] = true
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// added names the files of after that are not in before.
func added(before, after map[string]bool) string {
	maps.DeleteFunc(after, func(path string, _ bool) bool { return before[path] })
	if len(after) == 0 {
		return "nothing"
	}
	return strings.Join(slices.Sorted(maps.Keys(after)), " ")
}
