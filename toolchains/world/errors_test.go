// SPDX-License-Identifier: Apache-2.0

package world

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// asRoot is a command that runs another one as root of a user namespace, as mmdebstrap needs it. In it, the cache is in
// memory, with 64 kB, if small.
func asRoot(small bool) []string {
	const mounted = `mkdir -p "$XDG_CACHE_HOME" && mount -t tmpfs -o size=64k tmpfs "$XDG_CACHE_HOME" && exec "$@"`
	switch {
	case small:
		return []string{"unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "-"}
	case os.Getuid() == 0:
		return nil
	}
	return []string{"unshare", "--user", "--map-root-user", "--mount"}
}

// requireMmdebstrap skips a test where mmdebstrap cannot run.
func requireMmdebstrap(t *testing.T) {
	t.Helper()
	require(t, "mmdebstrap", "apt-get", "unshare", "mount")
	if exec.Command("unshare", "--user", "--map-root-user", "--mount", "true").Run() != nil {
		t.Skip("this machine does not allow user namespaces")
	}
}

const enoughSpace = "#!/bin/sh\necho Avail; echo 99\n"

// TestErrors checks what bazelw reports if the archive, the clock, or the disk is not as it should be. All messages of apt are
// those of the real apt, which mmdebstrap runs. No case gets as far as an installed package.
func TestErrors(t *testing.T) {
	requireMmdebstrap(t)
	const essential = "Essential: yes\n"
	base := poolPath("base-files", "1")
	list := "/debian/dists/forky/main/binary-amd64/Packages"
	day := 24 * time.Hour
	for _, test := range []struct {
		name   string
		before func(*mirror) // before the lists are made
		after  func(*mirror)
		setup  func(*checkout, *mirror)
		small  bool
		want   []string
	}{
		{
			name: "a package that was renamed, and one that the mirror lacks",
			before: func(m *mirror) {
				m.add("forky", "golang-1.27-go", "1", "", nil)
				m.add("forky", "golang-1.27-src", "1", "", nil)
			},
			setup: func(c *checkout, _ *mirror) { c.packages("gcc\ngolang-1.26-go\nbazel-lib") },
			want: []string{
				"does not have all packages of toolchains/world/packages.txt: no golang-1.26-go; similar: golang-1.27-go, bazel-lib; similar: none. Next: ",
				"set BAZELW_MIRROR to another one; if Debian renamed a package, change its name in packages.txt",
			},
		},
		{
			name:   "a package without what it depends on",
			before: func(m *mirror) { m.add("forky", "make", "1", "Depends: libc-dev\n", nil) },
			setup:  func(c *checkout, _ *mirror) { c.packages("gcc\nmake") },
			want:   []string{"a package of the Debian archive needs another that it does not have: ", "make", "libc-dev", "Next: read "},
		},
		{
			name:  "a list with a package that is not there",
			after: func(m *mirror) { delete(m.files, base) },
			want: []string{
				"the mirror does not have a file of its package lists: Failed to fetch http://127.0.0.1:", base, "404",
				"Next: the mirror may be in the middle of an update: run again in an hour, or set BAZELW_MIRROR",
			},
		},
		{
			name: "a package with another digest",
			after: func(m *mirror) {
				m.files[base] = append([]byte{}, m.files[base]...)
				m.files[base][100] ^= 1
			},
			want: []string{"a file of the mirror differs from its package lists: Failed to fetch http", base, "Hash Sum mismatch", "run again in an hour"},
		},
		{
			name:  "a package with another size",
			after: func(m *mirror) { m.files[base] = m.files[base][:1000] },
			want:  []string{"a file of the mirror differs from its package lists: Failed to fetch http", base, "unexpected size"},
		},
		{
			name:  "a package list with another digest",
			after: func(m *mirror) { m.files[list] = []byte(strings.Replace(string(m.files[list]), "gcc", "gcd", 1)) },
			want:  []string{"a file of the mirror differs from its package lists: Failed to fetch http", list, "Hash Sum mismatch"},
		},
		{
			name:  "a mirror without the suite",
			after: func(m *mirror) { m.clear() },
			setup: func(c *checkout, m *mirror) { c.env = append(c.env, "BAZELW_MIRROR="+m.server.URL+"/debian") },
			want:  []string{"the mirror does not have the suite forky: The repository 'http://127.0.0.1:", "Next: set BAZELW_MIRROR to a mirror of Debian"},
		},
		{
			name:  "an archive without signature",
			setup: func(c *checkout, m *mirror) { c.env = append(c.env, "BAZELW_MIRROR="+m.server.URL+"/debian") },
			want:  []string{"the signature of the Debian archive is not valid here: The repository 'http", "is not signed", "debian-archive-keyring"},
		},
		{
			name:  "a mirror that is not reachable",
			setup: func(_ *checkout, m *mirror) { m.server.Close() },
			want:  []string{"the Debian mirror is not reachable: Failed to fetch http", " connect", "Next: check the network and the proxy"},
		},
		{
			name:   "a clock before the date of the archive",
			before: func(m *mirror) { m.date, m.validUntil = time.Now().Add(2*day), time.Now().Add(9*day) },
			want: []string{
				"the clock of this machine shows " + time.Now().UTC().Format(time.DateOnly), "and the Debian archive is newer: Release file for http",
				"is not valid yet", "Next: set the clock",
			},
		},
		{
			name: "a clock after Valid-Until, on a mirror with the right time",
			before: func(m *mirror) {
				m.date, m.validUntil = time.Now().Add(-9*day), time.Now().Add(-2*day)
				m.clock = func(h http.Header) { h.Set("Date", time.Now().Add(-8*day).UTC().Format(http.TimeFormat)) }
			},
			want: []string{
				"the clock of this machine is wrong: it shows " + time.Now().UTC().Format(time.DateOnly),
				"the clock of the mirror " + time.Now().Add(-8*day).UTC().Format(time.DateOnly), "Next: set the clock",
			},
		},
		{
			name: "an old snapshot, by a cache that has had it for long",
			before: func(m *mirror) {
				m.date, m.validUntil = time.Now().Add(-9*day), time.Now().Add(-2*day)
				m.clock = func(h http.Header) {
					h.Set("Date", time.Now().Add(-8*day).UTC().Format(http.TimeFormat))
					h.Set("Age", "691200")
				}
			},
			want: []string{"warning: the Debian archive is an old snapshot (expired ", "using it, with signatures checked"},
		},
		{
			name: "an old snapshot, from a server without a clock",
			before: func(m *mirror) {
				m.date, m.validUntil = time.Now().Add(-9*day), time.Now().Add(-2*day)
				m.clock = func(h http.Header) { h["Date"] = nil }
			},
			want: []string{"warning: the mirror does not report its time. If ", "set the clock", "warning: the Debian archive is an old snapshot"},
		},
		{
			name:  "too little space",
			setup: func(c *checkout, _ *mirror) { c.stub("df", "#!/bin/sh\necho Avail; echo 3\n") },
			want:  []string{"creating a world needs 6 GB in ", ": got 3 GB free. Next: make space, or set XDG_CACHE_HOME"},
		},
		{
			name:  "a disk that becomes full",
			small: true,
			want:  []string{"no space left on the disk: ", "No space left on device", "Next: make 6 GB free in ", "or set XDG_CACHE_HOME"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMirror(t)
			m.add("forky", "base-files", "1", essential, nil)
			m.add("forky", "gcc", "1", "", nil)
			c := newCheckout(t, m)
			c.stub("df", enoughSpace)
			if test.before != nil {
				test.before(m)
			}
			m.publish()
			if test.after != nil {
				test.after(m)
			}
			if test.setup != nil {
				test.setup(c, m)
			}
			output, err := c.bazelw(asRoot(test.small), "--enter", "true")
			for _, want := range test.want {
				if err == nil || !strings.Contains(output, want) {
					t.Fatalf("got %v and\n%s\nwant an error with %q", err, output, want)
				}
			}
		})
	}
}

// TestProxy checks that downloads use the proxies of the machine: the name of the mirror cannot be resolved.
func TestProxy(t *testing.T) {
	requireMmdebstrap(t)
	for name, setup := range map[string]func(*checkout, string){
		"apt": func(c *checkout, proxy string) {
			c.write(c.bin+"/apt.conf", "Acquire::http::Proxy \""+proxy+"\";\n")
			c.env = append(c.env, "APT_CONFIG="+c.bin+"/apt.conf")
		},
		"apt by a program": func(c *checkout, proxy string) {
			c.stub("detect", "#!/bin/sh\necho "+proxy+"\n")
			c.write(c.bin+"/apt.conf", "Acquire::http::Proxy-Auto-Detect \""+c.bin+"/detect\";\n")
			c.env = append(c.env, "APT_CONFIG="+c.bin+"/apt.conf")
		},
		"environment": func(c *checkout, proxy string) { c.env = append(c.env, "http_proxy="+proxy) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirror(t)
			m.add("forky", "base-files", "1", "Essential: yes\n", nil)
			m.add("forky", "gcc", "1", "", nil)
			m.publish()
			c := newCheckout(t, m)
			c.stub("df", enoughSpace)
			c.env = append(c.env, "BAZELW_MIRROR=deb [trusted=yes] http://mirror.invalid/debian forky main")
			setup(c, m.server.URL)
			output, _ := c.bazelw(asRoot(false), "--enter", "true")
			if got := m.downloads(); len(got) != 1 || got[0] != "base-files_1_amd64.deb" {
				t.Errorf("got the downloads %v and\n%s\nwant base-files by the proxy", got, output)
			}
		})
	}
}
