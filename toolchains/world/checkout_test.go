// SPDX-License-Identifier: Apache-2.0

// Package world tests how ./bazelw creates a world from a Debian archive that the test makes.
package world

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A checkout is a copy of bazelw and of the recipe, with its own packages and cache.
type checkout struct {
	t *testing.T
	// dir has bazelw; cache is the directory of worlds; bin is the first directory of PATH.
	dir, cache, bin string
	env             []string
}

// newCheckout copies bazelw and the recipe.
func newCheckout(t *testing.T, m *mirror) *checkout {
	t.Helper()
	base := t.TempDir()
	c := &checkout{t: t, dir: filepath.Join(base, "checkout"), bin: filepath.Join(base, "bin")}
	c.cache = filepath.Join(base, "cache", "rules_modhash")
	c.write(c.bin+"/.keep", "")
	c.copyBazelw()
	scripts, err := filepath.Glob("*.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("finding the recipe: got %v, %v", scripts, err)
	}
	for _, script := range scripts {
		c.copy(script, "toolchains/world/"+script)
	}
	c.write(c.dir+"/toolchains/kernel/patches/series.bzl", "SERIES = [\n    \"7.2\",\n]\n")
	c.packages("gcc")
	c.env = append(os.Environ(),
		"PATH="+c.bin+":"+os.Getenv("PATH"), "HOME="+base, "XDG_CACHE_HOME="+filepath.Dir(c.cache), "TMPDIR="+base,
		"BAZELW=world", "BAZELW_MIRROR="+m.source(), "http_proxy=", "no_proxy=", "APT_CONFIG="+c.bin+"/.keep")
	return c
}

// copyBazelw copies bazelw. In a world, bazelw uses that world, and would remove it: the copy does not find out where it is.
func (c *checkout) copyBazelw() {
	c.t.Helper()
	data, err := os.ReadFile("../../bazelw")
	const inside = "readonly inside=/etc/rules_modhash/world "
	if err != nil || strings.Count(string(data), inside) != 1 {
		c.t.Fatalf("reading bazelw: %v; want one line with %q", err, inside)
	}
	c.write(c.dir+"/bazelw", strings.Replace(string(data), inside, "readonly inside=/etc/rules_modhash/copy ", 1))
}

// packages sets packages.txt, and thereby the digest of the recipe.
func (c *checkout) packages(text string) { c.write(c.dir+"/toolchains/world/packages.txt", text+"\n") }

// stub makes a program that is found before the one of the machine.
func (c *checkout) stub(name, text string) { c.write(filepath.Join(c.bin, name), text) }

func (c *checkout) copy(from, to string) {
	c.t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(filepath.Join(c.dir, to), string(data))
}

func (c *checkout) write(name, text string) {
	c.t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(text), 0o755)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// bazelw runs bazelw, by the command before it, and returns its output.
func (c *checkout) bazelw(before []string, arguments ...string) (string, error) {
	words := append(append([]string{}, before...), c.dir+"/bazelw")
	words = append(words, arguments...)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = c.env
	cmd.Dir = c.dir
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// require skips a test if the machine lacks a program.
func require(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("this machine has no %s, which the world of ./bazelw has", program)
		}
	}
}

func modTime(t *testing.T, name string) time.Time {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// digestOf returns the SHA-256 of a file in hex digits, or nothing if it cannot be read.
func digestOf(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}
