// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli/release"
	"rules_modhash/tools/merkle/tree"
)

// addVersion adds --version, without the short -v that cobra would give it.
func addVersion(root *cobra.Command) {
	root.Version = release.Version
	text := fmt.Sprintf("modhash %s\ntree format %d\n", release.Version, tree.FormatVersion)
	if commit := release.Commit(); commit != "" {
		text += "commit " + commit + "\n"
	}
	root.SetVersionTemplate(text)
	root.Flags().Bool("version", false, "print the release, and the version of the tree format")
}

// addCompletion adds cobra's command completion, to which a missing or unknown shell is an error, as to the commands here.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.RunE = func(*cobra.Command, []string) error {
				return errors.New("no shell given, want bash, fish, powershell or zsh")
			}
		}
	}
}
