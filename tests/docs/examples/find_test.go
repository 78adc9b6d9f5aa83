// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"strings"
	"testing"
)

// TestFindBlocks checks which blocks are examples, of which kind and where, and that none is passed over.
func TestFindBlocks(t *testing.T) {
	for _, c := range []struct{ name, page, want string }{
		{"BUILD file", "text\n```starlark\nfilegroup(name = \"a\")\n```\n", "3 BUILD.bazel\nfilegroup(name = \"a\")\n"},
		{"MODULE.bazel", "```starlark\nbazel_dep(name = \"a\")\n```", "2 MODULE.bazel\nbazel_dep(name = \"a\")\n"},
		{"assigned extension", "```starlark\na = use_extension(\"b\", \"c\")\n```", "2 MODULE.bazel\na = use_extension(\"b\", \"c\")\n"},
		{"function", "```starlark\ndef a():\n    pass\n```", "2 example.bzl\ndef a():\n    pass\n"},
		{"rule", "```starlark\na = rule()\n```", "2 example.bzl\na = rule()\n"},
		{"indented", "- a\n\n  ```starlark\n  b(\n      c = 1,\n  )\n  ```", "4 BUILD.bazel\nb(\n    c = 1,\n)\n"},
		{"quoted", "> ```starlark\n> b()\n> ```", "2 BUILD.bazel\nb()\n"},
		{"fragment", "```starlark fragment\na(\n```", "2 BUILD.bazel fragment\na(\n"},
		{"tildes", "~~~starlark\na()\n~~~", "2 BUILD.bazel\na()\n"},
		{"longer fence", "````starlark\n# ```\n````", "2 BUILD.bazel\n# ```\n"},
		{"other language", "```sh\nbazel build //...\n```", ""},
		{"no end", "\n```starlark\na()\n", "p.md:2: got a block without an end"},
		{"other name of the language", "```python\na()\n```", `p.md:1: got a block of "python", want starlark`},
		{"misspelled fragment", "```starlark fragmnt\na()\n```", `p.md:1: got a block of "starlark fragmnt"`},
		{"not marked", "```\nkernel_module(\n    name = \"a\",\n)\n```", "p.md:1: got a block of \"\" that looks like Starlark"},
		{"marked as text", "```text\nload(\"a\", \"b\")\n```", "p.md:1: got a block of \"text\" that looks like Starlark"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got strings.Builder
			blocks, err := findBlocks("p.md", c.page)
			if err != nil {
				if c.want == "" || !strings.HasPrefix(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				return
			}
			for _, b := range blocks {
				got.WriteString(strings.TrimPrefix(b.position(), "p.md:") + " " + b.kind)
				if b.fragment {
					got.WriteString(" fragment")
				}
				got.WriteString("\n" + b.text)
			}
			if got.String() != c.want {
				t.Errorf("got %q, want %q", got.String(), c.want)
			}
		})
	}
}
