// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"golang.org/x/sys/unix"
)

const worldManifest = "note\tsuite\tforky\nnote\tarchive-date\tFri, 30 Oct 2026 08:08:01 UTC\npackage\tmake\t4.4\tamd64\tabc\n"

// files of the generated world: a name with / at its end is a directory.
var files = map[string]string{
	"etc/rules_modhash/manifest.tsv": worldManifest,
	"etc/rules_modhash/world":        "/home/somebody/world\n",
	"etc/hostname":                   "somewhere\n",
	"usr/bin/make":                   "make",
	"usr/bin/passwd":                 "setuid",
	"usr/share/a name with blanks":   "blanks",
	"usr/share/ümläut":               "not ASCII",
	"usr/share/empty":                "",
	"usr/share/" + strings.Repeat("long/", 40) + "name": "more than a header of the old format has room for",
	"usr/lib/python3/__pycache__/x.pyc":                 "bytecode",
	"var/log/installation.log":                          "log",
	"var/lib/dpkg/info/make.list":                       "/.\n/lib/packaged\n/usr/bin/make\n/var/log/make\n",
	"usr/lib/packaged/":                                 "",
	"var/log/make/":                                     "",
	"work/somebody/checkout/":                           "",
}

// makeWorld generates a world. The names are made in the order of the comparison, because file systems list directories
// in orders that depend on it.
func makeWorld(t *testing.T, order func(a, b string) int) string {
	t.Helper()
	root := t.TempDir()
	names := []string{}
	for name := range files {
		names = append(names, name)
	}
	slices.SortFunc(names, order)
	for _, name := range names {
		file := filepath.Join(root, name)
		directory := filepath.Dir(file)
		if strings.HasSuffix(name, "/") {
			directory = file
		}
		check(t, os.MkdirAll(directory, 0o755))
		if directory != file {
			check(t, os.WriteFile(file, []byte(files[name]), 0o644))
		}
	}
	check(t, os.Symlink("usr/lib", filepath.Join(root, "lib")))
	check(t, os.Symlink("/usr/bin/make", filepath.Join(root, "usr/bin/gmake")))
	check(t, os.Link(filepath.Join(root, "usr/bin/make"), filepath.Join(root, "usr/bin/a-make")))
	check(t, os.Chmod(filepath.Join(root, "usr/bin/make"), 0o755))
	check(t, unix.Chmod(filepath.Join(root, "usr/bin/passwd"), 0o4755))
	check(t, unix.Chmod(filepath.Join(root, "usr/share"), 0o2775))
	check(t, unix.Mkfifo(filepath.Join(root, "usr/share/pipe"), 0o600))
	return root
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func arguments(t *testing.T, root string) []string {
	return []string{"--root=" + root, "--scratch=" + t.TempDir(), "--recipe=0123456789ab", "--path=/usr/bin:/bin"}
}

// write returns the archive of a world.
func write(t *testing.T, root string) []byte {
	t.Helper()
	var out, stderr bytes.Buffer
	if err := run(t.Context(), arguments(t, root), &out, &stderr); err != nil {
		t.Fatalf("run: %v\n%s", err, &stderr)
	}
	return out.Bytes()
}

// unpack unpacks an archive into a new directory.
func unpack(t *testing.T, archive []byte) string {
	t.Helper()
	dir := t.TempDir()
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		check(t, err)
		file := filepath.Join(dir, header.Name)
		if header.Typeflag == tar.TypeDir {
			check(t, os.MkdirAll(file, 0o755))
			continue
		}
		data, err := io.ReadAll(r)
		check(t, err)
		check(t, os.WriteFile(file, data, 0o644))
	}
}

// open reads the only image of an archive with the library, which checks all digests.
func open(t *testing.T, archive []byte) (v1.Image, v1.Descriptor) {
	t.Helper()
	index, err := layout.ImageIndexFromPath(unpack(t, archive))
	check(t, err)
	check(t, validate.Index(index))
	list, err := index.IndexManifest()
	check(t, err)
	if len(list.Manifests) != 1 {
		t.Fatalf("got %d images, want 1", len(list.Manifests))
	}
	image, err := index.Image(list.Manifests[0].Digest)
	check(t, err)
	check(t, validate.Image(image))
	return image, list.Manifests[0]
}

// contents lists the layer of an image: a line for each entry.
func contents(t *testing.T, image v1.Image) []string {
	t.Helper()
	layers, err := image.Layers()
	check(t, err)
	if len(layers) != 1 {
		t.Fatalf("got %d layers, want 1", len(layers))
	}
	from, err := layers[0].Uncompressed()
	check(t, err)
	var lines []string
	for r := tar.NewReader(from); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return lines
		}
		check(t, err)
		data, err := io.ReadAll(r)
		check(t, err)
		if got := header.ModTime.UTC().Format(time.RFC3339); got != "2026-10-30T08:08:01Z" {
			t.Errorf("%s: got the timestamp %s, want the date of the archive", header.Name, got)
		}
		if header.Uid != os.Getuid() || header.Gid != os.Getgid() || header.Uname+header.Gname != "" {
			t.Errorf("%s: got the owner %d:%d and names %q, want %d:%d and none",
				header.Name, header.Uid, header.Gid, header.Uname+header.Gname, os.Getuid(), os.Getgid())
		}
		lines = append(lines, fmt.Sprintf("%c %04o %s %s%s", header.Typeflag, header.Mode, header.Name, header.Linkname, data))
	}
}

func TestContents(t *testing.T) {
	image, _ := open(t, write(t, makeWorld(t, strings.Compare)))
	want := []string{
		"5 0755 etc/ ",
		"5 0755 etc/rules_modhash/ ",
		"0 0644 etc/rules_modhash/manifest.tsv " + worldManifest,
		"2 0777 lib usr/lib",
		"5 0755 usr/ ",
		"5 0755 usr/bin/ ",
		"0 0755 usr/bin/a-make make",
		"2 0777 usr/bin/gmake /usr/bin/make",
		"1 0755 usr/bin/make usr/bin/a-make",
		"0 4755 usr/bin/passwd setuid",
		"5 0755 usr/lib/ ",
		"5 0755 usr/lib/packaged/ ",
		"5 2775 usr/share/ ",
		"0 0644 usr/share/a name with blanks blanks",
		"0 0644 usr/share/empty ",
	}
	for n := 1; n <= 40; n++ {
		want = append(want, "5 0755 usr/share/"+strings.Repeat("long/", n)+" ")
	}
	want = append(want,
		"0 0644 usr/share/"+strings.Repeat("long/", 40)+"name more than a header of the old format has room for",
		"6 0600 usr/share/pipe ",
		"0 0644 usr/share/ümläut not ASCII",
		"5 0755 var/ ",
		"5 0755 var/lib/ ",
		"5 0755 var/lib/dpkg/ ",
		"5 0755 var/lib/dpkg/info/ ",
		"0 0644 var/lib/dpkg/info/make.list "+files["var/lib/dpkg/info/make.list"],
		"5 0755 var/log/ ",
		"5 0755 var/log/make/ ",
	)
	if got := contents(t, image); !slices.Equal(got, want) {
		t.Errorf("got the files\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestConfiguration(t *testing.T) {
	image, descriptor := open(t, write(t, makeWorld(t, strings.Compare)))
	config, err := image.ConfigFile()
	check(t, err)
	if config.OS != "linux" || config.Architecture == "" || config.Config.WorkingDir != "/" {
		t.Errorf("got system %s, architecture %q, directory %q", config.OS, config.Architecture, config.Config.WorkingDir)
	}
	if want := []string{"PATH=/usr/bin:/bin"}; !slices.Equal(config.Config.Env, want) {
		t.Errorf("got the environment %q, want %q", config.Config.Env, want)
	}
	for label, want := range map[string]string{
		"org.opencontainers.image.created": "2026-10-30T08:08:01Z",
		"org.opencontainers.image.version": "forky-20261030",
		"rules_modhash.world.recipe":       "0123456789ab",
		"rules_modhash.world.manifest":     fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(worldManifest))),
	} {
		if got := config.Config.Labels[label]; got != want {
			t.Errorf("label %s: got %q, want %q", label, got, want)
		}
	}
	if got, want := descriptor.Annotations["org.opencontainers.image.ref.name"], "rules_modhash-world:0123456789ab"; got != want {
		t.Errorf("got the name %q, want %q", got, want)
	}
}

func TestDockerFindsTheImage(t *testing.T) {
	archive := write(t, makeWorld(t, strings.Compare))
	image, _ := open(t, archive)
	config, err := image.ConfigName()
	check(t, err)
	got, err := os.ReadFile(filepath.Join(unpack(t, archive), "manifest.json"))
	check(t, err)
	layers, err := image.Layers()
	check(t, err)
	digest, err := layers[0].Digest()
	check(t, err)
	want := fmt.Sprintf(`[{"Config":"blobs/sha256/%s","Layers":["blobs/sha256/%s"],"RepoTags":["rules_modhash-world:0123456789ab"]}]`,
		config.Hex, digest.Hex)
	if string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestSameWorldSameBytes makes the world again in another order, later, and with other contents of what is left out.
func TestSameWorldSameBytes(t *testing.T) {
	first := write(t, makeWorld(t, strings.Compare))
	root := makeWorld(t, func(a, b string) int { return strings.Compare(b, a) })
	for _, name := range []string{
		"dev/null", "etc/machine-id", "usr/share/rules_modhash/archives/linux.tar.xz", "tmp/x/y", "run/lock", "var/cache/apt/pkgcache.bin",
		"etc/shadow-", "var/lib/dpkg/status-old", "usr/share/long/__pycache__/y.pyc", "var/lib/apt/lists/Packages", "etc/hostname",
	} {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		check(t, os.WriteFile(filepath.Join(root, name), []byte("differs"), 0o600))
	}
	check(t, os.MkdirAll(filepath.Join(root, "farm/another/checkout"), 0o700))
	check(t, os.Chtimes(filepath.Join(root, "usr/bin"), time.Time{}, time.Unix(1, 0)))
	if second := write(t, root); !bytes.Equal(first, second) {
		image, _ := open(t, second)
		t.Errorf("got other bytes: %d, and %d before; files\n%s", len(second), len(first), strings.Join(contents(t, image), "\n"))
	}
}

func TestChangedFileChangesTheImage(t *testing.T) {
	root := makeWorld(t, strings.Compare)
	first := write(t, root)
	check(t, os.Chmod(filepath.Join(root, "usr/bin/make"), 0o700))
	if bytes.Equal(first, write(t, root)) {
		t.Error("got the same image for another mode")
	}
}

// TestHeader checks what an unprivileged user cannot make.
func TestHeader(t *testing.T) {
	h := headers{date: time.Unix(1, 0), first: map[inode]string{}}
	capability := "\x01\x00\x00\x02\x00\x04\x00\x00"
	got, err := h.of(entry{
		name:   "usr/bin/ping",
		stat:   unix.Stat_t{Mode: unix.S_IFREG | 0o755, Uid: 3, Gid: 1 << 22, Nlink: 1, Size: 5},
		xattrs: map[string]string{"security.capability": capability},
	})
	check(t, err)
	if got.Uid != 3 || got.Gid != 1<<22 || got.PAXRecords["SCHILY.xattr.security.capability"] != capability {
		t.Errorf("got owner %d:%d and records %q", got.Uid, got.Gid, got.PAXRecords)
	}
	var archive bytes.Buffer
	if err := tar.NewWriter(&archive).WriteHeader(got); err != nil {
		t.Errorf("writing the header: %v", err)
	}
	for mode, want := range map[uint32]byte{unix.S_IFCHR: tar.TypeChar, unix.S_IFBLK: tar.TypeBlock} {
		got, err := h.of(entry{name: "dev/x", stat: unix.Stat_t{Mode: mode | 0o660, Nlink: 1, Rdev: unix.Mkdev(259, 300)}})
		check(t, err)
		if got.Typeflag != want || got.Devmajor != 259 || got.Devminor != 300 || got.Mode != 0o660 {
			t.Errorf("got type %c, device %d:%d, mode %o", got.Typeflag, got.Devmajor, got.Devminor, got.Mode)
		}
	}
	if _, err := h.of(entry{name: "x", stat: unix.Stat_t{Mode: unix.S_IFSOCK}}); err == nil {
		t.Error("got no error for a type that tar does not have")
	}
}

func TestIsContents(t *testing.T) {
	for name, want := range map[string]bool{
		"security.capability": true, "user.comment": true,
		"security.selinux": false, "system.posix_acl_access": false, "trusted.overlay.opaque": false,
	} {
		if got := isContents(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// full is a writer without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, unix.ENOSPC }

func TestErrors(t *testing.T) {
	world := makeWorld(t, strings.Compare)
	change := func(name, text string) string {
		root := makeWorld(t, strings.Compare)
		check(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644))
		return root
	}
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errors.New("stopped by the test"))
	for _, test := range []struct {
		name, want string
		ctx        context.Context
		args       []string
		out        io.Writer
	}{
		{"no flags", "want --root, --scratch, --recipe and --path", t.Context(), nil, io.Discard},
		{"not a world", "reading the manifest of the world: ", t.Context(), arguments(t, t.TempDir()), io.Discard},
		{"no notes", "got no notes suite and archive-date, want both", t.Context(),
			arguments(t, change(manifestPath, "note\tsuite\tforky\n")), io.Discard},
		{"bad date", "note archive-date: ", t.Context(),
			arguments(t, change(manifestPath, "note\tarchive-date\ttoday\n")), io.Discard},
		{"no scratch directory", "writing the layer: ", t.Context(),
			append(arguments(t, world), "--scratch="+filepath.Join(world, "nothing")), io.Discard},
		{"no space", "writing the archive: ", t.Context(), arguments(t, world), full{}},
		{"stopped", "stopped by the test", stopped, arguments(t, world), io.Discard},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := run(test.ctx, test.args, test.out, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
			assertNoLayers(t, test.args)
		})
	}
}

// assertNoLayers checks that nothing is left in the scratch directory.
func assertNoLayers(t *testing.T, args []string) {
	t.Helper()
	if len(args) < 2 {
		return
	}
	left, err := os.ReadDir(strings.TrimPrefix(args[1], "--scratch="))
	check(t, err)
	if len(left) > 0 {
		t.Errorf("got %s in the scratch directory, want nothing", left[0].Name())
	}
}

// TestFileThatChanges lists a world and then lets a file grow and another shrink.
func TestFileThatChanges(t *testing.T) {
	for _, text := range []string{"m", "makemake"} {
		root := makeWorld(t, strings.Compare)
		entries, err := list(t.Context(), root)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(root, "usr/bin/make"), []byte(text), 0o755))
		var l layer
		err = l.fill(io.Discard, func(w *tar.Writer) error {
			h := headers{first: map[inode]string{}}
			for _, e := range entries {
				if err := h.write(w, root, e); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "usr/bin/a-make changed while it was read: it had 4 bytes before") {
			t.Errorf("got error %v for the contents %q", err, text)
		}
	}
}

// TestLeftOut checks that each rule leaves something out and has a reason.
func TestLeftOut(t *testing.T) {
	for _, r := range leftOut {
		if r.reason == "" {
			t.Errorf("%s has no reason", r.pattern)
		}
	}
	for name, want := range map[string]bool{
		"dev": false, "dev/null": true, "var/tmp/x": true, "var/log/x/y.log": true, "etc/shadow": false,
		"etc/shadow-": true, "var/cache/debconf/config.dat-old": true, "__pycache__": true, "a/b/__pycache__": true, "var/lib/dpkg/lock-frontend": true,
	} {
		if got := isLeftOut(name, false); got != want {
			t.Errorf("%s: got left out %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"var/log", "var/log/nginx", "var/cache/apt"} {
		if isLeftOut(name, true) {
			t.Errorf("the directory %s is left out, want its files alone to be", name)
		}
	}
}
