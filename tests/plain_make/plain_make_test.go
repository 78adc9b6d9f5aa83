// SPDX-License-Identifier: Apache-2.0

// Package plain_make holds what the kernel patches do without Bazel: make builds the tree over the
// modules, and make modules_install seals them. It goes on from the objects of the example's kernel,
// so that little is compiled.
package plain_make

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rules_modhash/tests/private/runfile"
	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

const dummy = "drivers/net/dummy"

// kernel is a source tree with objects in it.
type kernel struct {
	*testing.T
	tree    *kmake.Tree
	modhash string
}

func unpack(t *testing.T) *kernel {
	t.Helper()
	tree := &kmake.Tree{
		Target: kmake.Target{Machine: "x86_64", Compiler: "gcc"},
		Dir:    filepath.Join(t.TempDir(), "linux"),
		Stamp:  time.Now().Truncate(time.Second),
	}
	for _, archive := range archives(t) {
		file, err := os.Open(archive)
		if err != nil {
			t.Fatal(err)
		}
		err = treearchive.Unpack(file, tree.Dir, tree.Stamp, tree.Uses)
		file.Close()
		if err != nil {
			t.Fatalf("unpacking %s: %v", archive, err)
		}
	}
	addTrustedKeys(t, tree)
	return &kernel{T: t, tree: tree, modhash: runfile.Path(t, "MODHASH")}
}

// addTrustedKeys adds the file with the certificates, which make asks for the timestamp of: the shard has read it.
func addTrustedKeys(t *testing.T, tree *kmake.Tree) {
	t.Helper()
	path := filepath.Join(tree.Dir, "certs/rules_modhash_trusted.pem")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, tree.Stamp, tree.Stamp); err != nil {
		t.Fatal(err)
	}
}

// archives returns the source, and all that the actions of the kernel's build made of it.
func archives(t *testing.T) []string {
	t.Helper()
	kernel := runfile.Path(t, "KERNEL")
	list := []string{runfile.Path(t, "SOURCE"), runfile.Path(t, "CONFIGURATION"), filepath.Join(kernel, "graph/prepared.tar.zst")}
	for _, kind := range []string{"builtin", "symbols", "modules"} {
		shards := archivesOf(t, filepath.Join(kernel, "graph/objects"), "."+kind+".tar.zst")
		if len(shards) < 10 {
			t.Fatalf("got %d archives of kind %s, want one for each shard", len(shards), kind)
		}
		list = append(list, shards...)
	}
	return append(list, filepath.Join(kernel, "objects.tar.zst"))
}

func archivesOf(t *testing.T, dir, suffix string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, suffix) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// in is the same kernel for another test.
func (k *kernel) in(t *testing.T) *kernel { return &kernel{T: t, tree: k.tree, modhash: k.modhash} }

func (k *kernel) path(name string) string { return filepath.Join(k.tree.Dir, name) }

// make runs make as the kernel was built: with other options, all would be compiled again.
func (k *kernel) make(words ...string) error {
	return k.tree.Make(k.Context(), append([]string{"MODHASH=" + k.modhash}, words...)...)
}

func (k *kernel) mustMake(words ...string) {
	k.Helper()
	if err := k.make(words...); err != nil {
		k.Fatal(err)
	}
}

func (k *kernel) run(args ...string) string {
	k.Helper()
	output, err := exec.Command(k.modhash, args...).CombinedOutput()
	if err != nil {
		k.Fatalf("modhash %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

// root returns the root that a file of the tree carries.
func (k *kernel) root(name string) string { return k.run("root", k.path(name)) }

// install installs the modules, checks them as the kernel would, and returns the directory they are in.
func (k *kernel) install(words ...string) string {
	k.Helper()
	to := k.TempDir()
	k.mustMake(append(words, "INSTALL_MOD_PATH="+to, "modules_install")...)
	directories, err := filepath.Glob(filepath.Join(to, "lib/modules/*"))
	if err != nil || len(directories) != 1 {
		k.Fatalf("got %v, %v in lib/modules, want one directory", directories, err)
	}
	return directories[0]
}

// modules maps the paths of all modules in a directory to their contents.
func (k *kernel) modules(dir string) map[string][]byte {
	k.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".ko" {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		found[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		k.Fatal(err)
	}
	return found
}

func (k *kernel) replace(name, old, new string) {
	k.Helper()
	text, err := os.ReadFile(k.path(name))
	if err != nil {
		k.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		k.Fatalf("%s: there is no %q", name, old)
	}
	if err := os.WriteFile(k.path(name), []byte(strings.ReplaceAll(string(text), old, new)), 0o644); err != nil {
		k.Fatal(err)
	}
}

func TestPlainMake(t *testing.T) {
	k := unpack(t)
	for _, test := range []struct {
		name string
		run  func(*kernel)
	}{
		{"the tree is the one that Bazel makes", testTree},
		{"the kernel is the one that Bazel makes without a link", testKernel},
		{"what is installed is what Bazel seals", testInstall},
		{"another value of INSTALL_MOD_STRIP is refused", testOtherStrip},
		{"a module that was deleted is made again", testDeleted},
		{"a module that was changed changes the root", testChanged},
		{"the blank root in place of that of the tree", testBlank},
		{"all compressions of the kernel", testCompressions},
	} {
		if !t.Run(test.name, func(t *testing.T) { test.run(k.in(t)) }) {
			return // each goes on from the one before
		}
	}
}

const strip = "INSTALL_MOD_STRIP=1"

const image = "arch/x86/boot/bzImage"

// made are objects that no shard makes, but the link, or the link of a module.
var made = regexp.MustCompile(`(\.mod|/version-timestamp|^\.module-common|^\.vmlinux\.export|^\.module_hashes_blank|^\.tmp_vmlinux\d\.kallsyms|^arch/x86/boot/.*)\.o$`)

// compiled matches what Kbuild prints of each object that it compiles.
var compiled = regexp.MustCompile(`(?m)^  (?:CC|AS) (?:\[M\])? *(\S+)$`)

func testTree(k *kernel) {
	k.mustMake(strip)
	// Kbuild compares the commands, so it agrees with all objects: with what they are made of, and how.
	for _, object := range compiled.FindAllStringSubmatch(k.tree.Log.String(), -1) {
		if !made.MatchString(object[1]) {
			k.Errorf("make has compiled %s, want the object that a shard made to be up to date", object[1])
		}
	}
	want := k.run("root", runfile.Path(k.T, "TREE"))
	for _, name := range []string{".modhash/tree.pb", "vmlinux", image} {
		if got := k.root(name); got != want {
			k.Errorf("%s: got the root %s, want %s", name, got, want)
		}
	}
}

// testKernel compares with root = "overwrite": plain make writes the root over the blank one, too, when it makes vmlinux from
// vmlinux.unstripped.
func testKernel(k *kernel) {
	dir := runfile.Path(k.T, "KERNEL_WITH_ROOT")
	for _, name := range []string{"vmlinux", image} {
		got, err := os.ReadFile(k.path(name))
		if err != nil {
			k.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(dir, filepath.Base(name)))
		if err != nil {
			k.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			k.Errorf("%s: got another file than Bazel's", name)
		}
	}
}

func testInstall(k *kernel) {
	dir := k.install(strip)
	k.run("verify", "--kernel", k.path(image), dir)
	got, want := k.modules(dir), k.modules(runfile.Path(k.T, "SEALED"))
	if len(want) < 25 || len(got) != len(want) {
		k.Errorf("got %d modules, want %d", len(got), len(want))
	}
	for name, data := range want {
		if !bytes.Equal(got[name], data) {
			k.Errorf("%s: got another file than Bazel's", name)
		}
	}
}

func testOtherStrip(k *kernel) {
	to := k.TempDir()
	err := k.make("INSTALL_MOD_PATH="+to, "modules_install")
	const want = "The modules were hashed with INSTALL_MOD_STRIP='1' and are to be installed with INSTALL_MOD_STRIP=''."
	if err == nil || !strings.Contains(err.Error(), want) {
		k.Errorf("got %v, want %q", err, want)
	}
	if installed := k.modules(to); len(installed) != 0 {
		k.Errorf("got %d modules installed, want none", len(installed))
	}
}

func testDeleted(k *kernel) {
	before := k.root("vmlinux")
	if err := os.Remove(k.path(dummy + ".ko")); err != nil {
		k.Fatal(err)
	}
	// The program is looked for in PATH, too.
	k.Setenv("PATH", filepath.Dir(k.modhash)+":"+os.Getenv("PATH"))
	if err := k.tree.Make(k.Context(), strip); err != nil {
		k.Fatal(err)
	}
	if _, err := os.Stat(k.path(dummy + ".ko")); err != nil {
		k.Error(err)
	}
	if got := k.root("vmlinux"); got != before {
		k.Errorf("got the root %s, want %s as before", got, before)
	}
}

func testChanged(k *kernel) {
	before := k.root("vmlinux")
	k.replace(dummy+".c", "MODULE_LICENSE(", "MODULE_INFO(changed, \"yes\");\nMODULE_LICENSE(")
	if err := k.make("INSTALL_MOD_PATH="+k.TempDir(), strip, "modules"); err != nil {
		k.Fatal(err)
	}
	const want = "The modules have changed since they were hashed: " + dummy + ".ko."
	if err := k.make("INSTALL_MOD_PATH="+k.TempDir(), strip, "modules_install"); err == nil || !strings.Contains(err.Error(), want) {
		k.Errorf("got %v, want %q", err, want)
	}
	k.mustMake(strip)
	if got := k.root(image); got == before || got != k.root(".modhash/tree.pb") {
		k.Errorf("got the root %s, want that of the tree %s, and another than before", got, k.root(".modhash/tree.pb"))
	}
	k.run("verify", "--kernel", k.path(image), k.install(strip))
}

func testBlank(k *kernel) {
	before := k.root("vmlinux")
	k.mustMake(kmake.BlankRoot, "vmlinux")
	if got, blank := k.root("vmlinux"), "0 "+strings.Repeat("0", 64)+"\n"; got != blank {
		k.Errorf("got the root %s, want %s", got, blank)
	}
	k.mustMake(strip)
	if got := k.root("vmlinux"); got != before {
		k.Errorf("got the root %s, want %s as before", got, before)
	}
}

// compressions are those that distributions use for their kernels on x86, in addition to gzip (CONFIG_KERNEL_*).
var compressions = []string{"XZ", "LZ4", "ZSTD"}

func testCompressions(k *kernel) {
	want, last := k.root("vmlinux"), "GZIP"
	for _, name := range compressions {
		k.configure("--disable", "KERNEL_"+last, "--enable", "KERNEL_"+name)
		k.replace(".config", "CONFIG_KERNEL_"+name+"=y\n", "CONFIG_KERNEL_"+name+"=y\n") // it took effect
		k.mustMake(strip, "bzImage")
		if got := k.root(image); got != want {
			k.Errorf("CONFIG_KERNEL_%s: got the root %s, want %s", name, got, want)
		}
		last = name
	}
}

// options are configurations in which the patches leave out one or the other part of themselves.
var options = []struct {
	name    string
	on, off []string
	targets []string
}{
	{"hashes alone", []string{"MODULE_HASHES"}, []string{"MODULE_SIG"}, []string{"kernel/module/", "security/"}},
	{"hashes and signatures, enforced", []string{"MODULE_HASHES", "MODULE_SIG", "MODULE_SIG_FORCE"}, []string{"MODULE_SIG_ALL"},
		[]string{"kernel/module/", "security/"}},
	{"signatures alone", []string{"MODULE_SIG"}, []string{"MODULE_HASHES", "MODULE_SIG_FORCE"}, []string{"kernel/module/", "security/"}},
	{"neither", nil, []string{"MODULE_HASHES", "MODULE_SIG", "SECURITY_LOCKDOWN_LSM"}, []string{"kernel/module/", "security/"}},
	{"no modules", []string{"SECURITY_LOCKDOWN_LSM"}, []string{"MODULES"}, []string{"init/", "security/"}},
}

// TestOptions compiles what the patches touch, with each of their options on and off: without a warning.
func TestOptions(t *testing.T) {
	k := unpack(t)
	k.configure("--enable", "WERROR")
	for _, o := range options {
		t.Run(o.name, func(t *testing.T) {
			k := k.in(t)
			var args []string
			for _, name := range o.off {
				args = append(args, "--disable", name)
			}
			for _, name := range o.on {
				args = append(args, "--enable", name)
			}
			k.configure(args...)
			config, err := os.ReadFile(k.path(".config"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range append(o.on, "WERROR") {
				if !bytes.Contains(config, []byte("CONFIG_"+name+"=y\n")) {
					t.Errorf("CONFIG_%s did not take effect", name)
				}
			}
			for _, name := range o.off {
				if bytes.Contains(config, []byte("CONFIG_"+name+"=y\n")) {
					t.Errorf("CONFIG_%s is still on", name)
				}
			}
			k.mustMake(o.targets...)
		})
	}
}

// configure changes the configuration by the kernel's own script.
func (k *kernel) configure(args ...string) {
	k.Helper()
	if err := k.tree.Run(k.Context(), "scripts/config", args...); err != nil {
		k.Fatal(err)
	}
	k.mustMake("olddefconfig")
}
