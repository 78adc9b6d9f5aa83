// SPDX-License-Identifier: Apache-2.0

// Package links checks that the links between the project's pages have targets.
package links

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)|src="([^"]+)"`)
	heading = regexp.MustCompile(`^#+ +(.*)$`)
	anchor  = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// prose returns a page's lines without those of code blocks.
func prose(text string) []string {
	var lines []string
	inBlock := false
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			inBlock = !inBlock
		} else if !inBlock {
			lines = append(lines, line)
		}
	}
	return lines
}

// anchors are the places in a page that links can name: its headings, as GitHub spells them, and <a id="…">.
func anchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, line := range prose(string(text)) {
		if match := heading.FindStringSubmatch(line); match != nil {
			spelled := dropped.ReplaceAllString(strings.ToLower(match[1]), "")
			found[strings.ReplaceAll(spelled, " ", "-")] = true
		}
		for _, match := range anchor.FindAllStringSubmatch(line, -1) {
			found[match[1]] = true
		}
	}
	return found
}

// check reports a link that leads nowhere. Those to other sites are not followed.
func check(t *testing.T, root, page, target string) {
	t.Helper()
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return
	}
	name, place, _ := strings.Cut(target, "#")
	file := page
	if name != "" {
		file = filepath.Join(filepath.Dir(page), name)
	}
	shown, err := filepath.Rel(root, page)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("%s: the link %q leads to a missing file", shown, target)
		return
	}
	if place != "" && strings.HasSuffix(file, ".md") && !anchors(t, file)[place] {
		t.Errorf("%s: the link %q leads to a missing heading of that page", shown, target)
	}
}

func TestLinks(t *testing.T) {
	module, err := filepath.EvalSymlinks("../../../MODULE.bazel")
	if err != nil {
		t.Fatal(err)
	}
	root, links := filepath.Dir(module), 0
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "bazel-")) {
			return filepath.SkipDir
		}
		if !entry.Type().IsRegular() || filepath.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, line := range prose(string(text)) {
			for _, match := range link.FindAllStringSubmatch(line, -1) {
				links++
				check(t, root, path, match[1]+match[2])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if links < 100 {
		t.Errorf("found only %d links in %s: is this the workspace?", links, root)
	}
}
