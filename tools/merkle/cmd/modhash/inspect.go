// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/moduleset"
)

// inspectOptions are the arguments of modhash inspect.
type inspectOptions struct {
	inputs inputFlags
	asJSON bool

	sources []moduleset.Source
}

// inspectReport is the JSON form of what one module carries.
type inspectReport struct {
	File string `json:"file"`
	// Carries is "merkle", "pkcs7", "nothing", "malformed" or "unknown".
	Carries string `json:"carries"`
	// Reason says what is malformed.
	Reason string `json:"reason,omitempty"`
	// IDType and SignatureSize are id_type and sig_len of the trailer.
	IDType        *module.IDType `json:"id_type,omitempty"`
	SignatureSize int            `json:"signature_size,omitempty"`
	// Size and SHA256 are those of the module without the trailer.
	Size   int64        `json:"size,omitempty"`
	SHA256 string       `json:"sha256,omitempty"`
	Proof  *proofReport `json:"proof,omitempty"`
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

func newInspect(dir folder) *cobra.Command {
	o := &inspectOptions{inputs: inputFlags{dir: dir}}
	cmd := &cobra.Command{
		Use:   "inspect [--json] PATH...",
		Short: "Show what modules carry: a proof, a signature, nothing",
		Long: `Show what each module carries at its end: a Merkle proof, a PKCS#7 signature, nothing,
or a malformed trailer; and size and SHA-256 of the module in front of it. For a proof,
the root is where module and proof lead: compare it with that of a kernel.` + inputsHelp + `

Exit codes: 0 done; 1 at least one module is malformed; 2 wrong usage, or a file that
cannot be read.`,
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
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print a JSON array with one object a module")
	return cmd
}

func runInspect(cmd *cobra.Command, o *inspectOptions) error {
	found, err := moduleset.List(o.sources)
	if err != nil {
		return err
	}
	modules := found.Modules
	printNotExamined(cmd, found)
	inspections, err := inspectModules(cmd, modules)
	if err != nil {
		return err
	}
	reports, failed := make([]inspectReport, len(inspections)), len(found.NotExamined) > 0
	for i, in := range inspections {
		reports[i] = reportInspection(modules[i], in)
		failed = failed || in.Err != nil
	}
	if err := o.print(cmd.OutOrStdout(), reports); err != nil {
		return err
	}
	if failed {
		return errCheckFailed
	}
	return nil
}

func inspectModules(cmd *cobra.Command, modules []moduleset.Module) ([]batch.Inspection, error) {
	bar := newProgress(cmd.ErrOrStderr(), "inspecting", len(modules))
	defer bar.clear()
	return batch.Inspect(cmd.Context(), modules, bar.tick())
}

func reportInspection(m moduleset.Module, in batch.Inspection) inspectReport {
	r := inspectReport{File: m.File}
	if in.Err != nil {
		r.Carries, r.Reason = "malformed", in.Err.Error()
		return r
	}
	r.Carries, r.Size, r.SHA256 = carries(in.Finding), in.Size, in.SHA256.String()
	if in.Signed {
		r.IDType, r.SignatureSize = &in.Type, in.SignatureSize
	}
	if in.Sealed() {
		r.Proof = reportProof(in.Finding)
	}
	return r
}

func carries(f module.Finding) string {
	switch {
	case !f.Signed:
		return "nothing"
	case f.Type == module.IDTypeMerkle:
		return "merkle"
	case f.Type == module.IDTypePKCS7:
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
	text := r.File + "\n" + line("carries", r.description())
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
