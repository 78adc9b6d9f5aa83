// SPDX-License-Identifier: Apache-2.0

package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rules_modhash/tools/cli/output"
	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

// Common is what all actions that run Kbuild have.
type Common struct {
	// Target is what the kernel is built for and with.
	Target kmake.Target
	// Label is the build target that messages name.
	Label string
}

// inWorkspace calls do with a new directory next to an output, and removes the directory afterwards. It is
// an absolute path without symbolic links, as programs see it.
func inWorkspace(out string, do func(dir string) error) error {
	parent, err := filepath.Abs(filepath.Dir(out))
	if err != nil {
		return err
	}
	if parent, err = filepath.EvalSymlinks(parent); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(parent, ".kbuild.*")
	if err != nil {
		return fmt.Errorf("making a working directory: %w", err)
	}
	return errors.Join(do(dir), os.RemoveAll(dir))
}

// unpackTree unpacks archives, one over the other, into dir/linux: the files that builds for the target may read.
func (c *Common) unpackTree(ctx context.Context, dir string, archives ...string) (*kmake.Tree, error) {
	if err := c.Target.Check(); err != nil {
		return nil, err
	}
	tree := &kmake.Tree{Target: c.Target, Dir: filepath.Join(dir, "linux")}
	tree.Stamp = time.Now().Truncate(time.Second)
	if err := tree.MapRust(); err != nil {
		return nil, err
	}
	for _, archive := range archives {
		if err := unpack(ctx, archive, tree, c.Target.Uses); err != nil {
			return nil, fmt.Errorf("unpacking %s: %w", archive, err)
		}
	}
	return tree, nil
}

func unpack(ctx context.Context, archive string, tree *kmake.Tree, wanted func(string) bool) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	return treearchive.Unpack(reader{ctx, file}, tree.Dir, tree.Stamp, wanted)
}

// linkedVmlinux is the file of a tree that Kbuild links, and that types of modules are based on. Newer versions of Linux
// make vmlinux from it; older ones, such as 6.12, link vmlinux itself, and drop its relocations right after that.
func linkedVmlinux(dir string) (string, error) {
	makefile, err := os.ReadFile(filepath.Join(dir, "scripts/Makefile.vmlinux"))
	if err != nil {
		return "", err
	}
	if bytes.Contains(makefile, []byte(kmake.Unstripped)) {
		return kmake.Unstripped, nil
	}
	return "vmlinux", nil
}

// copyVmlinux stages copies of vmlinux and of what was linked. An empty output is not wanted.
func (r *results) copyVmlinux(vmlinux, unstripped string) error {
	linked, err := linkedVmlinux(r.dir)
	if err != nil {
		return err
	}
	return errors.Join(r.copyAll(map[string]string{"vmlinux": vmlinux}), r.copyAll(map[string]string{linked: unstripped}))
}

// results stages outputs that are copies of a tree's files.
type results struct {
	set output.Set
	dir string
}

// copyAll stages copies: from a path in the tree to an output. An empty output is not wanted.
func (r *results) copyAll(files map[string]string) error {
	for from, to := range files {
		if to == "" {
			continue
		}
		if err := r.copy(filepath.Join(r.dir, from), to); err != nil {
			return err
		}
	}
	return nil
}

func (r *results) copy(from, to string) error {
	file, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("requested, but not made by Kbuild: %w", err)
	}
	defer file.Close()
	return r.set.CreateFile(to, func(w io.Writer) error {
		_, err := io.Copy(w, file)
		return err
	})
}

// createAll stages files that are written at the same time.
func (r *results) createAll(ctx context.Context, outs []string, write func([]io.Writer) error) error {
	writers := make([]io.Writer, 0, len(outs))
	var next func() error
	next = func() error {
		if len(writers) == len(outs) {
			return write(writers)
		}
		return r.set.CreateFile(outs[len(writers)], func(w io.Writer) error {
			writers = append(writers, writer{ctx, w})
			return next()
		})
	}
	return next()
}

// finish commits what was staged, or discards it if there was an error or the context has ended.
func (r *results) finish(ctx context.Context, err error) error {
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return errors.Join(err, r.set.Discard())
	}
	return r.set.Commit()
}

// pairs splits KEY=VALUE arguments.
func pairs(flag string, args []string) ([][2]string, error) {
	var split [][2]string
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" || value == "" {
			return nil, fmt.Errorf("--%s: got %q, want PATH=FILE", flag, arg)
		}
		split = append(split, [2]string{key, value})
	}
	return split, nil
}
