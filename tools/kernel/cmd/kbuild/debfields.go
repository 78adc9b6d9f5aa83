// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

type debFieldsOptions struct {
	label, release, version, script, scriptOut string
}

// releasePattern is what a release may be that becomes a word of a shell script.
var releasePattern = regexp.MustCompile(`^[0-9][0-9A-Za-z.+~_-]*$`)

// releaseLine is the line of the maintainer script that takes the release from the package's name.
var releaseLine = regexp.MustCompile(`(?m)^release=.*$`)

func newDebFields() *cobra.Command {
	o := &debFieldsOptions{}
	cmd := &cobra.Command{
		Use:   "deb-fields --release FILE [--version-out FILE] [--script FILE --script-out FILE]",
		Short: "Write what a Debian package says about a kernel's release",
		Long: `Write the release as a version of Debian's, whose characters are fewer ('_' becomes '.'), and a maintainer
script whose line release=... has the release, for packages that are not named after it.`,
		Example: `  kbuild deb-fields --release kernel.release --version-out version`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.release, "release", "", "file with the kernel's release")
	flags.StringVar(&o.version, "version-out", "", "file for the version")
	flags.StringVar(&o.script, "script", "", "maintainer script with a line release=...")
	flags.StringVar(&o.scriptOut, "script-out", "", "file for the script with the release in that line")
	registerLabel(cmd, &o.label)
	require(cmd, "release")
	cmd.MarkFlagsRequiredTogether("script", "script-out")
	return cmd
}

func (o *debFieldsOptions) run(ctx context.Context) error {
	r := &results{}
	if err := r.finish(ctx, o.write(r)); err != nil {
		return fmt.Errorf("%s: %w", o.label, err)
	}
	return nil
}

// write stages what is asked for.
func (o *debFieldsOptions) write(r *results) error {
	text, err := os.ReadFile(o.release)
	if err != nil {
		return err
	}
	release := strings.TrimSpace(string(text))
	if !releasePattern.MatchString(release) {
		return fmt.Errorf("%s: got %q, want a kernel release of letters, digits, '.', '+', '~', '_' and '-'", o.release, release)
	}
	return errors.Join(o.writeVersion(r, release), o.writeScript(r, release))
}

func (o *debFieldsOptions) writeVersion(r *results, release string) error {
	if o.version == "" {
		return nil
	}
	return r.set.WriteFile(o.version, []byte(strings.ReplaceAll(release, "_", ".")+"\n"))
}

func (o *debFieldsOptions) writeScript(r *results, release string) error {
	if o.scriptOut == "" {
		return nil
	}
	script, err := os.ReadFile(o.script)
	if err != nil {
		return err
	}
	if n := len(releaseLine.FindAll(script, -1)); n != 1 {
		return fmt.Errorf("%s: got %d lines release=..., want one", o.script, n)
	}
	line := []byte("release=" + release)
	return r.set.WriteFile(o.scriptOut, bytes.Replace(script, releaseLine.Find(script), line, 1))
}
