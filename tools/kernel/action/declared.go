// SPDX-License-Identifier: Apache-2.0

package action

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// difference is an error if declared and built are not the same set. The message has the list to
// declare.
func difference(declared, built []string) error {
	missing := without(declared, built)
	undeclared := without(built, declared)
	if len(missing) == 0 && len(undeclared) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "attribute modules: got %d modules, which are not the %d that Kbuild built", len(declared), len(built))
	list(&b, "\n  declared, but not built (is the option =m in the configuration?):", missing)
	list(&b, "\n  built, but not declared:", undeclared)
	b.WriteString("\nNext: bazel run //:gazelle (with the language of tools/gazelle), or paste:\n    modules = [\n")
	for _, module := range slices.Sorted(slices.Values(built)) {
		fmt.Fprintf(&b, "        %q,\n", module)
	}
	b.WriteString("    ],")
	return errors.New(b.String())
}

func list(b *strings.Builder, title string, modules []string) {
	if len(modules) > 0 {
		b.WriteString(title)
	}
	for _, module := range modules {
		b.WriteString("\n    " + module)
	}
}

// without returns what of a is not in b.
func without(a, b []string) []string {
	in := map[string]bool{}
	for _, s := range b {
		in[s] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return in[s] })
}
