// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"rules_modhash/tests/e2e/workspace"
	"rules_modhash/tools/merkle/tree"
)

// cache is the directory of an HTTP cache, in the hands of somebody who means no good.
type cache struct {
	t   *testing.T
	dir string
	// honest is all that was there before.
	honest map[string][]byte
}

func newCache(t *testing.T, dir string) *cache {
	t.Helper()
	c := &cache{t, dir, map[string][]byte{}}
	for _, kind := range []string{"ac", "cas"} {
		entries, err := os.ReadDir(filepath.Join(dir, kind))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			name := filepath.Join(kind, entry.Name())
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			c.honest[name] = data
		}
	}
	return c
}

// put overwrites an entry, or adds one.
func (c *cache) put(name string, data []byte) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), data, 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// restore makes the cache what it was, but for blobs that nothing names any more.
func (c *cache) restore() {
	c.t.Helper()
	for name, data := range c.honest {
		c.put(name, data)
	}
}

// replace makes each entry that names the blob old name new instead, which has as many bytes: results of
// actions, and directories among the blobs, whose digests change with them, and so on.
func (c *cache) replace(old string, blob []byte) {
	c.t.Helper()
	digest := string(hexDigest(blob))
	c.put("cas/"+digest, blob)
	replaced := false
	for name, data := range c.honest {
		if !bytes.Contains(data, []byte(old)) {
			continue
		}
		forged := forge(data, old, digest)
		replaced = true
		if strings.HasPrefix(name, "ac/") {
			c.put(name, forged)
			continue
		}
		c.replace(filepath.Base(name), forged)
	}
	if !replaced {
		c.t.Fatalf("nothing in the cache names the blob %s", old)
	}
}

// forge makes data name one digest in place of another. In a build.bazel.remote.execution.v2.Tree, the
// directories in field 2 are named by their digests too.
func forge(data []byte, old, digest string) []byte {
	forged := bytes.ReplaceAll(data, []byte(old), []byte(digest))
	for rest := data; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			break // no protocol buffer
		}
		size := protowire.ConsumeFieldValue(number, kind, rest[n:])
		if size < 0 {
			break
		}
		if directory, n := protowire.ConsumeBytes(rest[n:]); number == 2 && n > 0 && bytes.Contains(directory, []byte(old)) {
			changed := bytes.ReplaceAll(directory, []byte(old), []byte(digest))
			forged = bytes.ReplaceAll(forged, hexDigest(directory), hexDigest(changed))
		}
		rest = rest[n+size:]
	}
	return forged
}

func hexDigest(blob []byte) []byte {
	return fmt.Appendf(nil, "%x", sha256.Sum256(blob))
}

// digestOf is the digest of the output with this end of its path.
func digestOf(t *testing.T, spawns []workspace.Spawn, suffix string) string {
	t.Helper()
	for path, digest := range outputs(spawns) {
		if strings.HasSuffix(path, suffix) {
			return digest
		}
	}
	t.Fatalf("no output ends in %s", suffix)
	return ""
}

// TestPoisonedCache has an attacker write to the cache of honest machines: never is there a sealed set that
// verifies and is not the honest one.
func TestPoisonedCache(t *testing.T) {
	requireWorld(t)
	dir := startCache(t)
	m := newMachine(t, "--config=remote-cache", "--remote_cache=http://"+cacheAddress, "--remote_download_outputs=all")
	honest := m.MustBuild("//:declared", allGroups)
	c := newCache(t, dir)
	leaf := digestOf(t, honest, "declared.leaves/2.pb")
	other := digestOf(t, honest, "declared.leaves/4.pb")
	sealed := digestOf(t, honest, "declared.sealed/kernel/m003.ko")

	// Blobs that are not what they are called are no use: the action runs again.
	t.Run("truncated blob", func(t *testing.T) {
		c.put("cas/"+leaf, c.honest["cas/"+leaf][:20])
		m.expectHonest(t, c, honest)
	})
	t.Run("swapped blobs", func(t *testing.T) {
		c.put("cas/"+leaf, c.honest["cas/"+other])
		c.put("cas/"+sealed, c.honest["cas/"+leaf])
		m.expectHonest(t, c, honest)
	})

	t.Run("leaf entry of other modules", func(t *testing.T) {
		c.replace(leaf, c.honest["cas/"+other])
		m.expectRefused(t, c, "ModhashTree", "modhash tree: ", "no module has position 2")
	})
	t.Run("leaf entry with a foreign hash", func(t *testing.T) {
		foreign, err := tree.DecodeLeaves(c.honest["cas/"+leaf])
		if err != nil {
			t.Fatal(err)
		}
		foreign[1].Hash[0] ^= 1
		blob, err := tree.EncodeLeaves(foreign)
		if err != nil {
			t.Fatal(err)
		}
		c.replace(leaf, blob)
		m.expectRefused(t, c, "ModhashSeal", "modhash seal: ", "lib/kernel/m003.ko", "hashes to leaf")
	})
	t.Run("sealed entry with a foreign module", func(t *testing.T) {
		foreign := bytes.Clone(c.honest["cas/"+sealed])
		foreign[200] ^= 1
		c.replace(sealed, foreign)
		m.expectRefused(t, c, "//:declared_verify", "m003.ko: ", "checked 66, passed 65, failed 1, missing 1")
	})
}

// rebuild builds and tests from nothing but the cache.
func (m machine) rebuild(c *cache) ([]workspace.Spawn, string, error) {
	m.t.Helper()
	m.clean()
	spawns, output, err := m.Logged("build", "//:declared", allGroups)
	if err == nil {
		var tested string
		_, tested, err = m.Logged("test", "//:declared_verify", "--nocache_test_results", "--test_output=errors")
		output += tested
	}
	c.restore()
	return spawns, output, err
}

// expectHonest wants what the honest build made.
func (m machine) expectHonest(t *testing.T, c *cache, honest []workspace.Spawn) {
	t.Helper()
	spawns, output, err := m.rebuild(c)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if n := count(spawns)["ModhashLeaf remote cache hit"]; n != leaves-1 {
		t.Errorf("got %v, want all leaves but one from the cache", count(spawns))
	}
	expectSame(t, "with a damaged cache", spawns, honest)
}

// expectRefused wants a failure that states so.
func (m machine) expectRefused(t *testing.T, c *cache, want ...string) {
	t.Helper()
	_, output, err := m.rebuild(c)
	if err == nil {
		t.Fatalf("build and test pass:\n%s", output)
	}
	for _, part := range want {
		if !strings.Contains(output, part) {
			t.Errorf("got no %q in:\n%s", part, output)
		}
	}
}
