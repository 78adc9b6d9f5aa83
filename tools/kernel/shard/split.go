// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"bytes"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"rules_modhash/tools/kernel/treearchive"
)

// An Archive is the part of a tree for one action.
type Archive struct {
	// Files are those to take from the tree.
	Files Files
	// Added are files with contents that the tree does not have.
	Added map[string][]byte
	// Out gets the archive.
	Out io.Writer
}

// Split writes archives, several at a time.
func (t *Tree) Split(archives []Archive) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, archive := range archives {
		group.Go(func() error { return t.write(archive) })
	}
	return group.Wait()
}

func (t *Tree) write(archive Archive) error {
	return treearchive.Create(archive.Out, func(writer *treearchive.Writer) error {
		for _, name := range slices.Sorted(maps.Keys(archive.Files)) {
			f := t.files[name]
			if err := writer.Put(f.Entry, bytes.NewReader(f.data)); err != nil {
				return err
			}
		}
		for _, name := range slices.Sorted(maps.Keys(archive.Added)) {
			data := archive.Added[name]
			entry := treearchive.Entry{Path: name, Size: int64(len(data))}
			if err := writer.Put(entry, bytes.NewReader(data)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Configuration is the files in which Kbuild keeps the configuration, by their path in the tree: those that the compilers
// and make read, which have an option in each line.
type Configuration map[string][]byte

// For returns the configuration for a set of files: the lines whose option occurs in one of them, or in what all actions
// have. Files in which names of options are put together get all lines.
func (c Configuration) For(t *Tree, files Files) Configuration {
	wanted := map[string]bool{}
	for name := range files {
		f := t.files[name].scan()
		if f.computesOptions {
			return c
		}
		for _, option := range f.options {
			wanted[option] = true
		}
	}
	for _, option := range t.scriptOptions() {
		wanted[option] = true
	}
	filtered := Configuration{}
	for name, data := range c {
		filtered[name] = filterOptions(data, wanted)
	}
	return filtered
}

const moduleSuffix = "_MODULE"

// filterOptions keeps the lines that are about a wanted option, or about none.
func filterOptions(data []byte, wanted map[string]bool) []byte {
	var kept []byte
	for line := range bytes.Lines(data) {
		at := bytes.Index(line, []byte(optionPrefix))
		if at < 0 {
			kept = append(kept, line...)
			continue
		}
		end := at
		for end < len(line) && isNameByte(line[end]) {
			end++
		}
		name := string(line[at:end])
		stem := strings.TrimSuffix(name, moduleSuffix)
		if wanted[name] || wanted[stem] || wanted[stem+moduleSuffix] {
			kept = append(kept, line...)
		}
	}
	return kept
}
