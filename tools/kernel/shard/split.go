// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"bytes"
	"errors"
	"fmt"
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

// Split writes archives from the tree archive r, which it reads once.
func Split(r io.Reader, archives []Archive) error {
	lanes, err := newLanes(archives)
	if err != nil {
		return err
	}
	err = treearchive.Read(r, func(entry treearchive.Entry) error { return dispatch(lanes, entry) })
	for _, l := range lanes {
		close(l.entries)
	}
	for _, l := range lanes {
		err = errors.Join(err, l.group.Wait())
	}
	return err
}

// A lane writes several archives, one file after the other.
type lane struct {
	archives []Archive
	writers  []*treearchive.Writer
	entries  chan treearchive.Entry
	group    errgroup.Group
}

// newLanes starts as many lanes as processors.
func newLanes(archives []Archive) ([]*lane, error) {
	lanes := make([]*lane, min(runtime.GOMAXPROCS(0), len(archives)))
	for i := range lanes {
		lanes[i] = &lane{entries: make(chan treearchive.Entry, 64)}
	}
	for i, archive := range archives {
		writer, err := treearchive.NewWriter(archive.Out)
		if err != nil {
			return nil, err
		}
		l := lanes[i%len(lanes)]
		l.archives, l.writers = append(l.archives, archive), append(l.writers, writer)
	}
	for _, l := range lanes {
		l.group.Go(l.run)
	}
	return lanes, nil
}

// dispatch hands a file to the lanes with an archive for it.
func dispatch(lanes []*lane, entry treearchive.Entry) error {
	var data []byte
	for _, l := range lanes {
		if !slices.ContainsFunc(l.archives, func(a Archive) bool { return a.Files[entry.Path] }) {
			continue
		}
		if data == nil && entry.Link == "" {
			var err error
			if data, err = io.ReadAll(entry.Contents); err != nil {
				return fmt.Errorf("reading %s: %w", entry.Path, err)
			}
		}
		held := entry
		held.Contents = nil
		l.entries <- withData(held, data)
	}
	return nil
}

func withData(entry treearchive.Entry, data []byte) treearchive.Entry {
	entry.Contents = bytes.NewReader(data)
	return entry
}

// run writes what it is handed. After an error it only reads on, so that no one waits for it.
func (l *lane) run() error {
	var failed error
	for entry := range l.entries {
		if failed != nil {
			continue
		}
		failed = l.add(entry)
	}
	for i, writer := range l.writers {
		failed = errors.Join(failed, addAll(writer, l.archives[i].Added), writer.Close())
	}
	return failed
}

func (l *lane) add(entry treearchive.Entry) error {
	for i, archive := range l.archives {
		if !archive.Files[entry.Path] {
			continue
		}
		if _, err := entry.Contents.(*bytes.Reader).Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := l.writers[i].Add(entry); err != nil {
			return err
		}
	}
	return nil
}

func addAll(w *treearchive.Writer, added map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(added)) {
		data := added[name]
		if err := w.Add(withData(treearchive.Entry{Path: name, Mode: 0o644, Size: int64(len(data))}, data)); err != nil {
			return err
		}
	}
	return nil
}

// Configuration is the files in which Kbuild keeps the configuration, by their path in the tree: those that the compilers
// and make read, which have an option in each line.
type Configuration map[string][]byte

// For returns the configuration for a set of files: the lines whose option occurs in one of them, or in what all actions
// have. Files in which names of options are put together get all lines.
func (c Configuration) For(t *Tree, files Files) Configuration {
	wanted := map[string]bool{}
	for name := range files {
		f := t.files[name]
		if f.computesOptions {
			return c
		}
		for _, option := range f.options {
			wanted[option] = true
		}
	}
	for name, f := range t.files {
		if !strings.HasPrefix(name, "scripts/") || strings.HasPrefix(name, "scripts/kconfig/") {
			continue
		}
		for _, option := range f.options {
			wanted[option] = true
		}
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
