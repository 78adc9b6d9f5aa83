// SPDX-License-Identifier: Apache-2.0

// Package modorder compares the modules that Kbuild built, as modules.order lists them, with those
// that were declared.
package modorder

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Parse returns the modules of a modules.order as paths that end in .ko, in its order. Kernels
// since 6.4 list .o files, older ones .ko.
func Parse(text string) []string {
	var modules []string
	for _, line := range strings.Fields(text) {
		if object, ok := strings.CutSuffix(line, ".o"); ok {
			line = object + ".ko"
		}
		modules = append(modules, line)
	}
	return modules
}

// Difference is an error if declared and built are not the same set. The message has the list to
// declare.
func Difference(declared, built []string) error {
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
