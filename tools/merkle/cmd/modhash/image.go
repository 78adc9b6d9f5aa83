// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/cli/output"
	"rules_modhash/tools/ipe"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/moduleimage"
)

func newImage(dir directory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image (write | show)",
		Short: "Write module images: the modules of a kernel in a volume with one root hash",
		Long: `Work with module images: an EROFS file system with lib/modules/RELEASE, and after it a
dm-verity hash tree, in one file. With the root hash in a policy of Integrity Policy
Enforcement (modhash policy), an unmodified kernel takes modules from this volume alone.
modhash verify --image checks an image.` + exitCodesHelp,
		Example: `  modhash image write --out modules.img /lib/modules/$(uname -r)
  modhash image show modules.img`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no subcommand given, see modhash image --help")
		},
	}
	cmd.AddCommand(newImageWrite(dir), newImageShow(dir))
	return cmd
}

func newImageWrite(dir directory) *cobra.Command {
	out, rootHash, root, quiet := "", "", "", false
	cmd := &cobra.Command{
		Use:   "write --out FILE [--root-hash FILE] (DIR | --install-root DIR)",
		Short: "Write a module image of lib/modules/RELEASE",
		Long: `Write a module image of DIR, which becomes the root of the file system: lib/modules/RELEASE,
with the files that depmod writes. The bytes depend on the names and contents of the files
alone. Links to files become files. Links to directories (build, source) are errors.

With --install-root, DIR is the root of an installation with the modules of one kernel: make
INSTALL_MOD_PATH=DIR modules_install.` + exitCodesHelp,
		Example: `  modhash image write --out modules.img /lib/modules/$(uname -r)`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return errors.New("--out is required")
			}
			from, err := releaseDirectory(dir, args, root)
			if err != nil {
				return err
			}
			image, err := writeImage(cmd.Context(), from, out, rootHash)
			if err != nil || quiet {
				return err
			}
			return printImage(cmd.OutOrStdout(), image)
		},
	}
	cmd.Flags().BoolVar(&quiet, "quiet", false, "do not print root hash and sizes")
	dir.pathVar(cmd.Flags(), &root, "install-root", "directory with lib/modules/RELEASE, or usr/lib/modules/RELEASE, for one RELEASE")
	cmd.Flags().VarP(&pathFlag{dir, &out}, "out", "o", "file for the image (required)")
	dir.pathVar(cmd.Flags(), &rootHash, "root-hash", "file for the root hash, as policies have it: sha256:HEX")
	return cmd
}

// releaseDirectory returns the directory lib/modules/RELEASE that is meant.
func releaseDirectory(dir directory, args []string, root string) (string, error) {
	if (len(args) == 1) == (root != "") {
		return "", errors.New("one of DIR and --install-root is required")
	}
	if root == "" {
		return dir.resolve(args[0]), nil
	}
	var found []string
	for _, pattern := range []string{"lib/modules/*", "usr/lib/modules/*"} {
		matches, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return "", err
		}
		found = append(found, matches...)
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s: got %d directories lib/modules/RELEASE, want one", root, len(found))
	}
	return found[0], nil
}

func writeImage(ctx context.Context, from, out, rootHash string) (image moduleimage.Image, err error) {
	count, err := countModules(os.DirFS(from))
	if err != nil {
		return image, fmt.Errorf("%s: %w", from, err)
	}
	if count == 0 {
		return image, fmt.Errorf("%s: got no module, want lib/modules/RELEASE", from)
	}
	err = withOutputs(func(outputs *output.Set) error {
		err := outputs.CreateSeekable(out, func(f *os.File) (err error) {
			image, err = moduleimage.Write(ctx, f, from)
			return err
		})
		if err == nil && rootHash != "" {
			err = outputs.WriteFile(rootHash, []byte(image.RootHash.String()+"\n"))
		}
		return err
	})
	return image, err
}

// countModules counts the files with the name of a module.
func countModules(files fs.FS) (int, error) {
	count := 0
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && module.HasModuleName(path) {
			count++
		}
		return err
	})
	return count, err
}

// imageReport is the JSON form of a module image.
type imageReport struct {
	RootHash  string `json:"root_hash"`
	DataSize  int64  `json:"data_size"`
	HashStart int64  `json:"hash_start_block"`
	Size      int64  `json:"size"`
	Table     string `json:"table"`
}

func newImageShow(dir directory) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "show [--json] IMAGE",
		Short: "Print root hash and parameters of a module image",
		Long: `Print the root hash of a module image, its sizes, and how to set the volume up with the image on
the device DEVICE: the table, for dmsetup or the parameter dm-mod.create of the kernel, and the
command, by veritysetup. It reads the root hash from the hash tree, and does not check the tree: use
modhash verify --image.` + exitCodesHelp,
		Example: `  modhash image show modules.img`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			image, err := moduleimage.Open(dir.resolve(args[0]))
			if err != nil {
				return err
			}
			defer image.Close()
			if asJSON {
				return printJSON(cmd.OutOrStdout(), imageReport{
					image.RootHash.String(), image.DataSize, image.HashStart(), image.Size, image.Table("DEVICE"),
				})
			}
			return printImage(cmd.OutOrStdout(), image.Image)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printImage(w io.Writer, image moduleimage.Image) error {
	_, err := fmt.Fprintf(w, "root hash    %s\nfile system  %d bytes\nimage        %d bytes\ntable        %s\ncommand      %s\n",
		image.RootHash, image.DataSize, image.Size, image.Table("DEVICE"), image.Command("DEVICE"))
	return err
}

// verifyImage checks each byte of a module image, and that its root hash is the one that is wanted.
func (o *verifyOptions) verifyImage(cmd *cobra.Command, args []string) error {
	if o.image == "" || o.rootHash == "" || len(args) > 0 {
		return errors.New("--image and --root-hash belong together, and take no PATH")
	}
	want, err := parseRootHash(o.rootHash)
	if err != nil {
		return err
	}
	image, err := moduleimage.Open(o.image)
	if err != nil {
		return err
	}
	defer image.Close()
	count, err := checkImage(image, want)
	if err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), err)
		return cli.ErrCheckFailed
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "root hash %s, modules %d\n", image.RootHash, count)
	return err
}

// checkImage returns the number of modules in an image.
func checkImage(image *moduleimage.Reader, want ipe.Digest) (int, error) {
	if err := image.Verify(); err != nil {
		return 0, err
	}
	if image.RootHash != want {
		return 0, fmt.Errorf("%s: got the root hash %s, want %s", image.Name(), image.RootHash, want)
	}
	files, err := image.Files()
	if err != nil {
		return 0, err
	}
	count, err := countModules(files)
	if err == nil && count == 0 {
		err = fmt.Errorf("%s: got no module, want one", image.Name())
	}
	return count, err
}
