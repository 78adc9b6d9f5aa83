// SPDX-License-Identifier: Apache-2.0

// Package troubleshooting checks that docs/troubleshooting.md lists the error texts of the sources.
package troubleshooting

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const page = "docs/troubleshooting.md"

// sections are the headings of the page, by where messages come from: the longest prefix counts.
var sections = map[string]string{
	"bazelw":                    "bazelw",
	"rules":                     "Rules",
	"toolchains":                "Toolchains and module extensions",
	"toolchains/kernel/patches": "The kernel",
	"toolchains/world":          "bazelw",
	"tools/boot":                "Boot tests and initramfs",
	"tools/archive/initramfs":   "Boot tests and initramfs",
	"tools/gazelle":             "Gazelle",
	"tools/kernel":              "kbuild",
	"tools/kernel/kbuild":       "Gazelle",
	"tools/merkle":              "modhash",
	"tools":                     "modhash",
}

func section(place string) string {
	best := ""
	for prefix := range sections {
		if (place == prefix || strings.HasPrefix(place, prefix+"/")) && len(prefix) > len(best) {
			best = prefix
		}
	}
	return sections[best]
}

var (
	// entryStart begins an entry: its messages, and after a dash what to do.
	entryStart = regexp.MustCompile(`(?m)^- `)
	codeSpan   = regexp.MustCompile("``\\s(.+?)\\s``|`([^`]+)`")
)

// documented returns the messages that the page has entries for. Lines may break at any blank.
func documented(t *testing.T, text string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, entry := range entryStart.Split(text, -1)[1:] {
		messages, advice, ok := strings.Cut(strings.Join(strings.Fields(entry), " "), " — ")
		if !ok || strings.TrimSpace(advice) == "" {
			t.Errorf("%s: want \"- `message` — cause. Next step.\", got\n- %s", page, entry)
		}
		for _, span := range codeSpan.FindAllStringSubmatch(messages, -1) {
			found[span[1]+span[2]] = true
		}
	}
	return found
}

func workspace(t *testing.T) string {
	t.Helper()
	module, err := filepath.EvalSymlinks("../../../MODULE.bazel")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(module)
}

// TestTroubleshooting checks that the page lists each error text of the sources, and no other.
func TestTroubleshooting(t *testing.T) {
	root := workspace(t)
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	listed, known := documented(t, string(text)), map[string]bool{}
	for _, m := range collect(t, root) {
		spaced := strings.Join(strings.Fields(m.text), " ")
		if !known[spaced] && m.isSpecific() && !listed[spaced] {
			t.Errorf("%s has no entry for a message of %s. Add under \"## %s\" (or to an entry for the like):\n"+
				"- %s — cause. Next step.", page, m.place, section(m.place), span(spaced))
		}
		known[spaced] = true
	}
	if len(known) < 300 {
		t.Errorf("found only %d messages in the sources: is this the workspace? %s", len(known), root)
	}
	for message := range listed {
		if !known[message] {
			t.Errorf("%s has an entry for %s, which is not in the sources. Next: remove it, or write it as in the source.",
				page, span(message))
		}
	}
}

// span is a message as a code span of Markdown.
func span(text string) string {
	if strings.Contains(text, "`") {
		return "`` " + text + " ``"
	}
	return "`" + text + "`"
}
