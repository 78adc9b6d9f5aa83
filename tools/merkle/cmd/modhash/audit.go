// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rules_modhash/tools/archive/initramfs"
	"rules_modhash/tools/archive/names"
	"rules_modhash/tools/archive/rootfs"
	"rules_modhash/tools/cli"
	"rules_modhash/tools/cli/progress"
	"rules_modhash/tools/system/audit"
)

// auditOptions are the arguments of modhash audit.
type auditOptions struct {
	rootDir string
	asJSON  bool
	limit   int
	// kernels and initramfs are paths of this system, below rootDir.
	kernels, initramfs []string
	what               audit.Options
}

const auditHelp = `Find the kernels of a system, or of an unpacked system image in DIR, read the root that
each carries, and check every module in lib/modules and inside each initramfs against the
root of the kernel of its release. The contents, not the name, determine the kind of each
file in the directories that boot loaders read (boot, efi, EFI, loader, ...), and of each file
that their configurations name; --kernel and --initramfs name further files below DIR.

Each module has one status:
  verified     it carries a proof that leads to the root
  stripped     it belongs to the kernel, but lost its trailer (the program strip causes this)
  other build  its proof leads to another root
  altered      its proof is of this build, but its bytes are not
  misplaced    it is sealed, but is at the path of another module
  signed       it carries a PKCS#7 signature in place of a proof
  unsigned     it carries nothing
  malformed    it carries a trailer that no kernel accepts
  unreadable   it cannot be read to its end
  unchecked    it is sealed, but the system has no kernel of its release

An initramfs may be several consecutive cpio archives, plain or compressed, with archives
inside. modhash does not change the system; symbolic links resolve inside DIR, as after chroot.

The report accounts for every file, link, member of an archive and section of an EFI program.
Whatever may contain a module or a kernel and was not examined, such as a file system image,
is listed as "not examined". --ignore excludes paths that you know to be harmless, in the form
in which they are printed (FILE!/NAME is inside FILE; * stands for any name, ** for any
directories).

Exit codes: 0 there is a kernel, each kernel has a root, all modules are verified, and
everything that may contain a module or a kernel was examined; 1 one of these conditions
does not apply; 2 wrong usage, or DIR cannot be read.`

func newAudit() *cobra.Command {
	o := &auditOptions{}
	cmd := &cobra.Command{
		Use:   "audit [--root-dir DIR] [--kernel FILE] [--initramfs FILE] [--ignore PATTERN] [--json] [--limit N]",
		Short: "Check all modules of an installed system, including its initramfs",
		Long:  auditHelp,
		Example: `  modhash audit --root-dir /
  modhash audit --root-dir / --ignore 'boot/ipxe.iso' --ignore 'boot/grub/**'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.limit < 0 {
				return fmt.Errorf("--limit is %d, want 0 (all) or more", o.limit)
			}
			return runAudit(cmd, o)
		},
	}
	cmd.Flags().StringVar(&o.rootDir, "root-dir", "/", "root directory of the system")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print the whole report, with the status of every module, as JSON")
	cmd.Flags().StringArrayVar(&o.kernels, "kernel", nil, "further kernel, below DIR (repeatable)")
	cmd.Flags().StringArrayVar(&o.initramfs, "initramfs", nil, "further initramfs, below DIR (repeatable)")
	cmd.Flags().StringArrayVar(&o.what.Ignore, "ignore", nil,
		"pattern of paths that you know to be harmless: counted and reported (repeatable)")
	cmd.Flags().IntVar(&o.limit, "limit", 10, "how many modules to list in each place, 0 for all (without --json)")
	return cmd
}

func runAudit(cmd *cobra.Command, o *auditOptions) error {
	report, err := o.audit(cmd)
	if err != nil {
		return err
	}
	if err := o.print(cmd.OutOrStdout(), report); err != nil {
		return err
	}
	if !report.Clean {
		return cli.ErrCheckFailed
	}
	return nil
}

// audit audits with a progress bar for each directory.
func (o *auditOptions) audit(cmd *cobra.Command) (*audit.Report, error) {
	var err error
	if o.what.Kernels, err = o.names("--kernel", o.kernels); err != nil {
		return nil, err
	}
	if o.what.Initramfs, err = o.names("--initramfs", o.initramfs); err != nil {
		return nil, err
	}
	bars := &progress.Phases{Stderr: cmd.ErrOrStderr()}
	defer bars.End()
	return audit.Run(cmd.Context(), o.rootDir, o.what, audit.Progress{
		Begin: func(modules int) { bars.Begin("checking", modules) },
		Step:  bars.Step,
	})
}

// names returns the names in the system of files that a flag gives.
func (o *auditOptions) names(flag string, files []string) (names []string, err error) {
	system, err := rootfs.Open(o.rootDir)
	if err != nil {
		return nil, err
	}
	defer system.Close()
	for _, file := range files {
		name, ok := system.Name(file)
		if !ok {
			return nil, fmt.Errorf("%s %s is not below the root directory %s", flag, file, o.rootDir)
		}
		names = append(names, name)
	}
	return names, nil
}

func (o *auditOptions) print(w io.Writer, r *audit.Report) error {
	if o.asJSON {
		return printJSON(w, r)
	}
	text := &auditText{limit: o.limit}
	text.report(r)
	_, err := io.WriteString(w, text.String())
	return err
}

// auditText writes a report for people.
type auditText struct {
	strings.Builder
	limit int
}

func (t *auditText) line(format string, args ...any) {
	fmt.Fprintf(t, format+"\n", args...)
}

func (t *auditText) report(r *audit.Report) {
	for _, k := range r.Kernels {
		t.kernel(k)
	}
	for _, m := range r.Installed {
		t.line("modules %s", names.Printable(m.Path))
		t.modules(m)
	}
	for _, i := range r.Initramfs {
		t.line("initramfs %s", names.Printable(i.Path))
		for _, s := range i.Archives {
			t.segment(s)
		}
		t.modules(i.Modules)
	}
	t.problems(r.Problems)
	for _, p := range r.Ignored {
		t.line("ignored: %s: matches %s", names.Printable(p.Path), names.Printable(p.Reason))
	}
	for _, p := range r.NotExamined {
		t.line("not examined: %s: %s", names.Printable(p.Path), p.Reason)
	}
	if len(r.Entries) > 0 {
		t.line("entries: %s", entries(r.Entries))
	}
	t.line("not examined: %d", len(r.NotExamined))
	if r.Clean {
		t.line("all is well: %s", counts(r.Counts))
		return
	}
	t.line("not all is well: %s", counts(r.Counts))
}

// entries returns, for example, "container 2, kernel 1, module 41".
func entries(of map[audit.Class]int) string {
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%s %d", class, of[class]))
	}
	return strings.Join(parts, ", ")
}

func (t *auditText) segment(s initramfs.Segment) {
	switch {
	case s.Kind == initramfs.KindBootConfig:
		t.line("  boot configuration at byte %d, %d bytes", s.Offset, s.Size)
	case s.Ignored > 0:
		t.line("  archive at byte %d, compression %s, entries %d, of which the kernel ignores %d",
			s.Offset, s.Compression, s.Entries, s.Ignored)
	default:
		t.line("  archive at byte %d, compression %s, entries %d", s.Offset, s.Compression, s.Entries)
	}
}

func (t *auditText) kernel(k audit.Kernel) {
	t.line("kernel %s", names.Printable(k.Path))
	if k.Release != "" {
		t.line("  release %s", names.Printable(k.Release))
	}
	if k.Problem != "" {
		t.line("  has no root: %s", k.Problem)
		return
	}
	t.line("  %s, levels %d, root %s", k.Format, k.Levels, k.Root)
}

// modules lists those that are not verified.
func (t *auditText) modules(m audit.Modules) {
	ofStatus := map[audit.Status]int{}
	listed, hidden, further, after := 0, 0, 0, 0
	for _, module := range m.Modules {
		ofStatus[module.Status]++
		if module.Status == audit.Verified && module.Further > 0 {
			further++
		}
		if module.BytesAfter > 0 {
			after++
		}
	}
	t.line("  %s", counts(ofStatus))
	if further > 0 {
		t.line("  %d of the verified carry further trailers below the proof: modhash inspect lists them", further)
	}
	if after > 0 {
		t.line("  %d have bytes after the compressed data, which are not part of the module", after)
	}
	for _, module := range m.Modules {
		switch {
		case module.Status == audit.Verified:
		case t.limit > 0 && listed == t.limit:
			hidden++
		default:
			listed++
			t.line("  %s: %s: %s", names.Printable(module.Path), module.Status, module.Reason)
		}
	}
	if hidden > 0 {
		t.line("  ... and %d more: --limit 0 lists all", hidden)
	}
	t.problems(m.Problems)
}

func (t *auditText) problems(problems []audit.Problem) {
	for _, p := range problems {
		t.line("problem: %s %s", names.Printable(p.Path), p.Reason)
	}
}

// counts returns, for example, "verified 41, stripped 1".
func counts(of map[audit.Status]int) string {
	var parts []string
	for _, status := range audit.Statuses {
		if n := of[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", status, n))
		}
	}
	if parts == nil {
		return "no module"
	}
	return strings.Join(parts, ", ")
}
