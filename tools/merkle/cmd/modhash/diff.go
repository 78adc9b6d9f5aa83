// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rules_modhash/tools/archive/names"
	"rules_modhash/tools/cli"
	"rules_modhash/tools/cli/progress"
	"rules_modhash/tools/system/diff"
	"rules_modhash/tools/system/diff/elfdiff"
)

// diffOptions are the arguments of modhash diff.
type diffOptions struct {
	asJSON bool
	limit  int
}

func newDiff() *cobra.Command {
	o := &diffOptions{}
	cmd := &cobra.Command{
		Use:   "diff [--json] [--limit N] A B",
		Short: "Compare two builds: trees, module directories, archives, packages",
		Long: `Compare the modules of two builds: whether they have the same architecture and the same
root; which modules were added, removed, moved, changed; and for each changed module,
which ELF sections differ, and the likely cause (another compiler, an embedded build path
or timestamp, ...).

A and B are each a tree.pb, a directory with modules, a tar with modules (plain or compressed),
or a Debian package. Modules may be compressed; their trailers are ignored. Paths begin below
lib/modules/RELEASE, if there is one. Modules without a tree.pb get positions in the bytewise
order of their paths, or in the order of the other side, if that is a tree.pb with the same
modules. A tree.pb contains only hashes: it shows which modules changed, not how. modhash
unpacks the modules of archives into a temporary directory (TMPDIR).

Other files are counted. Those that may contain modules, such as archives in archives,
images, broken links and devices, are listed: "not examined: PATH: reason".

Exit codes: 0 the same root, and everything that may contain modules was examined; 1 the
builds differ, or something was not examined; 2 wrong usage, or input that cannot be read.`,
		Example: `  modhash tree --out tree.pb /lib/modules/$(uname -r)
  modhash diff tree.pb /lib/modules/$(uname -r)`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.limit < 0 {
				return fmt.Errorf("--limit is %d, want 0 (all) or more", o.limit)
			}
			return runDiff(cmd, o, args[0], args[1])
		},
	}
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print all differences as JSON")
	cmd.Flags().IntVar(&o.limit, "limit", 10, "how many modules to list of each kind, 0 for all (without --json)")
	return cmd
}

func runDiff(cmd *cobra.Command, o *diffOptions, nameA, nameB string) (err error) {
	scratch, err := os.MkdirTemp("", "modhash-diff")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	a, err := diff.Open(nameA, scratch)
	if err != nil {
		return err
	}
	b, err := diff.Open(nameB, scratch)
	if err != nil {
		return err
	}
	r, err := compareInputs(cmd, a, b)
	if err != nil {
		return err
	}
	if err := o.print(cmd.OutOrStdout(), r); err != nil {
		return err
	}
	if !r.Same || len(r.NotExamined) > 0 {
		return cli.ErrCheckFailed
	}
	return nil
}

// compareInputs compares with a progress bar for each phase.
func compareInputs(cmd *cobra.Command, a, b *diff.Input) (*diff.Result, error) {
	bars := &progress.Phases{Stderr: cmd.ErrOrStderr()}
	defer bars.End()
	return diff.Compare(cmd.Context(), a, b, diff.Progress{Begin: bars.Begin, Step: bars.Step})
}

func (o *diffOptions) print(w io.Writer, r *diff.Result) error {
	if o.asJSON {
		return printJSON(w, r)
	}
	text := &diffText{limit: o.limit}
	text.result(r)
	_, err := io.WriteString(w, text.String())
	return err
}

// diffText writes a result for people.
type diffText struct {
	strings.Builder
	limit int
}

func (t *diffText) line(format string, args ...any) {
	fmt.Fprintf(t, format+"\n", args...)
}

func (t *diffText) result(r *diff.Result) {
	if r.MachinesDiffer {
		t.line("the architectures differ: A %s; B %s", machinesText(r.A), machinesText(r.B))
	}
	t.summary("A", r.A)
	t.summary("B", r.B)
	t.notExamined(r.NotExamined)
	if r.Same {
		t.line("the same root")
		return
	}
	t.line("the roots differ")
	t.differences(r)
}

// machinesText states what the modules of one side are built for.
func machinesText(s diff.Summary) string {
	switch len(s.Machines) {
	case 0:
		return "is a " + s.Format + ", which names none"
	case 1:
		return "is built for " + s.Machines[0].String()
	}
	var parts []string
	for _, m := range s.Machines {
		parts = append(parts, fmt.Sprintf("%s: modules %d", m, m.Modules))
	}
	return "is mixed, " + strings.Join(parts, ", ")
}

// notExamined lists what may hold modules, and the number.
func (t *diffText) notExamined(all []diff.Unexamined) {
	for _, u := range all {
		t.line("not examined: %s: %s", names.Printable(u.Path), names.Printable(u.Reason))
	}
	if len(all) > 0 {
		t.line("not examined: %d", len(all))
	}
}

// differences lists what differs in the modules.
func (t *diffText) differences(r *diff.Result) {
	listed(t, "removed", r.Removed, func(e diff.Entry) string { return e.InstallPath })
	listed(t, "added", r.Added, func(e diff.Entry) string { return e.InstallPath })
	listed(t, "moved", r.Moved, moveText)
	t.line("changed  %d", len(r.Changed))
	t.causes(r.Changed)
	for _, m := range r.Changed[:t.shown(len(r.Changed))] {
		t.module(m)
	}
	t.more(len(r.Changed))
}

func (t *diffText) summary(side string, s diff.Summary) {
	release := ""
	if s.Release != "" {
		release = ", release " + s.Release
	}
	t.line("%s  %s", side, names.Printable(s.Name))
	t.line("   %s%s, modules %d, levels %d, root %s", s.Format, release, s.Modules, s.Levels, s.Root)
	if s.Others > 0 {
		t.line("   other files, not examined: %d", s.Others)
	}
}

// shown returns how many of n are listed.
func (t *diffText) shown(n int) int {
	if t.limit == 0 {
		return n
	}
	return min(n, t.limit)
}

// more states how many are not listed.
func (t *diffText) more(n int) {
	if hidden := n - t.shown(n); hidden > 0 {
		t.line("  ... and %d more: --limit 0 lists all", hidden)
	}
}

// listed lists things of one kind, one a line.
func listed[T any](t *diffText, title string, things []T, text func(T) string) {
	t.line("%-8s %d", title, len(things))
	for _, thing := range things[:t.shown(len(things))] {
		t.line("  %s", text(thing))
	}
	t.more(len(things))
}

func moveText(m diff.Move) string {
	if m.A.InstallPath == m.B.InstallPath {
		return fmt.Sprintf("%s: position %d -> %d", m.A.InstallPath, m.A.Position, m.B.Position)
	}
	return fmt.Sprintf("%s -> %s", m.A.InstallPath, m.B.InstallPath)
}

// causes counts how many modules have other code, and how many each cause, in order of their first appearance.
func (t *diffText) causes(modules []diff.ChangedModule) {
	counts, code := map[elfdiff.CauseID]int{}, 0
	var order []elfdiff.CauseID
	for _, m := range modules {
		if m.Diff == nil {
			continue
		}
		if m.HasKind(elfdiff.Code) {
			code++
		}
		for _, c := range m.Causes {
			if counts[c.ID] == 0 {
				order = append(order, c.ID)
			}
			counts[c.ID]++
		}
	}
	if len(order) > 0 {
		t.line("  code differs in %d", code)
	}
	for _, id := range order {
		t.line("  likely cause in %d: %s", counts[id], id.Title())
	}
}

// module prints what differs in one module.
func (t *diffText) module(m diff.ChangedModule) {
	t.line("")
	t.line("%s", m.B.InstallPath)
	t.line("  %d -> %d bytes", m.A.Size, m.B.Size)
	if m.Diff == nil {
		t.line("  %s", m.Note)
		return
	}
	for _, s := range m.Sections {
		t.section(s)
	}
	for _, c := range m.Causes {
		t.line("  likely cause: %s", c.Text)
	}
}

func (t *diffText) section(s elfdiff.Section) {
	switch {
	case s.Change != elfdiff.Changed:
		t.line("  %-24s %s, %d bytes (%s)", s.Name, s.Change, max(s.SizeA, s.SizeB), s.Kind)
	case s.SizeA != s.SizeB:
		t.line("  %-24s %d -> %d bytes (%s)", s.Name, s.SizeA, s.SizeB, s.Kind)
	default:
		t.line("  %-24s %d bytes (%s)", s.Name, s.SizeA, s.Kind)
	}
	for _, d := range s.Details {
		switch {
		case d.A == "" && d.B == "":
			t.line("    %s", d.What)
		case d.A == "":
			t.line("    %s: only in B: %s", d.What, d.B)
		case d.B == "":
			t.line("    %s: only in A: %s", d.What, d.A)
		default:
			t.line("    %s: %s -> %s", d.What, d.A, d.B)
		}
	}
}
