// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestForUsers(t *testing.T) {
	for _, tc := range []struct{ name, file, data, want string }{
		{
			"tests and their loads go", "tools/x/BUILD.bazel",
			`load("@rules_go//go:def.bzl", "go_library", "go_test")
load("@rules_shell//shell:sh_test.bzl", "sh_test")

go_library(
    name = "x",
    srcs = ["x.go"],
)

go_test(
    name = "x_test",
    srcs = ["x_test.go"],
)

[sh_test(name = n) for n in ["a", "b"]]
`,
			`load("@rules_go//go:def.bzl", "go_library")

go_library(
    name = "x",
    srcs = ["x.go"],
)
`,
		},
		{
			"what stands in tests goes", "BUILD.bazel",
			"alias(\n    name = \"a\",\n    actual = \"//tests/format:a\",\n)\n\nexports_files([\"go.mod\"])\n",
			"exports_files([\"go.mod\"])\n",
		},
		{
			"a module without developers", "MODULE.bazel",
			"module(name = \"a\")\n\n# Only dev_dependency below this line: users inherit nothing.\n\nbazel_dep(dev_dependency = True)\n",
			"module(name = \"a\")\n",
		},
		{"an example", "examples/smoke/BUILD.bazel", "module_verify_test(name = \"a\")", "module_verify_test(name = \"a\")"},
		{"any other file", "README.md", "# Only dev_dependency below this line", "# Only dev_dependency below this line"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := forUsers(tc.file, []byte(tc.data))
			if err != nil || string(got) != tc.want {
				t.Errorf("got error %v and\n%s\nwant\n%s", err, got, tc.want)
			}
		})
	}
}

func TestForUsersRefusesAModuleWithoutMarker(t *testing.T) {
	for _, data := range []string{"module()\n", "bazel_dep(dev_dependency = True)\n\n# Only dev_dependency below this line\n"} {
		if _, err := forUsers("MODULE.bazel", []byte(data)); err == nil || !strings.Contains(err.Error(), "MODULE.bazel: got no line") {
			t.Errorf("%q: got error %v, want one about the line", data, err)
		}
	}
}
