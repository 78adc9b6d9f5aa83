// SPDX-License-Identifier: Apache-2.0

package world

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A mirror is a Debian archive on a loopback address. Its packages have no dependencies but those of their control fields.
type mirror struct {
	server *httptest.Server
	// date and validUntil are those of Release files.
	date, validUntil time.Time
	// clock changes the header Date of a response.
	clock func(http.Header)

	mu       sync.Mutex
	files    map[string][]byte
	packages map[string][]string // by suite: the records of the package lists
	requests []string
}

func newMirror(t *testing.T) *mirror {
	m := &mirror{
		date:       time.Now().Add(-time.Hour),
		validUntil: time.Now().Add(7 * 24 * time.Hour),
		clock:      func(http.Header) {},
		files:      map[string][]byte{},
		packages:   map[string][]string{},
	}
	m.server = httptest.NewServer(m)
	t.Cleanup(m.server.Close)
	return m
}

// ServeHTTP serves the files of the archive under any host name, as a proxy does.
func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, r.URL.String())
	m.clock(w.Header())
	data, ok := m.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(data)
}

// source is a line of sources.list for the suite of worlds, without signatures.
func (m *mirror) source() string { return "deb [trusted=yes] " + m.server.URL + "/debian forky main" }

// downloads returns the names of the packages that were downloaded, and forgets all requests.
func (m *mirror) downloads() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, request := range m.requests {
		if strings.HasSuffix(request, ".deb") {
			names = append(names, path.Base(request))
		}
	}
	m.requests = nil
	slices.Sort(names)
	return names
}

// poolPath is the path of a package in the archive.
func poolPath(name, version string) string {
	return fmt.Sprintf("/debian/pool/%s_%s_amd64.deb", name, version)
}

// add adds a package to a suite. fields are further lines of its control file, files its contents by path.
func (m *mirror) add(suite, name, version, fields string, files map[string]string) {
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: Test <test@example.org>\n%sDescription: test\n",
		name, version, fields)
	deb := debOf(control, files)
	file := poolPath(name, version)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[file] = deb
	m.packages[suite] = append(m.packages[suite], fmt.Sprintf("%sFilename: %s\nSize: %d\nSHA256: %x\n",
		control, strings.TrimPrefix(file, "/debian/"), len(deb), sha256.Sum256(deb)))
}

// clear removes all packages.
func (m *mirror) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files, m.packages = map[string][]byte{}, map[string][]string{}
}

// publish writes the package lists and the Release files.
func (m *mirror) publish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for suite, records := range m.packages {
		list := []byte(strings.Join(records, "\n"))
		directory := "/debian/dists/" + suite
		m.files[directory+"/main/binary-amd64/Packages"] = list
		m.files[directory+"/Release"] = fmt.Appendf(nil,
			"Origin: Debian\nSuite: %[1]s\nCodename: %[1]s\nDate: %[2]s\nValid-Until: %[3]s\nArchitectures: amd64\nComponents: main\n"+
				"SHA256:\n %[4]x %[5]d main/binary-amd64/Packages\n",
			suite, m.date.UTC().Format(time.RFC1123), m.validUntil.UTC().Format(time.RFC1123), sha256.Sum256(list), len(list))
	}
}

// debOf returns a Debian package.
func debOf(control string, files map[string]string) []byte {
	var deb bytes.Buffer
	deb.WriteString("!<arch>\n")
	for _, member := range []struct {
		name string
		data []byte
	}{
		{"debian-binary", []byte("2.0\n")},
		{"control.tar", tarOf(map[string]string{"control": control})},
		{"data.tar", tarOf(files)},
	} {
		fmt.Fprintf(&deb, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", member.name, 0, 0, 0, "100644", len(member.data))
		deb.Write(member.data)
		if len(member.data)%2 == 1 {
			deb.WriteByte('\n')
		}
	}
	return deb.Bytes()
}

// tarOf returns a tar archive with files and their directories.
func tarOf(files map[string]string) []byte {
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	directories := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		if name == "." || directories[name] {
			return
		}
		add(path.Dir(name))
		directories[name] = true
		_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "./" + name + "/", Mode: 0o755})
	}
	// In order, so that the same files are the same package.
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		add(path.Dir(name))
		_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "./" + name, Mode: 0o644, Size: int64(len(data))})
		_, _ = w.Write([]byte(data))
	}
	_ = w.Close()
	return buffer.Bytes()
}
