// SPDX-License-Identifier: Apache-2.0

// Package workspace makes external workspaces for tests: each has its own Bazel server, as if the
// rules had just been downloaded. They need a ./bazelw world, and work on the checkout as it is now.
package workspace

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// External is an archive with the files of an external workspace: a module that depends on the rules. What follows it
// may continue MODULE.bazel.
const External = `
-- MODULE.bazel --
module(name = "external")

bazel_dep(name = "rules_modhash", version = "0.1.0")
local_path_override(
    module_name = "rules_modhash",
    path = "CHECKOUT",
)
`

// Prebuilt is an archive for a workspace with a prebuilt modhash program: see AddModhash.
const Prebuilt = `
-- MODULE.bazel --
register_toolchains("//:prebuilt_toolchain")
-- BUILD.bazel --
load("@rules_modhash//toolchains/modhash:toolchain.bzl", "modhash_toolchain")

modhash_toolchain(
    name = "prebuilt",
    modhash = "modhash",
)

toolchain(
    name = "prebuilt_toolchain",
    toolchain = ":prebuilt",
    toolchain_type = "@rules_modhash//toolchains/modhash:toolchain_type",
)
`

// Workspace is a child workspace, and the Bazel that builds it.
type Workspace struct {
	t *testing.T
	// Dir is its directory.
	Dir string
	// Env are further environment variables, and Command what Bazel is started through.
	Env, Command []string
	// Flags are added to each build and test.
	Flags []string
	// rc is a further bazelrc, "" for none.
	rc string
	// hidden has Bazel run without the source tree: see HideCheckout.
	hidden bool
}

// Runfile is the path of a file that the test has among its data, by its path in this repository.
func Runfile(path string) string {
	return filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"), path)
}

// Checkout is the source tree that the test was built from: its files stand in the runfiles as links.
func Checkout(t testing.TB) string {
	t.Helper()
	module, err := filepath.EvalSymlinks(Runfile("MODULE.bazel"))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(module)
}

// New makes a workspace of the archives' files (golang.org/x/tools/txtar); files of the same name are
// joined, and CHECKOUT stands for the source tree.
func New(t *testing.T, archives ...string) *Workspace {
	t.Helper()
	RequireWorld(t)
	w := &Workspace{t: t, Dir: t.TempDir()}
	w.addArchives(archives)
	t.Cleanup(w.Shutdown)
	return w
}

// addArchives adds the archives' files.
func (w *Workspace) addArchives(archives []string) {
	w.t.Helper()
	for _, archive := range archives {
		text := strings.ReplaceAll(archive, "CHECKOUT", Checkout(w.t))
		for _, file := range txtar.Parse([]byte(text)).Files {
			w.Add(file.Name, file.Data, 0o644)
		}
	}
}

// In returns the workspace for a subtest: what fails there fails the subtest.
func (w *Workspace) In(t *testing.T) *Workspace {
	t.Helper()
	sub := *w
	sub.t = t
	return &sub
}

// Replace removes a file, and adds the files of an archive. The workspace's Bazel goes on.
func (w *Workspace) Replace(name, archive string) {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.Dir, name)); err != nil {
		w.t.Fatal(err)
	}
	w.addArchives([]string{archive})
}

// NewCheckout makes a workspace that is a copy of the source tree, as another clone of it would be.
func NewCheckout(t *testing.T) *Workspace {
	t.Helper()
	w := New(t)
	entries, err := os.ReadDir(Checkout(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != ".git" && !strings.HasPrefix(name, "bazel-") {
			from := filepath.Join(Checkout(t), name)
			if output, err := exec.Command("cp", "-a", from, w.Dir).CombinedOutput(); err != nil {
				t.Fatalf("copying %s: %v\n%s", name, err, output)
			}
		}
	}
	w.UseCompiledGazelle()
	return w
}

// UseCompiledGazelle has the workspace take the tools by which Gazelle fetches Go modules from the Bazel that runs the
// test. Each output base compiles them anew, which takes longer than all else that most of these tests do.
func (w *Workspace) UseCompiledGazelle() {
	w.t.Helper()
	const tools = "bazel_gazelle_go_repository_tools"
	outputBase, _, _ := strings.Cut(os.Getenv("TEST_SRCDIR"), "/execroot/")
	found, err := filepath.Glob(filepath.Join(outputBase, "external", "*"+tools))
	if err != nil {
		w.t.Fatal(err)
	}
	if len(found) != 1 {
		return // by another name in this Bazel, or not in use
	}
	w.rc = w.Dir + ".bazelrc"
	var lines strings.Builder
	// The workspace may have other separators in the names of repositories: --config=next.
	for _, name := range []string{"gazelle~~non_module_deps~" + tools, "gazelle++non_module_deps+" + tools} {
		fmt.Fprintf(&lines, "common --override_repository=%s=%s\n", name, found[0])
	}
	if err := os.WriteFile(w.rc, []byte(lines.String()), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// ChangeEnvironment makes the workspace's Bazel run as on another machine: as another user, in another time zone
// and locale, with another umask and host name.
func (w *Workspace) ChangeEnvironment() {
	w.Env = []string{"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "USER=there", "HOSTNAME=elsewhere"}
	w.Command = []string{"unshare", "--user", "--map-user=4321", "--map-group=4321",
		"sh", "-c", `umask 0077 && exec "$@"`, "sh"}
}

// HideCheckout has the workspace's Bazel run where the source tree is not: its directory is empty. Bazel is started as
// bazelw would start it, which is in the source tree.
func (w *Workspace) HideCheckout() {
	w.hidden = true
	w.Command = []string{"unshare", "--user", "--map-root-user", "--mount",
		"sh", "-c", `mount -t tmpfs tmpfs "$0" && exec "$@"`, Checkout(w.t)}
}

// program is what starts Bazel.
func (w *Workspace) program() []string {
	w.t.Helper()
	if !w.hidden {
		return []string{filepath.Join(Checkout(w.t), "bazelw")}
	}
	world, err := os.ReadFile("/etc/rules_modhash/world")
	if err != nil {
		w.t.Fatal(err)
	}
	return []string{"bazel", "--bazelrc=" + strings.TrimSpace(string(world)) + "/bazelrc"}
}

// RequireWorld skips a test outside a ./bazelw world.
func RequireWorld(t testing.TB) {
	t.Helper()
	if _, err := os.Stat("/etc/rules_modhash/world"); err != nil {
		t.Skip("not inside a ./bazelw world")
	}
}

// AddModhash adds the modhash that the test was built with (environment variable MODHASH, its runfile), so
// that nothing is compiled in the workspace. Goes with Prebuilt.
func (w *Workspace) AddModhash() {
	w.t.Helper()
	program, err := os.ReadFile(Runfile(os.Getenv("MODHASH")))
	if err != nil {
		w.t.Fatal(err)
	}
	w.Add("modhash", program, 0o755)
}

// Add appends data to a file of the workspace.
func (w *Workspace) Add(name string, data []byte, mode os.FileMode) {
	w.t.Helper()
	path := filepath.Join(w.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, mode)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := file.Write(data); err != nil {
		w.t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// Startup are the flags that give the workspace its own Bazel server. The server runs for a minute, so its JVM compiles
// with the fast compiler only: the other one takes more CPU time than its code saves.
func (w *Workspace) Startup() []string {
	flags := []string{"--output_user_root=" + w.Dir + ".out", "--max_idle_secs=60", "--host_jvm_args=-XX:TieredStopAtLevel=1"}
	if w.rc != "" {
		flags = append(flags, "--bazelrc="+w.rc)
	}
	return flags
}

// Bazel runs a Bazel command in the workspace and returns all it prints.
func (w *Workspace) Bazel(command string, args ...string) (string, error) {
	argv := append(append([]string{}, w.Command...), w.program()...)
	argv = append(append(argv, w.Startup()...), command)
	if command == "build" || command == "test" {
		argv = append(argv, w.Flags...)
	}
	cmd := exec.Command(argv[0], append(argv[1:], args...)...)
	cmd.Dir = w.Dir
	cmd.Env = append(append(os.Environ(), "BAZELW=world", "GO_REPOSITORY_USE_HOST_CACHE=1"), w.Env...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	return output.String(), err
}

// DiskCache is the directory of the disk cache that all checkouts of a world share.
func (w *Workspace) DiskCache() string {
	w.t.Helper()
	output, err := exec.Command(filepath.Join(Checkout(w.t), "bazelw"), "--world").Output()
	if err != nil {
		w.t.Fatalf("bazelw --world: %v", err)
	}
	_, rest, _ := strings.Cut(string(output), "\ndisk cache:")
	dir, _, found := strings.Cut(rest, "\n")
	if !found {
		w.t.Fatalf("bazelw --world: got no line with the disk cache, but\n%s", output)
	}
	return strings.TrimSpace(dir)
}

// MustBazel is Bazel for commands that must succeed.
func (w *Workspace) MustBazel(command string, args ...string) string {
	w.t.Helper()
	output, err := w.Bazel(command, args...)
	if err != nil {
		w.t.Fatalf("bazel %s %s: %v\n%s", command, strings.Join(args, " "), err, output)
	}
	return output
}

// external is the directory of the repositories that the workspace's Bazel has fetched.
func (w *Workspace) external() string {
	w.t.Helper()
	found, err := filepath.Glob(w.Dir + ".out/*/external")
	if err != nil || len(found) != 1 {
		w.t.Fatalf("got %d directories of fetched repositories, want one, error %v", len(found), err)
	}
	return found[0]
}

// Repositories lists the canonical names of the repositories that the workspace's Bazel has fetched.
func (w *Workspace) Repositories() []string {
	w.t.Helper()
	entries, err := os.ReadDir(w.external())
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "@") {
			names = append(names, entry.Name())
		}
	}
	return names
}

// HasFile reports whether the fetched repository of a module has a file.
func (w *Workspace) HasFile(module, file string) bool {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.external(), module+"[~+]", file))
	if err != nil {
		w.t.Fatal(err)
	}
	return len(found) == 1
}

// ReadRepository returns a file of the fetched repository whose canonical name ends with a name.
func (w *Workspace) ReadRepository(name, file string) string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.external(), "*"+name, file))
	if err != nil || len(found) != 1 {
		w.t.Fatalf("got %d files %s in repositories %s, want one, error %v", len(found), file, name, err)
	}
	data, err := os.ReadFile(found[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

// Shutdown ends the Bazel server and removes all that it built. New has it called at the end of the test.
func (w *Workspace) Shutdown() {
	if output, err := w.Bazel("shutdown"); err != nil {
		w.t.Logf("bazel shutdown: %v\n%s", err, output)
	}
	// Bazel takes the write bits off its output directories.
	_ = exec.Command("chmod", "-R", "u+w", w.Dir+".out").Run()
	_ = os.RemoveAll(w.Dir + ".out")
}

// Digests maps each output file of the tree's output groups to its mode and digest.
func (w *Workspace) Digests(groups string) map[string]string {
	w.t.Helper()
	// All files, also those that a cache has: otherwise the number of files depends on what it has.
	w.MustBazel("build", "//:tree", "--output_groups="+groups, "--remote_download_outputs=all")
	root := filepath.Join(w.Dir, "bazel-bin")
	digests := map[string]string{}
	resolved, err := filepath.EvalSymlinks(root)
	if err != nil {
		w.t.Fatal(err)
	}
	err = filepath.WalkDir(resolved, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, resolved+"/")
		if strings.HasPrefix(name, "tree") && !strings.HasSuffix(name, ".params") {
			digests[name] = fmt.Sprintf("%x", sha256.Sum256(data))
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return digests
}
