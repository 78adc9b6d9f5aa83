// SPDX-License-Identifier: Apache-2.0

package action

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/merkle/modules/order"
)

// Install is the action that installs modules, as make modules_install does.
type Install struct {
	// Sealed is a directory with sealed modules at their install paths, or empty.
	Sealed string
	// Modules are modules without a proof, as INSTALL_PATH=FILE.
	Modules []string
	// Release is a file with the kernel's release; the others are lists that the kernel build wrote.
	Release, Order, Builtin, BuiltinInfo, SystemMap string
	// WantRelease is the release that the kernel must have, or empty.
	WantRelease string
	// Compression is "none", or the name of one of the compressions of modules.
	Compression string
	// Prefix is the directory that lib/modules is in, relative to Out.
	Prefix string
	// Boot are files to install as boot/NAME-RELEASE, as NAME=FILE.
	Boot []string
	// Out is the directory, Tar the archive to write. One of them is empty.
	Out, Tar string
	// Label is the target that messages name.
	Label string
}

// compressors are what Kbuild runs for the kernel to decompress (scripts/Makefile.modinst), by the names of package
// codec.
var compressors = map[string][]string{
	"none": nil,
	"gzip": {"gzip", "--no-name", "--force"},
	"xz":   {"xz", "--check=crc32", "--lzma2=dict=1MiB", "--threads=1", "--force"},
	"zstd": {"zstd", "--rm", "--force", "--quiet", "--single-thread"},
}

// Compressions returns the values of Install.Compression, in bytewise order.
func Compressions() []string { return slices.Sorted(maps.Keys(compressors)) }

// Run installs, and writes all of it or nothing.
func (o *Install) Run(ctx context.Context) error {
	if _, ok := compressors[o.Compression]; !ok {
		return fmt.Errorf("%s: compression: got %q, want one of %s",
			o.Label, o.Compression, strings.Join(Compressions(), ", "))
	}
	return inWorkspace(o.Out+o.Tar, func(dir string) error {
		root := filepath.Join(dir, "root")
		if err := o.install(ctx, root); err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
		r := &results{}
		return r.finish(ctx, o.write(ctx, r, root))
	})
}

func (o *Install) install(ctx context.Context, root string) error {
	text, err := os.ReadFile(o.Release)
	if err != nil {
		return err
	}
	release := strings.TrimSpace(string(text))
	if release == "" || strings.Contains(release, "/") {
		return fmt.Errorf("%s: got %q, want a kernel release", o.Release, release)
	}
	if o.WantRelease != "" && o.WantRelease != release {
		return fmt.Errorf("release: got %q, but the kernel's release is %q, as uname -r prints it. Next: set one of the two (CONFIG_LOCALVERSION is part of the kernel's)",
			o.WantRelease, release)
	}
	if err := o.copyBoot(root, release); err != nil {
		return err
	}
	if !filepath.IsLocal(path.Join(o.Prefix, "lib")) {
		return fmt.Errorf("prefix: got %q, want a relative path without '..'", o.Prefix)
	}
	base := filepath.Join(root, o.Prefix)
	modules := filepath.Join(base, "lib/modules", release)
	installed, err := o.copyModules(ctx, modules)
	if err != nil {
		return err
	}
	if err := o.writeLists(modules, installed); err != nil {
		return err
	}
	return o.runDepmod(ctx, base, release)
}

func (o *Install) copyBoot(root, release string) error {
	files, err := pairs("boot", o.Boot)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := copyInto(root, map[string]string{file[1]: path.Join("boot", file[0]+"-"+release)}); err != nil {
			return err
		}
	}
	return nil
}

// copyModules returns the install paths of the modules, sorted.
func (o *Install) copyModules(ctx context.Context, to string) ([]string, error) {
	files, err := o.modules()
	if err != nil {
		return nil, err
	}
	installed := slices.Sorted(maps.Keys(files))
	for _, path := range installed {
		if err := copyInto(to, map[string]string{files[path]: path}); err != nil {
			return nil, err
		}
	}
	return installed, o.compress(ctx, to, installed)
}

// modules returns the files to install, by their install paths.
func (o *Install) modules() (map[string]string, error) {
	files := map[string]string{}
	modules, err := pairs("module", o.Modules)
	if err != nil {
		return nil, err
	}
	for _, module := range modules {
		if !filepath.IsLocal(module[0]) || path.Clean(module[0]) != module[0] {
			return nil, fmt.Errorf("module: got the install path %q, want a clean relative one", module[0])
		}
		files[module[0]] = module[1]
	}
	if o.Sealed == "" {
		return files, nil
	}
	return files, forEachFile(o.Sealed, func(path string, _ fs.FileInfo) error {
		files[filepath.ToSlash(path)] = filepath.Join(o.Sealed, path)
		return nil
	})
}

func (o *Install) compress(ctx context.Context, dir string, modules []string) error {
	command := compressors[o.Compression]
	if command == nil {
		return nil
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, module := range modules {
		g.Go(func() error {
			tree := &kmake.Tree{Dir: dir}
			return tree.Run(ctx, command[0], append(slices.Clone(command[1:]), module)...)
		})
	}
	return g.Wait()
}

// writeLists writes the lists that depmod and kmod read. Out-of-tree modules are not in
// modules.order, as with make modules_install.
func (o *Install) writeLists(dir string, installed []string) error {
	text, err := os.ReadFile(o.Order)
	if err != nil {
		return err
	}
	var installedOrder strings.Builder
	for _, module := range order.Parse(string(text)) {
		if path := path.Join("kernel", module); slices.Contains(installed, path) {
			fmt.Fprintln(&installedOrder, path)
		}
	}
	err = copyInto(dir, map[string]string{o.Builtin: "modules.builtin", o.BuiltinInfo: "modules.builtin.modinfo"})
	return errors.Join(err, os.WriteFile(filepath.Join(dir, "modules.order"), []byte(installedOrder.String()), 0o644))
}

func (o *Install) runDepmod(ctx context.Context, base, release string) error {
	systemMap, err := filepath.Abs(o.SystemMap)
	if err != nil {
		return err
	}
	tree := &kmake.Tree{Dir: base}
	return tree.Run(ctx, "depmod", "--basedir", base, "--errsyms", "--filesyms", systemMap, release)
}

func (o *Install) write(ctx context.Context, r *results, root string) error {
	if o.Tar != "" {
		return r.set.CreateFile(o.Tar, func(w io.Writer) error { return writeTar(writer{ctx, w}, root) })
	}
	dir, err := r.set.Dir(o.Out)
	if err != nil {
		return err
	}
	return forEachFile(root, func(path string, _ fs.FileInfo) error {
		data, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		return dir.Create(filepath.ToSlash(path), func(w io.Writer) error {
			_, err := writer{ctx, w}.Write(data)
			return err
		})
	})
}

// forEachFile visits files in order of their paths.
func forEachFile(root string, visit func(path string, info fs.FileInfo) error) error {
	return forEach(root, func(path string, info fs.FileInfo) error {
		if info.IsDir() {
			return nil
		}
		return visit(path, info)
	})
}

// forEach visits directories and files below root in order of their paths.
func forEach(root string, visit func(path string, info fs.FileInfo) error) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return visit(relative, info)
	})
}

// writeTar writes directories and files in order of their paths, owned by root, with one timestamp.
func writeTar(w io.Writer, root string) error {
	archive := tar.NewWriter(w)
	err := forEach(root, func(path string, info fs.FileInfo) error {
		header := &tar.Header{Name: filepath.ToSlash(path), ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
		if info.IsDir() {
			header.Name, header.Mode = header.Name+"/", 0o755
			return archive.WriteHeader(header)
		}
		data, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		header.Mode, header.Size = 0o644, int64(len(data))
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err = archive.Write(data)
		return err
	})
	return errors.Join(err, archive.Close())
}
