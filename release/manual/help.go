// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

// help is what a command prints for --help, taken apart.
type help struct {
	description string
	sections    []section
	subcommands []subcommand
}

// subcommand is a line of the section with commands.
type subcommand struct{ name, summary string }

// section is a part of the help with a title, such as "Flags".
type section struct{ title, text string }

// titles are those that cobra gives to sections, with the ones of manual pages.
var titles = map[string]string{
	"Usage:":              "SYNOPSIS",
	"Examples:":           "EXAMPLES",
	"Available Commands:": "COMMANDS",
	"Flags:":              "OPTIONS",
	"Global Flags:":       "GLOBAL OPTIONS",
}

// parseHelp takes the help of a command apart. Text in front of the first section is the description.
func parseHelp(text string) help {
	var h help
	for _, line := range strings.Split(text, "\n") {
		title, isTitle := titles[line]
		switch {
		case isTitle:
			h.sections = append(h.sections, section{title: title})
		case strings.HasPrefix(line, `Use "modhash`):
			// Points to the help of subcommands, which have pages here.
		case len(h.sections) == 0:
			h.description += line + "\n"
		default:
			last := &h.sections[len(h.sections)-1]
			last.text += line + "\n"
			if name, summary, found := strings.Cut(strings.TrimSpace(line), " "); found && last.title == "COMMANDS" {
				h.subcommands = append(h.subcommands, subcommand{name, strings.TrimSpace(summary)})
			}
		}
	}
	return h
}

// page is the manual page of a command, in the language of man(7). Summary is its purpose in one line.
func (h help) page(name, summary string) string {
	var page strings.Builder
	fmt.Fprintf(&page, ".TH %s 1 \"\" \"rules_modhash\" \"User Commands\"\n", strings.ToUpper(escape(name)))
	fmt.Fprintf(&page, ".SH NAME\n%s \\- %s\n", escape(name), escape(summary))
	for _, s := range h.sections {
		if s.title == "SYNOPSIS" {
			writeSection(&page, s)
		}
	}
	writeSection(&page, section{"DESCRIPTION", h.description})
	for _, s := range h.sections {
		if s.title != "SYNOPSIS" {
			writeSection(&page, s)
		}
	}
	return page.String()
}

// writeSection writes a section whose lines stay as they are: the help is set for a terminal.
func writeSection(page *strings.Builder, s section) {
	fmt.Fprintf(page, ".SH %s\n.nf\n%s\n.fi\n", s.title, escape(strings.Trim(s.text, "\n")))
}

// escape keeps roff from reading text as its own commands.
func escape(text string) string {
	text = strings.ReplaceAll(text, `\`, `\e`)
	text = strings.ReplaceAll(text, "-", `\-`)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
