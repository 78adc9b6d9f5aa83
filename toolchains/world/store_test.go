// SPDX-License-Identifier: Apache-2.0

package world

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// mmdebstrap stands for the program: it installs no packages, and runs the hooks with the apt of this machine.
const mmdebstrap = `#!/bin/bash
set -eu
root=${*: -2:1} mirror=${*: -1}
mkdir -p "$root"/etc/apt/apt.conf.d "$root"/usr/share "$root"/var/{lib/apt/lists,cache/apt/archives}/partial
echo "$mirror" >"$root/etc/apt/sources.list"
: >"$root/status"
cat >"$root/apt.conf" <<CONF
Dir "$root/";
Dir::State::status "$root/status";
Acquire::Languages "none";
Acquire::AllowInsecureRepositories "true";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Get::AllowUnauthenticated "true";
APT::Sandbox::User "root";
CONF
export APT_CONFIG=$root/apt.conf MMDEBSTRAP_APT_CONFIG=$root/apt.conf
for argument; do
    case $argument in
        --aptopt=*) echo "${argument#*=}" >>"$root/etc/apt/apt.conf.d/99mmdebstrap" ;;
        --*-hook=copy-in*) eval "set -- ${argument#*=}"; cp "${@:2:$#-2}" "$root${*: -1}" ;;
        --*-hook=*) sh -c "${argument#*=}" exec "$root" ;;
    esac
done
rm -r "$root/var/lib/apt" "$root/apt.conf"
`

// chroot stands for the program: it runs provision.sh for the directory.
const chroot = `#!/bin/bash
export WORLD_ROOT=$1
shift
words=("${@/#WORLD_STORED=/WORLD_STORED=$WORLD_ROOT}")
words[-1]=$WORLD_ROOT${words[-1]}
exec "${words[@]}"
`

// newStoreCheckout returns a checkout that creates worlds without packages, and enters none.
func newStoreCheckout(t *testing.T, m *mirror) *checkout {
	require(t, "apt-get", "dpkg-deb", "xz", "flock")
	c := newCheckout(t, m)
	c.stub("mmdebstrap", mmdebstrap)
	c.stub("chroot", chroot)
	c.stub("unshare", "#!/bin/sh\n")
	c.stub("df", enoughSpace)
	c.stub("id", "#!/bin/sh\necho 0\n")
	c.stub("dpkg-query", "#!/bin/sh\n")
	return c
}

// others are the suites that provision.sh reads in addition to the suite of the world.
var others = []string{"sid", "experimental", "trixie", "trixie-backports"}

// offer makes the archive offer one version of the kernel, and no other.
func offer(t *testing.T, m *mirror, version string) {
	t.Helper()
	release := strings.TrimSuffix(version, "-1")
	m.clear()
	for _, suite := range others {
		m.add(suite, "gcc", "1", "", nil)
	}
	m.add("forky", "gcc", "1", "", nil)
	m.add("forky", "linux-source-7.2", version, "", map[string]string{"usr/src/linux-source-7.2.tar.xz": "source " + version})
	m.add("forky", "linux-config-7.2", version, "", map[string]string{
		"usr/src/linux-config-7.2/config.amd64_none_amd64.xz":       compressed(t, "config "+version),
		"usr/src/linux-config-7.2/config.amd64_none_cloud-amd64.xz": compressed(t, "cloud "+version),
	})
	m.add("forky", "linux-image-amd64", version, "Depends: linux-image-"+release+"-amd64\n", nil)
	m.add("forky", "linux-image-"+release+"-amd64", version, "", nil)
	m.add("forky", "linux-modules-"+release+"-amd64", version, "", map[string]string{"usr/lib/modules/x": version})
	m.publish()
}

func compressed(t *testing.T, text string) string {
	t.Helper()
	cmd := exec.Command("xz", "--stdout")
	cmd.Stdin = strings.NewReader(text)
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(output)
}

// all are the packages that a world needs for one version of the kernel.
func all(version string) []string {
	return []string{
		"linux-config-7.2_" + version + "_amd64.deb",
		"linux-modules-" + strings.TrimSuffix(version, "-1") + "-amd64_" + version + "_amd64.deb",
		"linux-source-7.2_" + version + "_amd64.deb",
	}
}

// archives are the lines of a manifest for one version.
func archives(version, mark string) []string {
	modules := "linux-modules-" + strings.TrimSuffix(version, "-1") + "-amd64"
	var lines []string
	for _, name := range []string{"linux-config-7.2/amd64", "linux-config-7.2/cloud-amd64", modules, "linux-source-7.2"} {
		lines = append(lines, strings.TrimSpace(name+" "+version+" forky "+mark))
	}
	return lines
}

// create creates a world by a changed recipe, and checks what it downloads, and the archives that its manifest lists.
func (c *checkout) create(m *mirror, downloads []string, want ...[]string) string {
	c.t.Helper()
	m.downloads()
	c.packages(fmt.Sprintf("gcc # %p", &want)) // another digest each time
	output, err := c.bazelw(nil, "--enter", "true")
	if err != nil {
		log, _ := os.ReadFile(c.cache + "/world.log")
		c.t.Fatalf("creating a world: %v\n%s\n%s", err, output, log)
	}
	if got := m.downloads(); !slices.Equal(got, downloads) {
		c.t.Errorf("got the downloads\n%q\nwant\n%q", got, downloads)
	}
	got, wanted := c.archives(), slices.Concat(want...)
	slices.Sort(wanted)
	if !slices.Equal(got, wanted) {
		c.t.Errorf("got the archives\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
	}
	return output
}

// archives returns `NAME VERSION SUITE MARK` of each archive of the newest world, whose contents it checks.
func (c *checkout) archives() []string {
	c.t.Helper()
	roots, _ := filepath.Glob(c.cache + "/world-*/root")
	slices.SortFunc(roots, func(a, b string) int { return modTime(c.t, a).Compare(modTime(c.t, b)) })
	root := roots[len(roots)-1]
	manifest, err := os.ReadFile(root + "/etc/rules_modhash/manifest.tsv")
	if err != nil {
		c.t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(manifest)) {
		fields := append(strings.Split(strings.TrimSuffix(line, "\n"), "\t"), "")
		if fields[0] != "archive" {
			continue
		}
		if digest := digestOf(c.t, root+fields[3]); digest != fields[4] {
			c.t.Errorf("%s: got a file with the digest %s", line, digest)
		}
		if data, _ := os.ReadFile(root + fields[3]); !bytes.Contains(data, []byte(fields[2])) {
			c.t.Errorf("%s: got another file", line)
		}
		lines = append(lines, strings.TrimSpace(fields[1]+" "+fields[2]+" "+fields[5]+" "+fields[7]))
	}
	slices.Sort(lines)
	return lines
}

// damage changes a file of the store, not those of worlds.
func (c *checkout) damage(contents string) {
	c.t.Helper()
	files, _ := filepath.Glob(c.cache + "/store/sha256/*")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && string(data) == contents {
			_ = os.Remove(file)
			c.write(file, "damaged")
			return
		}
	}
	c.t.Fatalf("the store has no file with %q", contents)
}

// TestStore checks that worlds have the archives of earlier worlds that the Debian archive deleted, and that nothing is
// downloaded twice.
func TestStore(t *testing.T) {
	m := newMirror(t)
	c := newStoreCheckout(t, m)
	clean := func(want string) {
		t.Helper()
		output, err := c.bazelw(nil, "--clean-world")
		if worlds, _ := filepath.Glob(c.cache + "/world*"); err != nil || !strings.Contains(output, want) || len(worlds) != 0 {
			t.Fatalf("--clean-world: got %v, %q left, and\n%s\nwant no world, and %q", err, worlds, output, want)
		}
	}

	offer(t, m, "7.2.12-1")
	c.create(m, all("7.2.12-1"), archives("7.2.12-1", ""))
	// The archive is the same: a new world downloads no kernel.
	c.create(m, nil, archives("7.2.12-1", ""))
	// It moves on.
	offer(t, m, "7.2.13-1")
	c.create(m, all("7.2.13-1"), archives("7.2.13-1", ""), archives("7.2.12-1", "kept"))
	clean("the store of kernel sources, configurations, and module packages stays: " + c.cache + "/store (")
	offer(t, m, "7.2.14-1")
	c.create(m, all("7.2.14-1"), archives("7.2.14-1", ""), archives("7.2.13-1", "kept"), archives("7.2.12-1", "kept"))

	// A damaged file is downloaded again if the archive has it. Both files of its package are.
	clean("removing " + c.cache + "/world-")
	c.damage("cloud 7.2.14-1")
	c.damage("source 7.2.12-1")
	output := c.create(m, all("7.2.14-1")[:1], archives("7.2.14-1", ""), archives("7.2.13-1", "kept"), archives("7.2.12-1", "kept")[:3])
	if !strings.Contains(output, "is missing or damaged: this world has it only if the Debian archive does") {
		t.Errorf("got\n%s\nwant a warning", output)
	}
	c.create(m, nil, archives("7.2.14-1", ""), archives("7.2.13-1", "kept"), archives("7.2.12-1", "kept")[:3])
	// A version comes back.
	offer(t, m, "7.2.13-1")
	c.create(m, nil, archives("7.2.13-1", ""), archives("7.2.14-1", "kept"), archives("7.2.12-1", "kept")[:3])

	clean("removing ")
	if output, err := c.bazelw(nil, "--clean-store"); err != nil || !strings.Contains(output, "removing "+c.cache+"/store (") {
		t.Errorf("--clean-store: got %v and\n%s", err, output)
	}
	c.create(m, all("7.2.13-1"), archives("7.2.13-1", ""))
}

// TestEarlierRecipe checks that the store adopts the archives of worlds that were made without it.
func TestEarlierRecipe(t *testing.T) {
	m := newMirror(t)
	c := newStoreCheckout(t, m)
	root := c.cache + "/world-0123456789ab/root"
	const file = "/usr/share/rules_modhash/archives/linux-source-7.2_7.2.11-1.tar.xz"
	c.write(root+file, "source 7.2.11-1")
	c.write(root+"/etc/rules_modhash/manifest.tsv", fmt.Sprintf("note\tsuite\tforky\n"+
		"archive\tlinux-source-7.2\t7.2.11-1\t%s\t%s\tforky\n"+
		"archive\tlinux-source-7.2\t7.2.10-1\t/lost\t0000\tforky\n", file, digestOf(t, root+file)))
	c.write(root+"/../complete", "")
	offer(t, m, "7.2.12-1")
	c.create(m, all("7.2.12-1"), archives("7.2.12-1", ""), []string{"linux-source-7.2 7.2.11-1 forky kept"})
}

// TestKernelErrors checks the errors of provision.sh for the kernel of the world's suite.
func TestKernelErrors(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*mirror)
		want   string
	}{
		"source":  {func(m *mirror) { delete(m.files, poolPath("linux-source-7.2", "7.2.12-1")) }, "linux-source-7.2_7.2.12-1_amd64.deb  404"},
		"modules": {func(m *mirror) { delete(m.files, poolPath("linux-modules-7.2.12-amd64", "7.2.12-1")) }, "linux-modules-7.2.12-amd64_7.2.12-1_amd64.deb  404"},
		"image": {func(m *mirror) {
			m.clear()
			m.add("forky", "gcc", "1", "", nil)
			m.publish()
		}, "the Debian archive has no kernel: provision: error: no linux-image-amd64 in forky"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMirror(t)
			c := newStoreCheckout(t, m)
			offer(t, m, "7.2.12-1")
			test.change(m)
			output, err := c.bazelw(nil, "--enter", "true")
			if worlds, _ := filepath.Glob(c.cache + "/world-*/complete"); err == nil || !strings.Contains(output, test.want) || len(worlds) != 0 {
				t.Errorf("got %v, %q and\n%s\nwant an error with %q, and no world", err, worlds, output, test.want)
			}
		})
	}
}

// TestKernelProxy checks that provision.sh uses the proxy of the machine, and that the world does not contain it.
func TestKernelProxy(t *testing.T) {
	m := newMirror(t)
	c := newStoreCheckout(t, m)
	offer(t, m, "7.2.12-1")
	c.write(c.bin+"/apt.conf", "Acquire::http::Proxy \""+m.server.URL+"\";\n")
	c.env = append(c.env, "APT_CONFIG="+c.bin+"/apt.conf", "BAZELW_MIRROR=deb [trusted=yes] http://mirror.invalid/debian forky main")
	c.create(m, all("7.2.12-1"), archives("7.2.12-1", ""))
	roots, _ := filepath.Glob(c.cache + "/world-*/root")
	settings, err := os.ReadFile(roots[0] + "/etc/apt/apt.conf.d/99mmdebstrap")
	if err != nil || strings.Contains(string(settings), "Proxy") {
		t.Errorf("got %v and the settings\n%s\nwant none with a proxy", err, settings)
	}
	if hosts, err := os.ReadFile(roots[0] + "/etc/hosts"); err != nil || len(hosts) != 0 {
		t.Errorf("got %v and /etc/hosts\n%s\nwant an empty file", err, hosts)
	}
}

// TestTwoAtOnce checks that of two bazelw, one creates the world, and the other one waits and uses it.
func TestTwoAtOnce(t *testing.T) {
	m := newMirror(t)
	c := newStoreCheckout(t, m)
	offer(t, m, "7.2.12-1")
	var wait sync.WaitGroup
	outputs := make([]string, 2)
	for i := range outputs {
		wait.Go(func() {
			output, err := c.bazelw(nil, "--enter", "true")
			if err != nil {
				t.Errorf("got %v and\n%s", err, output)
			}
			outputs[i] = output
		})
	}
	wait.Wait()
	if got := m.downloads(); !slices.Equal(got, all("7.2.12-1")) {
		t.Errorf("got the downloads %q, want each once", got)
	}
	if both := strings.Join(outputs, ""); strings.Count(both, "bazelw: created the world in") != 1 {
		t.Errorf("got\n%s\nwant one world", both)
	}
}
