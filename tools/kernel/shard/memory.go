// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// memory is a file system of files that are held in memory. It lists directories in time of what is in them, for trees of
// many files.
type memory struct {
	nodes map[string]*node
}

// A node is a file or a directory. It is its own fs.FileInfo and fs.DirEntry.
type node struct {
	name     string
	dir      bool
	data     []byte
	children []*node
}

func newMemory() *memory {
	return &memory{nodes: map[string]*node{".": {name: ".", dir: true}}}
}

func (m *memory) add(name string, data []byte) {
	n := &node{name: path.Base(name), data: data}
	m.nodes[name] = n
	parent := m.directory(path.Dir(name))
	parent.children = append(parent.children, n)
}

func (m *memory) directory(name string) *node {
	if n := m.nodes[name]; n != nil {
		return n
	}
	n := &node{name: path.Base(name), dir: true}
	m.nodes[name] = n
	parent := m.directory(path.Dir(name))
	parent.children = append(parent.children, n)
	return n
}

// Open implements fs.FS.
func (m *memory) Open(name string) (fs.File, error) {
	n := m.nodes[name]
	if n == nil || !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &opened{node: n, reader: bytes.NewReader(n.data)}, nil
}

// Stat implements fs.StatFS.
func (m *memory) Stat(name string) (fs.FileInfo, error) {
	n := m.nodes[name]
	if n == nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

// ReadDir implements fs.ReadDirFS.
func (m *memory) ReadDir(name string) ([]fs.DirEntry, error) {
	n := m.nodes[name]
	if n == nil || !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	entries := make([]fs.DirEntry, len(n.children))
	for i, child := range n.children {
		entries[i] = child
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// opened is a file that is being read.
type opened struct {
	node   *node
	reader io.Reader
}

// Stat implements fs.File.
func (o *opened) Stat() (fs.FileInfo, error) { return o.node, nil }

// Read implements fs.File.
func (o *opened) Read(p []byte) (int, error) { return o.reader.Read(p) }

// Close implements fs.File.
func (o *opened) Close() error { return nil }

// Name implements fs.FileInfo.
func (n *node) Name() string { return n.name }

// Size implements fs.FileInfo.
func (n *node) Size() int64 { return int64(len(n.data)) }

// Mode implements fs.FileInfo.
func (n *node) Mode() fs.FileMode {
	if n.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// ModTime implements fs.FileInfo.
func (n *node) ModTime() time.Time { return time.Time{} }

// IsDir implements fs.FileInfo.
func (n *node) IsDir() bool { return n.dir }

// Sys implements fs.FileInfo.
func (n *node) Sys() any { return nil }

// Type implements fs.DirEntry.
func (n *node) Type() fs.FileMode { return n.Mode().Type() }

// Info implements fs.DirEntry.
func (n *node) Info() (fs.FileInfo, error) { return n, nil }
