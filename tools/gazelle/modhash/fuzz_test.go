// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"io"
	"log"
	"os"
	"path/filepath"
	"testing"

	"github.com/bazelbuild/buildtools/build"
)

// FuzzGazelle: whatever stands in a Kbuild file, in sources, in a BUILD file and in a configuration, the
// extension comes to an end without a panic, and a second run changes nothing.
func FuzzGazelle(f *testing.F) {
	f.Add("obj-m := a.o b.o\nb-y := sub/c.o\nCFLAGS_a.o := -DX -I$(src)/sub\n", "#include \"sub/c.h\"\nint f(void) { return g(); }\n",
		"kernel_module(\n    name = \"a\",\n    srcs = [\"a.c\", \"x.c\"],  # keep\n)\n", "CONFIG_X86=y\n")
	f.Add("obj-m := a.o\na-$(CONFIG_B) := sub/c.o\nccflags-remove-y := -g\n", "EXPORT_SYMBOL(f);\n",
		"# gazelle:modhash_install_prefix x/y\n# gazelle:modhash_granularity directory\n", "CONFIG_B=m\n")
	f.Add("obj-m := $(shell ls) sub/\n", "#include \"c.h\"\n#include <sub/c.c>\n",
		"kernel_module(\n    name = \"other\",\n    srcs = [\"a.c\"],\n    module_name = \"a\",\n    deps = [\"//x\"],\n)\n", "")
	f.Add("obj-m := a.o\nKBUILD_EXTRA_SYMBOLS := $(src)/sub/Module.symvers\n", "EXPORT_SYMBOL_GPL(g)\n",
		"# gazelle:resolve modhash g //x:y\n# gazelle:modhash_kernel\nfilegroup(name = \"a\")\n", "CONFIG_ARM64=y")
	f.Fuzz(func(t *testing.T, kbuild, source, buildFile, config string) {
		if len(kbuild)+len(source)+len(buildFile)+len(config) > 1<<12 {
			t.Skip()
		}
		if _, err := build.ParseBuild("BUILD.bazel", []byte(buildFile)); err != nil {
			t.Skip("Gazelle itself passes over it")
		}
		log.SetOutput(io.Discard)
		defer log.SetOutput(os.Stderr)
		root := t.TempDir()
		for name, text := range map[string]string{
			"BUILD.bazel":   "# gazelle:modhash_kernel //:linux\n# gazelle:modhash_config kernel.config\n",
			"kernel.config": config,
			"m/BUILD.bazel": buildFile,
			"m/Kbuild":      kbuild,
			"m/a.c":         source,
			"m/b.ko":        "",
			"m/sub/Kbuild":  "obj-m := c.o\n",
			"m/sub/c.c":     "EXPORT_SYMBOL(g);\n" + source,
			"m/sub/c.h":     "int g(void);\n",
		} {
			writeFile(t, filepath.Join(root, filepath.FromSlash(name)), text)
		}
		first := gazelle(t, root).write(t)
		if second := gazelle(t, root).write(t); first != second {
			t.Errorf("got\n%sthen, by a second run\n%s", first, second)
		}
	})
}

func writeFile(tb testing.TB, name, text string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}
