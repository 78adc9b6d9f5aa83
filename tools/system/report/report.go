// SPDX-License-Identifier: Apache-2.0

// Package report draws a tree as one web page that needs nothing but itself: no network,
// no other file. docs/howto/report.md shows it.
//
// The page holds the leaves; the browser computes the inner nodes and the root from them,
// draws proofs, and verifies modules that are dropped on it. The same tree gives the same
// page.
package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"rules_modhash/tools/merkle/tree"
)

//go:embed page
var page embed.FS

// scripts are the parts of the page's program, in the order in which they are put together.
var scripts = []string{"data.js", "tree.js", "module.js", "map.js", "table.js", "proof.js", "main.js"}

// Report is what a page is made of.
type Report struct {
	// Tree that the page shows.
	Tree *tree.Tree
	// Kernel that carries the tree's root, nil if none is shown.
	Kernel *Kernel
}

// Kernel is a kernel file whose root was found to be the tree's.
type Kernel struct {
	// Name of the file, without the directory.
	Name string `json:"name"`
	// Format such as "vmlinux" or "bzImage".
	Format string `json:"format"`
	// Machine such as "x86_64".
	Machine string `json:"machine"`
}

// pageData is what the page's program reads.
type pageData struct {
	Levels uint32  `json:"levels"`
	Root   string  `json:"root"`
	Kernel *Kernel `json:"kernel"`
	// Paths and Sizes are those of the modules, by position.
	Paths []string `json:"paths"`
	Sizes []int64  `json:"sizes"`
	// Leaves and Sums are leaf hashes and SHA-256 of the modules, all in a row.
	Leaves []byte `json:"leaves"`
	Sums   []byte `json:"sums"`
}

// Write writes the page.
func Write(w io.Writer, r Report) error {
	t, err := template.ParseFS(page, "page/page.html")
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	data, err := json.Marshal(dataOf(r))
	if err != nil {
		return fmt.Errorf("encoding the tree: %w", err)
	}
	style, script := read("page.css"), program()
	return t.Execute(w, map[string]any{
		"Root":   r.Tree.Root().Hash.String(),
		"Policy": policy(style, script),
		"Style":  template.CSS(style),
		"Script": template.JS(script),
		// json.Marshal leaves no < in it, so that nothing ends the element early.
		"Data": template.JS(data),
	})
}

func dataOf(r Report) pageData {
	root := r.Tree.Root()
	d := pageData{
		Levels: root.Levels, Root: root.Hash.String(), Kernel: r.Kernel, Paths: []string{}, Sizes: []int64{},
	}
	for _, l := range r.Tree.Leaves {
		d.Paths = append(d.Paths, l.InstallPath)
		d.Sizes = append(d.Sizes, l.Size)
		d.Leaves = append(d.Leaves, l.Hash[:]...)
		d.Sums = append(d.Sums, l.SHA256[:]...)
	}
	return d
}

// read returns an embedded file. One that is missing is missing in the source.
func read(name string) string {
	b, err := page.ReadFile("page/" + name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// program puts the scripts together, in a separate scope.
func program() string {
	var b strings.Builder
	b.WriteString("\"use strict\";\n(() => {\n")
	for _, name := range scripts {
		b.WriteString(read(name))
	}
	b.WriteString("})();\n")
	return b.String()
}

// policy returns the page's Content-Security-Policy: it may run this program, use this
// style sheet, and nothing else; above all, nothing from or to a network.
func policy(style, script string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src " + source(script),
		"style-src " + source(style),
		"img-src data:",
		"base-uri 'none'",
		"form-action 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
}

// source names an element by its contents (Content Security Policy Level 3, 2.3.1).
func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
