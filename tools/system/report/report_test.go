// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/tree"
)

// testReport is one with modules at these paths.
func testReport(t *testing.T, paths ...string) Report {
	t.Helper()
	var leaves []tree.Leaf
	for i, path := range paths {
		body := []byte("module " + path)
		leaves = append(leaves, tree.Leaf{
			InstallPath: path, Position: uint32(i), Size: int64(len(body)),
			Hash: merkle.LeafHash(uint32(i), body), SHA256: sha256.Sum256(body),
		})
	}
	tree, err := tree.New(leaves)
	if err != nil {
		t.Fatal(err)
	}
	return Report{Tree: tree}
}

func write(t *testing.T, r Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// element returns what is in the first element that begins with tag.
func element(t *testing.T, page, tag, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, tag)
	text, _, closed := strings.Cut(rest, "</"+name+">")
	if !found || !closed {
		t.Fatalf("the page has no %s", tag)
	}
	return text
}

// TestData reads what the page's program reads.
func TestData(t *testing.T) {
	r := testReport(t, "kernel/fs/a.ko", "kernel/fs/b.ko", "updates/c.ko")
	r.Kernel = &Kernel{Name: "vmlinux", Format: "vmlinux", Machine: "x86_64"}
	var got pageData
	text := element(t, write(t, r), `<script type="application/json" id="data">`, "script")
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if want := dataOf(r); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for i, l := range r.Tree.Leaves {
		at := i * merkle.HashSize
		if !bytes.Equal(got.Leaves[at:at+merkle.HashSize], l.Hash[:]) || !bytes.Equal(got.Sums[at:at+merkle.HashSize], l.SHA256[:]) {
			t.Errorf("hashes of %s are not in its place", l)
		}
	}
	if got.Root != r.Tree.Root().Hash.String() || got.Levels != 2 || len(got.Leaves) != 96 {
		t.Errorf("root %s, %d levels, %d bytes of leaves, want %s, 2, 96", got.Root, got.Levels, len(got.Leaves), r.Tree.Root())
	}
}

// TestHostilePaths checks that no path gets out of its place in the page.
func TestHostilePaths(t *testing.T) {
	hostile := []string{`</script><img src=x onerror=alert(1)>.ko`, `<!--.ko`, `"&'\u2028` + "\u2028.ko"}
	page := write(t, testReport(t, hostile...))
	if strings.Contains(page, "<img") || strings.Contains(page, "<!--") || strings.Count(page, "</script>") != 2 {
		t.Errorf("a path is markup in\n%s", page)
	}
	var got pageData
	if err := json.Unmarshal([]byte(element(t, page, `id="data">`, "script")), &got); err != nil || !reflect.DeepEqual(got.Paths, hostile) {
		t.Errorf("paths are %q, %v, want %q", got.Paths, err, hostile)
	}
}

// TestPolicy checks that the policy names the page's own program and style, and nothing that
// could be loaded.
func TestPolicy(t *testing.T) {
	page := write(t, testReport(t, "a.ko"))
	match := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if match == nil {
		t.Fatal("the page has no policy")
	}
	for _, text := range []string{
		"default-src 'none'", "base-uri 'none'", "form-action 'none'",
		"script-src " + digest(element(t, page, "<script>", "script")),
		"style-src " + digest(element(t, page, "<style>", "style")),
	} {
		if policy := html.UnescapeString(match[1]); !strings.Contains(policy, text) {
			t.Errorf("the policy is %s, want %s in it", policy, text)
		}
	}
	for _, outside := range []string{"http:", "https:", "//cdn", "@import", "url("} {
		if text := strings.ReplaceAll(page, "http://www.w3.org/2000/svg", ""); strings.Contains(text, outside) {
			t.Errorf("the page has %s in it", outside)
		}
	}
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("'sha256-%s'", base64.StdEncoding.EncodeToString(sum[:]))
}

// TestSame checks that a tree gives one page, also a tree without modules.
func TestSame(t *testing.T) {
	for _, r := range []Report{testReport(t, "a.ko", "b.ko"), testReport(t)} {
		if a, b := write(t, r), write(t, r); a != b {
			t.Errorf("two pages of %d modules differ", r.Tree.Len())
		}
	}
}
