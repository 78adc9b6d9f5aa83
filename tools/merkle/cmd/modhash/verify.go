// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/cli/progress"
	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/root"
)

// verifyOptions are the arguments of modhash verify.
type verifyOptions struct {
	inputs                    inputFlags
	root, kernel, attestation string
	image, rootHash           string
	systemMap                 string
	asJSON, complete          bool

	sources []modules.Source
}

// verifyReport is the JSON form of a verification.
type verifyReport struct {
	Root     rootReport      `json:"root"`
	Checked  int             `json:"checked"`
	Passed   int             `json:"passed"`
	Failed   int             `json:"failed"`
	Failures []failureReport `json:"failures"`
	// NotExamined are entries of directories that could not be looked into; NotSearched are directories that depmod
	// does not search; Others counts the entries that do not have the name of a module.
	NotExamined []notExaminedReport `json:"not_examined"`
	NotSearched []string            `json:"not_searched"`
	Others      int                 `json:"others"`
	// Missing is there with --complete only.
	Missing []string `json:"missing,omitempty"`
}

type failureReport struct {
	File        string `json:"file"`
	InstallPath string `json:"install_path"`
	Label       string `json:"label,omitempty"`
	Reason      string `json:"reason"`
}

type notExaminedReport struct {
	File   string `json:"file"`
	Label  string `json:"label,omitempty"`
	Reason string `json:"reason"`
}

func newVerify(dir directory) *cobra.Command {
	o := &verifyOptions{inputs: inputFlags{dir: dir}}
	cmd := &cobra.Command{
		Use: "verify (--root FILE | --kernel FILE | --attestation FILE) [--complete] [--json] PATH...\n" +
			"  modhash verify --image IMAGE --root-hash HASH",
		Short: "Check that modules are sealed and belong to a tree",
		Long: `Check, as the kernel does when it loads a module, that each module carries a proof that
leads to the root in FILE: a tree.pb, a root object, or a kernel (vmlinux or boot image).
--kernel requires a kernel: --kernel /boot/vmlinuz-7.2.12 /lib/modules/7.2.12. With a
tree.pb, also check that each module is at the path that the tree has for its position (for
a module that is given as a file: only the name), and, with --complete, that no module of
the tree is missing.

--attestation uses the statement of modhash attest in place of a tree.pb, and also accepts
modules without a proof: they must have the contents that the statement records for their
path. Check the signature of the statement first.

--image checks each byte of a module image (modhash image), and that it has the given root
hash.

Each failure is a line on standard error; counts come last, on standard output. It is also
a failure if there is no module, or if an entry cannot be examined: a broken link, a
directory that cannot be listed.` + inputsHelp + checkExitCodesHelp,
		Example: `  modhash tree --out tree.pb --seal sealed /lib/modules/$(uname -r)
  modhash verify --root tree.pb --complete sealed`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if countSet(o.root, o.kernel, o.attestation, o.image) != 1 {
				return errors.New("one of --root, --kernel, --attestation and --image is required")
			}
			if o.image != "" || o.rootHash != "" {
				return o.verifyImage(cmd, args)
			}
			if o.sources, err = o.inputs.required(args); err != nil {
				return err
			}
			return runVerify(cmd, o)
		},
	}
	o.inputs.register(cmd)
	dir.pathVar(cmd.Flags(), &o.root, "root", "file with the root")
	dir.pathVar(cmd.Flags(), &o.kernel, "kernel", "kernel with the root: a vmlinux or a boot image")
	dir.pathVar(cmd.Flags(), &o.systemMap, "system-map", "System.map, or vmlinux with symbols, of the kernel's build, for boot images without ELF sections")
	dir.pathVar(cmd.Flags(), &o.attestation, "attestation", "statement written by modhash attest")
	dir.pathVar(cmd.Flags(), &o.image, "image", "module image, instead of PATH")
	cmd.Flags().StringVar(&o.rootHash, "root-hash", "", "root hash that the module image must have, such as sha256:0f1e…")
	cmd.Flags().BoolVar(&o.complete, "complete", false, "fail if a module of the tree is missing")
	cmd.Flags().BoolVar(&o.asJSON, "json", false,
		"print root, counts and failures as JSON on standard output")
	return cmd
}

func runVerify(cmd *cobra.Command, o *verifyOptions) error {
	found, err := o.readRoot()
	if err != nil {
		return err
	}
	if o.complete && found.Tree == nil {
		return fmt.Errorf("--complete needs a tree.pb or --attestation, %s%s is %s: it does not list the modules",
			o.root, o.kernel, found.WithArticle())
	}
	listing, err := modules.List(o.sources)
	if err != nil {
		return err
	}
	report, err := o.verify(cmd, listing.Modules, found)
	if err != nil {
		return err
	}
	if !o.complete {
		report.Missing = nil
	}
	if err := o.print(cmd, found, listing, report); err != nil {
		return err
	}
	if report.Checked == 0 || len(listing.NotExamined) > 0 || len(report.Failures) > 0 || len(report.Missing) > 0 {
		return cli.ErrCheckFailed
	}
	return nil
}

// countSet returns how many values are not empty.
func countSet(values ...string) int {
	n := 0
	for _, v := range values {
		if v != "" {
			n++
		}
	}
	return n
}

// readRoot reads the file that one of --root, --kernel and --attestation names.
func (o *verifyOptions) readRoot() (root.Found, error) {
	switch {
	case o.root != "":
		return root.Read(o.root, o.systemMap)
	case o.attestation != "":
		return readAttestation(o.attestation)
	}
	found, err := root.Read(o.kernel, o.systemMap)
	if err != nil {
		return root.Found{}, err
	}
	if !found.IsKernel() {
		return root.Found{}, fmt.Errorf("--kernel needs a vmlinux or a boot image, %s is %s: use --root",
			o.kernel, found.WithArticle())
	}
	return found, nil
}

func (o *verifyOptions) verify(
	cmd *cobra.Command, modules []modules.Module, found root.Found,
) (batch.Report, error) {
	bar := progress.New(cmd.ErrOrStderr(), "verifying", len(modules))
	defer bar.Clear()
	ref := batch.Reference{Root: found.Root, Tree: found.Tree, Unsealed: o.attestation != ""}
	return batch.Verify(cmd.Context(), modules, ref, bar.Tick())
}

func (o *verifyOptions) print(
	cmd *cobra.Command, found root.Found, listing modules.Listing, r batch.Report,
) error {
	if o.asJSON {
		return printJSON(cmd.OutOrStdout(), reportVerify(found, listing, r))
	}
	printNotExamined(cmd, listing)
	for _, f := range r.Failures {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", f.Module, f.Reason)
	}
	for _, l := range r.Missing {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: is missing (position %d)\n", l.InstallPath, l.Position)
	}
	if r.Checked == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "no module found")
	}
	counts := fmt.Sprintf("checked %d, passed %d, failed %d",
		r.Checked, r.Checked-len(r.Failures), len(r.Failures))
	if o.complete {
		counts += fmt.Sprintf(", missing %d", len(r.Missing))
	}
	if n := len(listing.NotExamined); n > 0 {
		counts += fmt.Sprintf(", not examined %d", n)
	}
	if n := len(listing.Others); n > 0 {
		counts += fmt.Sprintf(", other files %d", n)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), counts)
	return err
}

func reportVerify(found root.Found, listing modules.Listing, r batch.Report) verifyReport {
	failed := len(r.Failures)
	report := verifyReport{
		Root: reportRoot(found), Checked: r.Checked, Passed: r.Checked - failed, Failed: failed,
		Failures: []failureReport{}, NotExamined: []notExaminedReport{},
		NotSearched: append([]string{}, listing.Skipped...), Others: len(listing.Others),
	}
	for _, u := range listing.NotExamined {
		report.NotExamined = append(report.NotExamined, notExaminedReport{u.File, u.Label, u.Reason})
	}
	for _, f := range r.Failures {
		report.Failures = append(report.Failures, failureReport{
			File: f.Module.File, InstallPath: f.Module.InstallPath,
			Label: f.Module.Label, Reason: f.Reason.Error(),
		})
	}
	for _, l := range r.Missing {
		report.Missing = append(report.Missing, l.InstallPath)
	}
	return report
}
