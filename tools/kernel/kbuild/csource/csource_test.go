// SPDX-License-Identifier: Apache-2.0

package csource

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestExports(t *testing.T) {
	tests := []struct {
		name, text string
		want       []Export
	}{
		{"plain", "EXPORT_SYMBOL(a);", []Export{{Symbol: "a"}}},
		{"gpl", "EXPORT_SYMBOL_GPL( a ) ;", []Export{{Symbol: "a", GPL: true}}},
		{"namespace", `EXPORT_SYMBOL_NS(a, "CRYPTO");`, []Export{{Symbol: "a", Namespace: "CRYPTO"}}},
		{"gpl namespace before 6.13", `EXPORT_SYMBOL_NS_GPL(a, CRYPTO);`, []Export{{"a", true, "CRYPTO"}}},
		{"for modules", `EXPORT_SYMBOL_FOR_MODULES(a, "kvm,kvm-intel");`,
			[]Export{{"a", true, "module:kvm,kvm-intel"}}},
		{"for tests", "EXPORT_SYMBOL_IF_KUNIT(a);", []Export{{Symbol: "a", Namespace: "EXPORTED_FOR_KUNIT_TESTING"}}},
		{"acpi", "ACPI_EXPORT_SYMBOL(a)", []Export{{Symbol: "a"}}},
		{"over lines", "EXPORT_SYMBOL(\n\ta /* why */\n);", []Export{{Symbol: "a"}}},
		{"per cpu", "EXPORT_PER_CPU_SYMBOL_GPL(a);", []Export{{Symbol: "a", GPL: true}}},
		{"power management", "EXPORT_GPL_SIMPLE_DEV_PM_OPS(ops, sleep, wake);",
			[]Export{{Symbol: "ops", GPL: true}}},
		{"power management, namespace", "EXPORT_NS_SIMPLE_DEV_PM_OPS(ops, sleep, wake, \"IIO\");",
			[]Export{{Symbol: "ops", Namespace: "IIO"}}},
		{"tracepoint", "EXPORT_TRACEPOINT_SYMBOL(tp);", []Export{
			{Symbol: "__tracepoint_tp"}, {Symbol: "__traceiter_tp"}, {Symbol: "__SCK__tp_func_tp"}}},
		{"static call", "EXPORT_STATIC_CALL(x); EXPORT_STATIC_CALL_TRAMP_GPL(y);", []Export{
			{Symbol: "__SCK__x"}, {Symbol: "__SCT__x"}, {Symbol: "__SCT__y", GPL: true}}},
		{"default namespace",
			"#define DEFAULT_SYMBOL_NAMESPACE \"SND\"\nEXPORT_SYMBOL(a);\n#undef DEFAULT_SYMBOL_NAMESPACE\nEXPORT_SYMBOL(b);",
			[]Export{{Symbol: "a", Namespace: "SND"}, {Symbol: "b"}}},
		{"assembler", "SYM_FUNC_END(f)\nEXPORT_SYMBOL(f)\n", []Export{{Symbol: "f"}}},
		{"in a comment", "/* EXPORT_SYMBOL(a) */ // EXPORT_SYMBOL(b)\n", nil},
		{"in a string", `char *s = "EXPORT_SYMBOL(a)";`, nil},
		{"in a macro", "#define E(x) \\\n\tEXPORT_SYMBOL(x)\nint i;", nil},
		{"not a call", "EXPORT_SYMBOL; EXPORT_SYMBOL(", nil},
		{"no name", "EXPORT_SYMBOL(1);", nil},
		{"apostrophe in assembler", "# don't\n\tnop @ can't\nEXPORT_SYMBOL(a)\n", []Export{{Symbol: "a"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Scan(test.text).Exports; !reflect.DeepEqual(got, test.want) {
				t.Errorf("Scan(%q).Exports = %+v, want %+v", test.text, got, test.want)
			}
		})
	}
}

func TestIncludesAndIdentifiers(t *testing.T) {
	got := Scan("#include <linux/module.h>\n# include \"a.h\"\n#include \"b.h\"\n#include \"a.h\"\n" +
		"#define M(x) helper(x) /* gone */ \\\n\t+ other\nint main(void) { return 0x1f + 'c' + used(\"text\\\"\"); }\n")
	if want := []string{"a.h", "b.h"}; !slices.Equal(got.Includes, want) {
		t.Errorf("Includes = %q, want %q", got.Includes, want)
	}
	if want := []string{"linux/module.h"}; !slices.Equal(got.SystemIncludes, want) {
		t.Errorf("SystemIncludes = %q, want %q", got.SystemIncludes, want)
	}
	want := []string{"helper", "int", "main", "other", "return", "used", "void", "x"}
	if !slices.Equal(got.Identifiers, want) {
		t.Errorf("Identifiers = %q, want %q", got.Identifiers, want)
	}
}

func TestFunctions(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"plain", "int f(void)\n{\n\tg();\n}\nstatic long __init h(int (*call)(int), char c) { if (c) { i(c); } }",
			[]string{"f", "h"}},
		{"declared", "int f(void); extern int g(int);", nil},
		{"attribute", "static void f(void) __attribute__((cold));\nvoid g(void) __must_hold(l)\n{ }",
			[]string{"g", "__must_hold"}},
		{"called", "int f(void) { g(1); ({ h(2); }); return (i)(3); }", []string{"f"}},
		{"structure", "struct s x = { .a = f(1) }; struct t { int a; };", nil},
		{"macro", "#define M(x) do { f(x); } while (0)\nint g(void) { M(1); }", []string{"g"}},
		{"definition by macro", "SYSCALL_DEFINE1(f, int, a) { }", []string{"SYSCALL_DEFINE1"}},
		{"branches", "#if A\nint f(void) {\n#else\nint f(int a) {\n#endif\n}\nint g(void) { }", []string{"f"}},
		{"too many closed", "} } int f(void) { }", []string{"f"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Scan(test.text).Functions; !slices.Equal(got, test.want) {
				t.Errorf("Scan(%q).Functions = %q, want %q", test.text, got, test.want)
			}
		})
	}
}

// FuzzScan: every text comes to an end, and what is found stands in it.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		"EXPORT_SYMBOL_NS(a, \"N\");", "#define A \\\n B\n/*", "\"\\", "#include \"x\n'",
		"#define DEFAULT_SYMBOL_NAMESPACE", "#include A\n#define A <b.h>", ".incbin \"x\"\n.include \"y\"", "INCBIN(a, \"b\")",
		"asm(\".incbin \\\"x\\\"\");", "#embed \"e\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found := Scan(text)
		for _, name := range slices.Concat(
			found.Identifiers, found.Includes, found.SystemIncludes, found.MacroIncludes, found.Embedded, found.Functions,
		) {
			if !strings.Contains(text, name) {
				t.Errorf("found %q, which is not in the text", name)
			}
		}
		want := found
		want.Exports, want.Identifiers, want.Functions = nil, nil, nil
		if got := ScanIncludes(text); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v of ScanIncludes, want what Scan found: %+v", got, want)
		}
	})
}

// TestFilesBesideIncludes: files of the assembler, of #embed and of macros were not inputs.
func TestFilesBesideIncludes(t *testing.T) {
	text := "#define SYSTEM <s.h>\n#define OWN \"o.h\"\n#define CALL(x) \"c.h\"\n#include OWN\n# include SYSTEM\n" +
		"#include_next <n.h>\nasm(\".incbin \\\"blob.bin\\\"\");\n.incbin \"plain.bin\", 4\n.include \"macros.inc\"\n" +
		"INCBIN(name, \"called.bin\");\nconst char e[] = {\n#embed \"embedded.bin\" limit(4)\n};\n"
	want := Source{
		Includes: []string{"macros.inc"}, SystemIncludes: []string{"n.h"}, MacroIncludes: []string{"OWN", "SYSTEM"},
		Operands: []Operand{{"SYSTEM", "<s.h>"}, {"OWN", `"o.h"`}},
		Embedded: []string{"blob.bin", "called.bin", "embedded.bin", "plain.bin"},
	}
	if got := ScanIncludes(text); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
