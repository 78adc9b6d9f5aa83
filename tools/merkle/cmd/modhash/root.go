// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/root"
	"rules_modhash/tools/merkle/root/object"
)

// rootReport is the JSON form of a root.
type rootReport struct {
	Format  string `json:"format"`
	Machine string `json:"machine,omitempty"`
	Levels  uint32 `json:"levels"`
	Root    string `json:"root"`
}

func newRootCommand(dir directory) *cobra.Command {
	asJSON, systemMap := false, ""
	cmd := &cobra.Command{
		Use:   "root [--json] [--system-map FILE] FILE",
		Short: "Print the root in a tree, a root object or a kernel",
		Long: `Print the root that FILE carries as "LEVELS HEX". FILE is a tree.pb, a root object,
or a kernel that was linked with one: vmlinux, or a boot image that was made from it (bzImage,
Image, zImage, s390x boot image, U-Boot image, unified kernel image), compressed or not. Boot
images without ELF sections need --system-map: arm64 and riscv64 Image, zImage, s390x boot image.` + exitCodesHelp,
		Example: `  modhash tree --out tree.pb /lib/modules/$(uname -r)
  modhash root tree.pb`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := root.Read(dir.resolve(args[0]), systemMap)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), reportRoot(found))
			}
			fmt.Fprintln(cmd.OutOrStdout(), found.Root)
			return nil
		},
	}
	dir.pathVar(cmd.Flags(), &systemMap, "system-map", "System.map, or vmlinux with symbols, of the kernel's build, for boot images without ELF sections")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print format, machine, levels and root as JSON")
	return cmd
}

func reportRoot(f root.Found) rootReport {
	return rootReport{
		Format: f.Format, Machine: machineName(f.Target), Levels: f.Root.Levels, Root: f.Root.Hash.String(),
	}
}

// machineName returns the name of a target's architecture, "" if there is no target.
func machineName(t arch.Target) string {
	if t == (arch.Target{}) {
		return ""
	}
	if m, err := object.ArchitectureOf(t); err == nil {
		return m.Name
	}
	return t.String()
}

// printJSON prints an indented JSON document.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
