// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/tools/txtar"
)

//go:embed standins.txtar
var standins []byte

// goModules are the Bazel modules that come as Go modules, with the digests (go.sum's h1) that
// their sources must have.
var goModules = []struct{ name, path, version, sum string }{
	{"rules_go", "github.com/bazelbuild/rules_go", "v0.60.0", "h1:apGSxTTrFUyLNvX9NQmF4CbntWAO0/S5eALeVgB/6Qk="},
	{"gazelle", "github.com/bazelbuild/bazel-gazelle", "v0.47.0", "h1:g3Rr1ZbkC1Pk20aOgBITxSD/efS1WbaSty5jC786Z3Q="},
}

// sources gathers the source trees of all modules that can be offered.
type sources struct{ share, goroot string }

// gatherOnce fills dir with one directory a module, or leaves dir alone if it is there.
func (s sources) gatherOnce(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	tmp := dir + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	for _, gather := range []func(string) error{s.debianModules, fetchGoModules, writeStandIns, s.linkGoSDK} {
		if err := gather(tmp); err != nil {
			return err
		}
	}
	return os.Rename(tmp, dir)
}

// debianModules copies the rule sets of Debian's bazel-* packages.
func (s sources) debianModules(dir string) error {
	found, err := filepath.Glob(s.share + "/*/*/MODULE.bazel")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("finding Debian's Bazel modules: no */*/MODULE.bazel below %s", s.share)
	}
	for _, path := range found {
		name, err := moduleName(path)
		if err != nil {
			return err
		}
		if err := copyTree(filepath.Join(dir, name), filepath.Dir(path)); err != nil {
			return fmt.Errorf("copying module %s: %w", name, err)
		}
	}
	return nil
}

func fetchGoModules(dir string) error {
	for _, m := range goModules {
		from, err := downloadGoModule(m.path, m.version, m.sum)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, m.name)
		if err := copyTree(to, from); err != nil {
			return fmt.Errorf("copying module %s: %w", m.name, err)
		}
		if err := restoreExecBits(to); err != nil {
			return err
		}
	}
	return vendorGazelle(filepath.Join(dir, "gazelle"))
}

// downloadGoModule returns the directory of the Go module cache that holds the module.
func downloadGoModule(path, version, sum string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", path+"@"+version)
	cmd.Dir = os.TempDir()
	output, err := cmd.Output()
	var got struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(output, &got); jsonErr != nil {
		return "", fmt.Errorf("downloading Go module %s@%s: %w", path, version, err)
	}
	if got.Error != "" {
		return "", fmt.Errorf("downloading Go module %s@%s: %s", path, version, got.Error)
	}
	if got.Sum != sum {
		return "", fmt.Errorf("downloading Go module %s@%s: digest is %s, want %s", path, version, got.Sum, sum)
	}
	return got.Dir, nil
}

// vendorGazelle makes gazelle's vendor directory, which its release archives carry and Go
// modules never do: gazelle compiles its own repository tool from it. -e: packages under its
// testdata import modules that do not exist.
func vendorGazelle(dir string) error {
	cmd := exec.Command("go", "mod", "vendor", "-e")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("vendoring gazelle's dependencies: %w\n%s", err, output)
	}
	if _, err := os.Stat(dir + "/vendor/modules.txt"); err != nil {
		return fmt.Errorf("vendoring gazelle's dependencies: %w\n%s", err, output)
	}
	return nil
}

func writeStandIns(dir string) error {
	for _, file := range txtar.Parse(standins).Files {
		path := filepath.Join(dir, file.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(file.Data, []byte("#!")) {
			mode = 0o755
		}
		if err := os.WriteFile(path, file.Data, mode); err != nil {
			return err
		}
	}
	return nil
}

// linkGoSDK makes the Go installation a module, go_sdk_world, that rules_go can wrap as its SDK.
func (s sources) linkGoSDK(dir string) error {
	entries, err := os.ReadDir(s.goroot)
	if err != nil {
		return fmt.Errorf("reading the Go installation: %w", err)
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(s.goroot, e.Name()), filepath.Join(dir, "go_sdk_world", e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// copyTree copies a tree that may be read-only and hold dangling links.
func copyTree(to, from string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if output, err := exec.Command("cp", "--recursive", "--no-target-directory", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	output, err := exec.Command("chmod", "-R", "u+w", to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

// restoreExecBits marks scripts executable: Go module archives carry no modes.
func restoreExecBits(dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		script, err := isScript(path)
		if err != nil || !script {
			return err
		}
		return os.Chmod(path, 0o755)
	})
}

func isScript(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var head [2]byte
	n, _ := f.Read(head[:])
	return string(head[:n]) == "#!", nil
}
