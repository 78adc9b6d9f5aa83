// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"rules_modhash/tools/archive/names"
	"rules_modhash/tools/cli"
	"rules_modhash/tools/cli/progress"
	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/trailer"
)

// inspectOptions are the arguments of modhash inspect.
type inspectOptions struct {
	inputs inputFlags
	asJSON bool

	sources []modules.Source
}

// inspectReport is the JSON form of what one module carries.
type inspectReport struct {
	File string `json:"file"`
	// Carries is "merkle", "pkcs7", "nothing", "malformed", "unknown" or "unreadable".
	Carries string `json:"carries"`
	// Reason states what is malformed or why the file cannot be read.
	Reason string `json:"reason,omitempty"`
	// Problem states why what is in front of the trailers is not a whole ELF module.
	Problem string `json:"problem,omitempty"`
	// IDType and SignatureSize are id_type and sig_len of the outermost trailer.
	IDType        *trailer.IDType `json:"id_type,omitempty"`
	SignatureSize int             `json:"signature_size,omitempty"`
	// TrailerCount is how many trailers there are, Trailers has them, the outermost
	// first, then maybe one that is malformed, which is not counted.
	TrailerCount int             `json:"trailer_count,omitempty"`
	Trailers     []trailerReport `json:"trailers,omitempty"`
	// Size and SHA256 are those of the module without the outermost trailer.
	Size   int64        `json:"size,omitempty"`
	SHA256 string       `json:"sha256,omitempty"`
	Proof  *proofReport `json:"proof,omitempty"`
	// failed makes the exit code 1.
	failed bool
}

// trailerReport is the JSON form of one trailer.
type trailerReport struct {
	// Carries is "merkle", "pkcs7", "unknown", "malformed", or "unread" if all trailers
	// together are larger than what is read.
	Carries string `json:"carries"`
	// Reason states what is malformed.
	Reason        string          `json:"reason,omitempty"`
	IDType        *trailer.IDType `json:"id_type,omitempty"`
	SignatureSize int             `json:"signature_size"`
	// Position and Levels are those of a proof.
	Position *uint32 `json:"position,omitempty"`
	Levels   *int    `json:"levels,omitempty"`
}

// proofReport is the JSON form of a proof.
type proofReport struct {
	Position uint32   `json:"position"`
	Levels   int      `json:"levels"`
	Leaf     string   `json:"leaf"`
	Siblings []string `json:"siblings"`
	// Root is where leaf and siblings lead.
	Root string `json:"root,omitempty"`
}

func newInspect(dir directory) *cobra.Command {
	o := &inspectOptions{inputs: inputFlags{dir: dir}}
	cmd := &cobra.Command{
		Use:   "inspect [--json] PATH...",
		Short: "Show what modules carry: a proof, a signature, nothing",
		Long: `Show what each module carries at its end: a Merkle proof, a PKCS#7 signature, nothing,
or a malformed trailer; and size and SHA-256 of the module before it. For a proof, the root
is computed from module and proof: compare it with the root of a kernel. If a module was
signed or sealed several times, modhash prints all trailers, the outermost first: the kernel
removes only the outermost one, and treats the others as bytes of the module, as do the
size, SHA-256 and root that are printed. modhash reports a file that it cannot read, and
continues with the others.` + inputsHelp + `

Exit codes: 0 done; 1 at least one module is malformed, compressed without the suffix
of the compression, or cannot be read; 2 wrong usage, or no file can be read.`,
		Example: `  modhash tree --seal sealed /lib/modules/$(uname -r)
  modhash inspect sealed`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.sources, err = o.inputs.required(args); err != nil {
				return err
			}
			return runInspect(cmd, o)
		},
	}
	o.inputs.register(cmd)
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print a JSON array with one object per module")
	return cmd
}

func runInspect(cmd *cobra.Command, o *inspectOptions) error {
	found, err := findEach(cmd, o.sources)
	if err != nil {
		return err
	}
	reports, err := inspectModules(cmd, found)
	if err != nil {
		return err
	}
	if err := o.print(cmd.OutOrStdout(), reports); err != nil {
		return err
	}
	if slices.ContainsFunc(reports, func(r inspectReport) bool { return r.failed }) {
		return cli.ErrCheckFailed
	}
	return nil
}

// foundModule is a module to inspect, or a source in which modules cannot be found.
type foundModule struct {
	modules.Module
	err error
}

// findEach finds the modules of each source, whatever is wrong with the others. That
// nothing can be read is an error.
func findEach(cmd *cobra.Command, sources []modules.Source) ([]foundModule, error) {
	var all []foundModule
	var problems []error
	for _, source := range sources {
		found, err := modules.List([]modules.Source{source})
		if err != nil {
			problems = append(problems, err)
			all = append(all, foundModule{modules.Module{File: source.Path, Label: source.Label}, err})
		}
		for _, m := range found.Modules {
			all = append(all, foundModule{Module: m})
		}
		for _, u := range found.NotExamined {
			all = append(all, foundModule{modules.Module{File: u.File, Label: u.Label}, errors.New(u.Reason)})
		}
		printSkipped(cmd, found)
	}
	if len(problems) > 0 && len(problems) == len(sources) {
		return nil, errors.Join(problems...)
	}
	return all, nil
}

// inspectModules returns a report on each module and on each source without.
func inspectModules(cmd *cobra.Command, found []foundModule) ([]inspectReport, error) {
	var modules []modules.Module
	for _, f := range found {
		if f.err == nil {
			modules = append(modules, f.Module)
		}
	}
	bar := progress.New(cmd.ErrOrStderr(), "inspecting", len(modules))
	defer bar.Clear()
	inspections, err := batch.Inspect(cmd.Context(), modules, bar.Tick())
	if err != nil {
		return nil, err
	}
	reports := make([]inspectReport, len(found))
	for i, f := range found {
		if f.err != nil {
			reports[i] = reportUnreadable(f.Module, f.err)
			continue
		}
		reports[i] = reportInspection(f.Module, inspections[0])
		inspections = inspections[1:]
	}
	return reports, nil
}

func reportUnreadable(m modules.Module, err error) inspectReport {
	return inspectReport{File: m.File, Carries: "unreadable", Reason: err.Error(), failed: true}
}

func reportInspection(m modules.Module, in batch.Inspection) inspectReport {
	if in.Unreadable() {
		return reportUnreadable(m, in.Err)
	}
	r := inspectReport{File: m.File}
	if in.Err != nil {
		r.Carries, r.Reason, r.failed = "malformed", in.Err.Error(), true
		return r
	}
	r.Carries, r.Size, r.SHA256 = carries(in.Signed, in.Type), in.Size, in.SHA256.String()
	if in.Unsound != nil {
		r.Problem, r.failed = in.Unsound.Error(), !isRaw(in.Unsound)
	}
	if in.Signed {
		r.IDType, r.SignatureSize = &in.Type, in.SignatureSize
		r.reportTrailers(in.Finding)
	}
	if in.Sealed() {
		r.Proof = reportProof(in.Finding)
	}
	return r
}

// isRaw reports whether a file is none that a kernel would load, compressed or not:
// trees of such files can be made (--raw).
func isRaw(err error) bool {
	var notELF *module.NotELFError
	return errors.As(err, &notELF) && !notELF.Compressed()
}

// reportTrailers enters all trailers of a module.
func (r *inspectReport) reportTrailers(f module.Finding) {
	r.TrailerCount = 1 + f.Further
	outermost := module.Appended{Type: f.Type, SignatureSize: f.SignatureSize, Proof: f.Proof}
	for _, t := range slices.Concat([]module.Appended{outermost}, f.Beneath) {
		r.Trailers = append(r.Trailers, reportTrailer(t))
	}
	if f.FurtherErr != nil {
		further := trailerReport{Carries: "unread", Reason: f.FurtherErr.Error()}
		if errors.Is(f.FurtherErr, trailer.ErrMalformed) {
			further.Carries = "malformed"
		}
		r.Trailers, r.failed = append(r.Trailers, further), true
	}
}

func reportTrailer(t module.Appended) trailerReport {
	r := trailerReport{Carries: carries(true, t.Type), IDType: &t.Type, SignatureSize: t.SignatureSize}
	if t.Type == trailer.IDTypeMerkle {
		levels := len(t.Proof.Siblings)
		r.Position, r.Levels = &t.Proof.Position, &levels
	}
	return r
}

func carries(signed bool, t trailer.IDType) string {
	switch {
	case !signed:
		return "nothing"
	case t == trailer.IDTypeMerkle:
		return "merkle"
	case t == trailer.IDTypePKCS7:
		return "pkcs7"
	}
	return "unknown"
}

func reportProof(f module.Finding) *proofReport {
	r := &proofReport{
		Position: f.Proof.Position, Levels: len(f.Proof.Siblings), Leaf: f.Leaf.String(), Siblings: []string{},
	}
	for _, s := range f.Proof.Siblings {
		r.Siblings = append(r.Siblings, s.String())
	}
	if root, err := f.Proof.RootFrom(f.Leaf); err == nil {
		r.Root = root.Hash.String()
	}
	return r
}

func (o *inspectOptions) print(w io.Writer, reports []inspectReport) error {
	if o.asJSON {
		return printJSON(w, reports)
	}
	for _, r := range reports {
		if err := r.print(w); err != nil {
			return err
		}
	}
	return nil
}

// print writes a block of lines.
func (r inspectReport) print(w io.Writer) error {
	text := names.Printable(r.File) + "\n" + line("carries", names.Printable(r.description())) + r.trailerLines()
	if r.Problem != "" {
		text += line("problem", names.Printable(r.Problem))
	}
	if r.SHA256 != "" {
		text += line("size", r.Size) + line("sha256", r.SHA256)
	}
	if p := r.Proof; p != nil {
		text += line("position", p.Position) + line("levels", p.Levels)
		text += line("leaf", p.Leaf) + line("root", p.Root)
	}
	_, err := io.WriteString(w, text)
	return err
}

func line(key string, value any) string {
	return fmt.Sprintf("  %-9s%v\n", key, value)
}

func (r inspectReport) description() string {
	switch {
	case r.Reason != "":
		return r.Carries + ": " + r.Reason
	case r.IDType == nil:
		return r.Carries
	}
	return fmt.Sprintf("%s, %d bytes", *r.IDType, r.SignatureSize)
}

// trailerLines lists the trailers if there are several.
func (r inspectReport) trailerLines() string {
	if len(r.Trailers) < 2 {
		return ""
	}
	text := line("trailers", fmt.Sprintf("%d, outermost first; the kernel splits off the first alone", r.TrailerCount))
	for i, t := range r.Trailers {
		text += fmt.Sprintf("    %d      %s\n", i+1, t.description())
	}
	return text
}

func (t trailerReport) description() string {
	switch {
	case t.IDType == nil:
		return t.Carries + ": " + t.Reason
	case t.Position == nil:
		return fmt.Sprintf("%s, %d bytes", *t.IDType, t.SignatureSize)
	}
	return fmt.Sprintf("%s, %d bytes, position %d, levels %d", *t.IDType, t.SignatureSize, *t.Position, *t.Levels)
}
