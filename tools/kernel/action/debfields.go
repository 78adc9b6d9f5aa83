// SPDX-License-Identifier: Apache-2.0

package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// DebFields is the action that writes what a Debian package states about a kernel's release.
type DebFields struct {
	// Release is a file with the kernel's release.
	Release string
	// Version is the output for the release as a Debian version, or empty.
	Version string
	// Script is a maintainer script with one line release=..., and ScriptOut the output for it with the release in
	// that line. Both are empty if no script is wanted.
	Script, ScriptOut string
	// Label is the target that messages name.
	Label string
}

// releasePattern is what a release may be that becomes a word of a shell script.
var releasePattern = regexp.MustCompile(`^[0-9][0-9A-Za-z.+~_-]*$`)

// releaseLine is the line of the maintainer script that takes the release from the package's name.
var releaseLine = regexp.MustCompile(`(?m)^release=.*$`)

// Run writes the outputs, all of them or none.
func (o *DebFields) Run(ctx context.Context) error {
	r := &results{}
	if err := r.finish(ctx, o.write(r)); err != nil {
		return fmt.Errorf("%s: %w", o.Label, err)
	}
	return nil
}

// write stages what is asked for.
func (o *DebFields) write(r *results) error {
	text, err := os.ReadFile(o.Release)
	if err != nil {
		return err
	}
	release := strings.TrimSpace(string(text))
	if !releasePattern.MatchString(release) {
		return fmt.Errorf("%s: got %q, want a kernel release of letters, digits, '.', '+', '~', '_' and '-'", o.Release, release)
	}
	return errors.Join(o.writeVersion(r, release), o.writeScript(r, release))
}

func (o *DebFields) writeVersion(r *results, release string) error {
	if o.Version == "" {
		return nil
	}
	return r.set.WriteFile(o.Version, []byte(strings.ReplaceAll(release, "_", ".")+"\n"))
}

func (o *DebFields) writeScript(r *results, release string) error {
	if o.ScriptOut == "" {
		return nil
	}
	script, err := os.ReadFile(o.Script)
	if err != nil {
		return err
	}
	if n := len(releaseLine.FindAll(script, -1)); n != 1 {
		return fmt.Errorf("%s: got %d lines release=..., want one", o.Script, n)
	}
	line := []byte("release=" + release)
	return r.set.WriteFile(o.ScriptOut, bytes.Replace(script, releaseLine.Find(script), line, 1))
}
