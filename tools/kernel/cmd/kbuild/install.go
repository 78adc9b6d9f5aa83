// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/merkle/modules/order"
)

type installOptions struct {
	sealed, release, order, builtin, builtinInfo, systemMap string
	compression, label, out, tar, wantRelease, prefix       string
	boot                                                    []string
}

// compressors are what Kbuild runs for the kernel to decompress (scripts/Makefile.modinst).
var compressors = map[string]struct {
	suffix  string
	command []string
}{
	"none": {},
	"gzip": {".gz", []string{"gzip", "--no-name", "--force"}},
	"xz":   {".xz", []string{"xz", "--check=crc32", "--lzma2=dict=1MiB", "--threads=1", "--force"}},
	"zstd": {".zst", []string{"zstd", "--rm", "--force", "--quiet", "--single-thread"}},
}

func newInstall() *cobra.Command {
	o := &installOptions{}
	cmd := &cobra.Command{
		Use:   "install --sealed DIR --release FILE --modules-order FILE ... (--out DIR | --tar FILE)",
		Short: "Install sealed modules as lib/modules/RELEASE",
		Long: `Write lib/modules/RELEASE, as make modules_install does: modules, maybe compressed, the lists that
Kbuild made, and what depmod makes of them; and files such as the kernel into boot.`,
		Example: `  kbuild install --sealed sealed --release kernel.release --modules-order modules.order \
    --modules-builtin modules.builtin --modules-builtin-modinfo modules.builtin.modinfo \
    --system-map System.map --out root`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.sealed, "sealed", "", "folder with sealed modules, as modhash seal writes it")
	flags.StringVar(&o.release, "release", "", "file with the kernel's release")
	flags.StringVar(&o.order, "modules-order", "", "modules.order of the kernel build")
	flags.StringVar(&o.builtin, "modules-builtin", "", "modules.builtin of the kernel build")
	flags.StringVar(&o.builtinInfo, "modules-builtin-modinfo", "", "modules.builtin.modinfo of the kernel build")
	flags.StringVar(&o.systemMap, "system-map", "", "System.map of the kernel build")
	flags.StringVar(&o.wantRelease, "want-release", "", "fail if the kernel's release is another one")
	flags.StringArrayVar(&o.boot, "boot", nil, "`NAME=FILE`: install a file as boot/NAME-RELEASE")
	flags.StringVar(&o.prefix, "prefix", "", "folder that lib/modules is in, such as usr where /lib is a link to usr/lib")
	flags.StringVar(&o.compression, "compression", "none", "gzip, none, xz or zstd")
	flags.StringVar(&o.out, "out", "", "folder to write lib/modules/RELEASE into")
	flags.StringVar(&o.tar, "tar", "", "tar to write it into")
	registerLabel(cmd, &o.label)
	require(cmd, "sealed", "release", "modules-order", "modules-builtin", "modules-builtin-modinfo", "system-map")
	cmd.MarkFlagsOneRequired("out", "tar")
	cmd.MarkFlagsMutuallyExclusive("out", "tar")
	return cmd
}

func (o *installOptions) run(ctx context.Context) error {
	if _, ok := compressors[o.compression]; !ok {
		return fmt.Errorf("%s: compression: got %q, want gzip, none, xz or zstd", o.label, o.compression)
	}
	return inWorkspace(o.out+o.tar, func(dir string) error {
		root := filepath.Join(dir, "root")
		if err := o.install(ctx, root); err != nil {
			return fmt.Errorf("%s: %w", o.label, err)
		}
		r := &results{}
		return r.finish(ctx, o.write(ctx, r, root))
	})
}

func (o *installOptions) install(ctx context.Context, root string) error {
	text, err := os.ReadFile(o.release)
	if err != nil {
		return err
	}
	release := strings.TrimSpace(string(text))
	if release == "" || strings.Contains(release, "/") {
		return fmt.Errorf("%s: got %q, want a kernel release", o.release, release)
	}
	if o.wantRelease != "" && o.wantRelease != release {
		return fmt.Errorf("release: got %q, but the kernel's release is %q, as uname -r prints it. Next: set one of the two (CONFIG_LOCALVERSION is part of the kernel's)",
			o.wantRelease, release)
	}
	if err := o.copyBoot(root, release); err != nil {
		return err
	}
	if !filepath.IsLocal(path.Join(o.prefix, "lib")) {
		return fmt.Errorf("prefix: got %q, want a relative path without '..'", o.prefix)
	}
	base := filepath.Join(root, o.prefix)
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

func (o *installOptions) copyBoot(root, release string) error {
	files, err := pairs("boot", o.boot)
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

// copyModules returns the install paths of the sealed modules, sorted.
func (o *installOptions) copyModules(ctx context.Context, to string) ([]string, error) {
	var installed []string
	err := forEachFile(o.sealed, func(path string, _ fs.FileInfo) error {
		installed = append(installed, filepath.ToSlash(path))
		return copyInto(to, map[string]string{filepath.Join(o.sealed, path): path})
	})
	if err != nil {
		return nil, err
	}
	return installed, o.compress(ctx, to, installed)
}

func (o *installOptions) compress(ctx context.Context, dir string, modules []string) error {
	command := compressors[o.compression].command
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

// writeLists writes the lists that depmod and kmod read. Modules from elsewhere are not in
// modules.order, as with make modules_install.
func (o *installOptions) writeLists(dir string, installed []string) error {
	text, err := os.ReadFile(o.order)
	if err != nil {
		return err
	}
	var installedOrder strings.Builder
	for _, module := range order.Parse(string(text)) {
		if path := path.Join("kernel", module); slices.Contains(installed, path) {
			fmt.Fprintln(&installedOrder, path)
		}
	}
	err = copyInto(dir, map[string]string{o.builtin: "modules.builtin", o.builtinInfo: "modules.builtin.modinfo"})
	return errors.Join(err, os.WriteFile(filepath.Join(dir, "modules.order"), []byte(installedOrder.String()), 0o644))
}

func (o *installOptions) runDepmod(ctx context.Context, base, release string) error {
	systemMap, err := filepath.Abs(o.systemMap)
	if err != nil {
		return err
	}
	tree := &kmake.Tree{Dir: base}
	return tree.Run(ctx, "depmod", "--basedir", base, "--errsyms", "--filesyms", systemMap, release)
}

func (o *installOptions) write(ctx context.Context, r *results, root string) error {
	if o.tar != "" {
		return r.set.CreateFile(o.tar, func(w io.Writer) error { return writeTar(writer{ctx, w}, root) })
	}
	dir, err := r.set.Dir(o.out)
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

// forEach visits folders and files below root in order of their paths.
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

// writeTar writes folders and files in order of their paths, owned by root, with one time stamp.
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
