// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tests/remote/nginx"
)

const (
	cacheAddress  = "127.0.0.1:8080"
	workerAddress = "127.0.0.1:9092"
)

// startCache starts an empty HTTP cache and returns its directory, which holds ac/KEY and cas/DIGEST.
func startCache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd, err := nginx.Command(context.Background(), dir, cacheAddress, "error")
	if err != nil {
		t.Fatal(err)
	}
	startServer(t, cmd, cacheAddress)
	return filepath.Join(dir, "store")
}

// The remote execution service is Bazel's own, from the sources of the Bazel that builds.
const (
	bazelSources   = "/usr/src/bazel-bootstrap"
	bazelClasses   = "/usr/share/bazel/A-server.jar"
	bazelClasspath = "/usr/share/bazel/bazel_classpath_debian_depends.txt"
	linuxSandbox   = "/usr/share/bazel/linux-sandbox"
)

// startWorker starts a service that carries out actions in linux-sandbox.
func startWorker(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	classes := compileWorker(t, dir)
	args := []string{
		"-cp", classes, "com.google.devtools.build.remote.worker.RemoteWorker", "--listen_port=" + strings.Split(workerAddress, ":")[1],
		"--work_path=" + filepath.Join(dir, "work"), "--cas_path=" + filepath.Join(dir, "cas"),
		"--sandboxing", "--sandboxing_block_network", "--sandboxing_tmpfs_dir=/dev/shm",
	}
	cmd := exec.Command("java", args...)
	cmd.Env = append(os.Environ(), "JAVA_RUNFILES="+filepath.Join(dir, "runfiles"))
	startServer(t, cmd, workerAddress)
}

// compileWorker compiles the service below dir, makes the files that it looks for, and returns the
// class path.
func compileWorker(t *testing.T, dir string) string {
	t.Helper()
	const remote = "src/tools/remote/src/main/java"
	list, err := os.ReadFile(bazelClasspath)
	if err != nil {
		t.Fatal(err)
	}
	classes := filepath.Join(dir, "classes")
	classpath := strings.Join(append([]string{classes, bazelClasses}, strings.Fields(string(list))...), ":")
	sources := javaFiles(t, filepath.Join(bazelSources, remote), filepath.Join(bazelSources, "tools/java/runfiles"))
	args := append([]string{"-nowarn", "-proc:none", "-d", classes, "-cp", classpath}, sources...)
	if output, err := exec.Command("javac", args...).CombinedOutput(); err != nil {
		t.Fatalf("compiling Bazel's remote worker: %v\n%s", err, output)
	}
	sandbox, err := os.ReadFile(linuxSandbox)
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{
		"classes/main/tools/linux-sandbox": sandbox,
		// Looked for on every system, used on macOS.
		"runfiles/io_bazel/" + remote + "/com/google/devtools/build/remote/worker/xcode-locator": nil,
		"work/.keep": nil,
		"cas/.keep":  nil,
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return classpath
}

// javaFiles are the sources in directories, without those of tests.
func javaFiles(t *testing.T, directories ...string) []string {
	t.Helper()
	var files []string
	for _, directory := range directories {
		err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".java") && !strings.Contains(path, "/test") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) == 0 {
		t.Fatal(fmt.Errorf("no Java files in %v", directories))
	}
	return files
}
