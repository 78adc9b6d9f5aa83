// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/ipe"
	"rules_modhash/tools/moduleimage"
)

func newPolicy(dir directory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy (write | fill | check | explain)",
		Short: "Write, check and explain policies of Integrity Policy Enforcement",
		Long: `Work with policies of Integrity Policy Enforcement (IPE), with which an unmodified kernel
(Linux 6.12 or newer) accepts modules from one module image, and from nowhere else: the
policy has the root hash of the image, and CONFIG_IPE_BOOT_POLICY compiles it into the
kernel.` + exitCodesHelp,
		Example: `  modhash image write --out modules.img /lib/modules/$(uname -r)
  modhash policy write --image modules.img --out policy.txt
  modhash policy check --image modules.img policy.txt`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no subcommand given, see modhash policy --help")
		},
	}
	cmd.AddCommand(newPolicyWrite(dir), newPolicyFill(dir), newPolicyCheck(dir), newPolicyExplain(dir))
	return cmd
}

// rootHashFlags name the root hash of a module image.
type rootHashFlags struct{ hash, file, image string }

func (f *rootHashFlags) register(dir directory, cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.hash, "root-hash", "", "root hash of the module image, such as sha256:0f1e…")
	dir.pathVar(cmd.Flags(), &f.file, "root-hash-file", "file with the root hash, as modhash image write writes it")
	dir.pathVar(cmd.Flags(), &f.image, "image", "module image, of which to take the root hash")
}

// digest returns the root hash.
func (f *rootHashFlags) digest() (ipe.Digest, error) {
	switch {
	case countSet(f.hash, f.file, f.image) != 1:
		return ipe.Digest{}, errors.New("one of --root-hash, --root-hash-file and --image is required")
	case f.hash != "":
		return parseRootHash(f.hash)
	case f.file != "":
		text, err := os.ReadFile(f.file)
		if err != nil {
			return ipe.Digest{}, err
		}
		return parseRootHash(strings.TrimSpace(string(text)))
	}
	image, err := moduleimage.Open(f.image)
	if err != nil {
		return ipe.Digest{}, err
	}
	return image.RootHash, image.Close()
}

func parseRootHash(text string) (ipe.Digest, error) {
	d, err := ipe.ParseDigest(text)
	if err != nil {
		return d, fmt.Errorf("--root-hash: %w", err)
	}
	return d, nil
}

// policyOptions are the arguments of modhash policy write.
type policyOptions struct {
	rootHash           rootHashFlags
	out, name, version string
	allow              []string
	blank              bool
}

func newPolicyWrite(dir directory) *cobra.Command {
	o := &policyOptions{}
	cmd := &cobra.Command{
		Use:   "write (--image FILE | --root-hash HASH | --blank) [--allow OPERATION=SOURCES]... [--out FILE]",
		Short: "Write the policy for a module image",
		Long: `Write a policy with which the kernel takes modules from a module image alone. All other
operations are allowed, unless --allow restricts them.

--allow OPERATION=SOURCES allows an operation from the given sources alone: image, initramfs,
both with a comma between them, or none. Operations are those of IPE: KMODULE (modules),
FIRMWARE, EXECUTE (programs, libraries), KEXEC_IMAGE, KEXEC_INITRAMFS, POLICY (of IMA),
X509_CERT. Without --allow KMODULE=…, modules come from the image alone.

With initramfs among the sources of KMODULE, the kernel takes modules from any file in the
file system of the initramfs: also from files that root writes there after the start.

--blank writes zeros for the root hash: no volume has it, and the policy has the length of
the one with the root hash, which modhash policy fill makes of it. A kernel with it can be
linked before its modules are built.` + exitCodesHelp,
		Example: `  modhash image write --out modules.img /lib/modules/$(uname -r)
  modhash policy write --image modules.img --out policy.txt`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := o.text()
			if err != nil {
				return err
			}
			if o.out == "" {
				_, err := cmd.OutOrStdout().Write(text)
				return err
			}
			return writeOne(o.out, func(w io.Writer) error {
				_, err := w.Write(text)
				return err
			})
		},
	}
	o.rootHash.register(dir, cmd)
	cmd.Flags().VarP(&pathFlag{dir, &o.out}, "out", "o", "file for the policy (default: standard output)")
	cmd.Flags().StringVar(&o.name, "name", "modules", "name of the policy")
	cmd.Flags().StringVar(&o.version, "policy-version", "1.0.0", "version of the policy, which a policy that replaces it must exceed")
	cmd.Flags().StringArrayVar(&o.allow, "allow", nil, "OPERATION=SOURCES (repeatable)")
	cmd.Flags().BoolVar(&o.blank, "blank", false, "write zeros for the root hash")
	return cmd
}

// text returns the text of the policy.
func (o *policyOptions) text() ([]byte, error) {
	d := ipe.Description{Name: o.name}
	var err error
	if d.Version, err = ipe.ParseVersion(o.version); err != nil {
		return nil, fmt.Errorf("--policy-version: %w", err)
	}
	if d.RootHash, err = o.digest(); err != nil {
		return nil, err
	}
	if d.Allow, err = parseAllow(o.allow); err != nil {
		return nil, err
	}
	policy, err := d.Policy()
	if err != nil {
		return nil, err
	}
	return policy.Text(), nil
}

// digest returns the root hash, or zeros.
func (o *policyOptions) digest() (ipe.Digest, error) {
	if o.blank && o.rootHash == (rootHashFlags{}) {
		return ipe.BlankRootHash(), nil
	}
	if o.blank {
		return ipe.Digest{}, errors.New("--blank and a root hash exclude each other")
	}
	return o.rootHash.digest()
}

func newPolicyFill(dir directory) *cobra.Command {
	var rootHash rootHashFlags
	out := ""
	cmd := &cobra.Command{
		Use:   "fill (--image FILE | --root-hash HASH | --root-hash-file FILE) --out FILE POLICY",
		Short: "Write the root hash of a module image into a policy",
		Long: `Write a policy with the root hash of a module image in place of zeros:
dmverity_roothash=sha256:000… All else stays, and the length too. The policy must have such a
rule, and be one that the kernel accepts.` + exitCodesHelp,
		Example: `  modhash policy write --blank --out blank.txt
  modhash policy fill --image modules.img --out policy.txt blank.txt`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return errors.New("--out is required")
			}
			digest, err := rootHash.digest()
			if err != nil {
				return err
			}
			path := dir.resolve(args[0])
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			filled, err := ipe.Fill(text, digest)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			return writeOne(out, func(w io.Writer) error {
				_, err := w.Write(filled)
				return err
			})
		},
	}
	rootHash.register(dir, cmd)
	cmd.Flags().VarP(&pathFlag{dir, &out}, "out", "o", "file for the policy (required)")
	return cmd
}

// parseAllow reads the values of --allow.
func parseAllow(values []string) (map[ipe.Operation][]ipe.Source, error) {
	allow := map[ipe.Operation][]ipe.Source{}
	for _, value := range values {
		name, list, found := strings.Cut(value, "=")
		operation := ipe.Operation(name)
		if _, twice := allow[operation]; !found || twice {
			return nil, fmt.Errorf("--allow: got %q, want OPERATION=SOURCES, once for each operation", value)
		}
		allow[operation] = []ipe.Source{}
		for source := range strings.SplitSeq(list, ",") {
			if source != "" {
				allow[operation] = append(allow[operation], ipe.Source(source))
			}
		}
	}
	if _, ok := allow[ipe.KernelModule]; !ok {
		allow[ipe.KernelModule] = []ipe.Source{ipe.Image}
	}
	return allow, nil
}

// readPolicy reads a policy.
func readPolicy(path string) (*ipe.Policy, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	policy, err := ipe.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return policy, nil
}

func newPolicyCheck(dir directory) *cobra.Command {
	var rootHash rootHashFlags
	initramfs := false
	cmd := &cobra.Command{
		Use:   "check (--image FILE | --root-hash HASH) [--initramfs] POLICY",
		Short: "Check that a policy takes modules from a module image alone",
		Long: `Check that a policy is one that the kernel accepts, and that with it, the kernel takes modules
from the module image with the given root hash, and from nowhere else. Each line of output is
a rule that allows more, or less, that cannot match, or that decides about no file.

With --initramfs, modules from the initramfs must be allowed too.` + checkExitCodesHelp,
		Example: `  modhash policy check --image modules.img policy.txt`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			want, err := rootHash.digest()
			if err != nil {
				return err
			}
			path := dir.resolve(args[0])
			policy, err := readPolicy(path)
			if err != nil {
				return err
			}
			findings := policy.Check(ipe.Sources{RootHash: want, Initramfs: initramfs})
			for _, f := range findings {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", path, f)
			}
			if len(findings) > 0 {
				return cli.ErrCheckFailed
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s: modules from %s alone\n", policy.Name, policy.Version, sourcesText(want, initramfs))
			return err
		},
	}
	rootHash.register(dir, cmd)
	cmd.Flags().BoolVar(&initramfs, "initramfs", false, "modules from the initramfs must be allowed, too")
	return cmd
}

func sourcesText(image ipe.Digest, initramfs bool) string {
	text := "the image with the root hash " + image.String()
	if initramfs {
		text += " and the initramfs"
	}
	return text
}

func newPolicyExplain(dir directory) *cobra.Command {
	return &cobra.Command{
		Use:   "explain POLICY",
		Short: "Print what the kernel does with a policy",
		Long: `Print for each operation from where the kernel takes files with a policy: which file each rule
decides about. The kernel uses the first rule that matches, else the default.` + exitCodesHelp,
		Example: `  modhash policy explain policy.txt
  modhash policy explain /sys/kernel/security/ipe/policies/NAME/policy`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy, err := readPolicy(dir.resolve(args[0]))
			if err != nil {
				return err
			}
			return explain(cmd.OutOrStdout(), policy)
		},
	}
}

func explain(w io.Writer, policy *ipe.Policy) error {
	var text strings.Builder
	fmt.Fprintf(&text, "policy %s, version %s\n", policy.Name, policy.Version)
	for _, o := range ipe.Operations {
		fmt.Fprintf(&text, "\n%s\n", o)
		decisions := policy.Explain(o)
		for _, d := range decisions {
			file := d.File.String()
			if len(decisions) == 1 {
				file = "any file, or a buffer"
			}
			fmt.Fprintf(&text, "  %-5s  %s  (line %d)\n", d.Rule.Action, file, d.Rule.Line)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}
