// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// flagNames are variables that Kbuild files set, read by Kbuild or not.
var flagNames = []string{
	"EXTRA_CFLAGS", "EXTRA_AFLAGS", "EXTRA_LDFLAGS", "EXTRA_CPPFLAGS", "LINUXINCLUDE", "USERINCLUDE", "NOSTDINC_FLAGS",
	"KBUILD_CFLAGS", "KBUILD_CPPFLAGS", "KBUILD_AFLAGS", "KBUILD_LDFLAGS", "KBUILD_CFLAGS_MODULE", "KBUILD_AFLAGS_MODULE",
	"KBUILD_LDFLAGS_MODULE", "KBUILD_RUSTFLAGS", "CPPFLAGS_MODULE", "CFLAGS_MODULE", "AFLAGS_MODULE", "LDFLAGS_MODULE",
	"CFLAGS", "CPPFLAGS", "AFLAGS", "LDFLAGS", "KCFLAGS", "HOSTCFLAGS", "MY_FLAGS", "CC", "LD", "CC_FLAGS_FTRACE",
	"ccflags-y", "ccflags-m", "ccflags-n", "ccflags-$(CONFIG_OFF)", "asflags-y", "ldflags-y", "cppflags-y", "rustflags-y",
	"subdir-ccflags-y", "subdir-asflags-y", "ccflags-remove-y", "asflags-remove-y",
	"CFLAGS_m.o", "AFLAGS_m.o", "LDFLAGS_m.o", "CFLAGS_REMOVE_m.o", "CFLAGS_other.o", "LDFLAGS_a.o", "CFLAGS_a.o", "RUSTFLAGS_m.o",
}

// forms are how a variable gets a word.
var forms = []string{
	"%[1]s += %[2]s\n", "%[1]s := %[2]s $(%[1]s)\n", "%[1]s := %[2]s\n", "%[1]s = %[2]s\n", "override %[1]s += %[2]s\n",
	"export %[1]s += %[2]s\n", "$(eval %[1]s += %[2]s)\n", "define %[1]s +=\n%[2]s\nendef\n", "$(obj)/m.o: %[1]s += %[2]s\n",
	"ifneq ($(obj),)\n%[1]s += %[2]s\nendif\n",
}

// TestEachFlagIsAccountedFor: flags vanished from targets without a word. Each flag of a random
// Kbuild file is in copts, in the Kbuild file that is kept, or in the log.
func TestEachFlagIsAccountedFor(t *testing.T) {
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 1))
		text := "obj-m := a.o\na-y := m.o\n"
		if random.IntN(3) > 0 {
			text = "obj-m := a.o b.o\na-y := m.o\nb-y := n.o\n"
		}
		flags := make(map[string]string)
		for i, which := range random.Perm(len(flagNames))[:1+random.IntN(4)] {
			word, name := fmt.Sprintf("-DFLAG%d", i), flagNames[which]
			flags[word] = fmt.Sprintf(forms[random.IntN(len(forms))], name, word)
			text += flags[word]
		}
		root := t.TempDir()
		writeFiles(t, root, map[string]string{
			"BUILD.bazel": "# gazelle:modhash_kernel //:linux\n# gazelle:modhash_config c\n", "m/Kbuild": text, "m/m.c": "", "m/n.c": "",
			"c": randomVersion(random),
		})
		logged, written := runLogged(t, root)
		for word, line := range flags {
			isKept := strings.Contains(written, `kbuild = "Kbuild"`)
			if !isKept && !strings.Contains(written, word) && !explains(logged, word, line) {
				t.Fatalf("seed %d: %s is neither in a target nor in the log.\n%s\ngot\n%s%s", seed, word, text, logged, written)
			}
		}
	}
}

// explains reports whether a log has a flag, or the variable that it is in.
func explains(logged, word, line string) bool {
	return strings.Contains(logged, word) || slices.ContainsFunc(flagNames, func(name string) bool {
		hasName := strings.Contains(line, name+" ") || strings.Contains(line, name+"\n")
		return hasName && (strings.Contains(logged, " "+name+" is set") || strings.Contains(logged, " "+name+" is not for all"))
	})
}

func randomVersion(random *rand.Rand) string {
	return "CONFIG_X86=y\n" + []string{
		"", "# Linux/x86 6.12.1 Kernel Configuration\n", "# Linux/x86 7.2.12 Kernel Configuration\n",
	}[random.IntN(3)]
}

func writeFiles(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		writeFile(t, filepath.Join(root, filepath.FromSlash(name)), text)
	}
}

// TestEachIncludedFileIsAnInput: files of -include, and makefiles that others include, were not
// inputs. Each file of a random chain is one.
func TestEachIncludedFileIsAnInput(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 2))
		c := &chain{random: random, files: map[string]string{
			"BUILD.bazel": "# gazelle:modhash_kernel //:linux\n", "m/m.c": "",
		}}
		c.files["m/Kbuild"] = "obj-m := a.o\na-y := m.o\nldflags-y := -s\n" + c.makefile(3)
		root := t.TempDir()
		writeFiles(t, root, c.files)
		logged, written := runLogged(t, root)
		for name := range c.files {
			below, isOurs := strings.CutPrefix(name, "m/")
			if isOurs && !strings.Contains(written, `"`+below+`"`) {
				t.Fatalf("seed %d: %s is not an input.\n%q\ngot\n%s%s", seed, name, c.files, logged, written)
			}
		}
	}
}

// A chain makes up files that include each other.
type chain struct {
	random *rand.Rand
	files  map[string]string
}

func (c *chain) name(suffix string) string {
	dir := []string{"", "d/", "d/e/"}[c.random.IntN(3)]
	return fmt.Sprintf("%sf%d%s", dir, len(c.files), suffix)
}

// makefile returns lines that name further files.
func (c *chain) makefile(depth int) string {
	text := ""
	for range c.random.IntN(4) {
		switch c.random.IntN(4) {
		case 0:
			text += c.flags()
		default:
			if depth == 0 {
				continue
			}
			name := c.name(".mk")
			c.files["m/"+name] = ""
			keyword := []string{"include", "-include", "sinclude"}[c.random.IntN(3)]
			operand := []string{"$(src)/" + name, "$(DIR)/" + name, "$(wildcard $(src)/" + name + ")", "$(addprefix $(src)/," + name + ")"}
			text += "DIR := $(src)\n" + keyword + " " + operand[c.random.IntN(len(operand))] + "\n"
			c.files["m/"+name] = "# makefile\n" + c.makefile(depth-1)
		}
	}
	return text
}

// flags returns a line with a flag that names a file.
func (c *chain) flags() string {
	name := c.name([]string{".h", ".inc"}[c.random.IntN(2)])
	c.files["m/"+name] = ""
	c.files["m/"+name] = c.header(name, 2)
	variable := []string{"ccflags-y", "CFLAGS_m.o", "KBUILD_CFLAGS", "subdir-ccflags-y", "asflags-y", "AFLAGS_m.o"}[c.random.IntN(6)]
	option := []string{"-include ", "-imacros ", "-include", "-imacros", "--include="}[c.random.IntN(5)]
	return variable + " += " + option + "$(src)/" + name + "\n"
}

// header returns the text of a header that includes others.
func (c *chain) header(from string, depth int) string {
	text := ""
	for range c.random.IntN(3) {
		if depth == 0 {
			break
		}
		name := c.name(".h")
		c.files["m/"+name] = ""
		relative, err := filepath.Rel("/"+path.Dir(from), "/"+name)
		if err != nil {
			panic(err)
		}
		form := []string{"#include \"%s\"\n", "#  include   \"%s\"\n", "#define H%[2]d \"%[1]s\"\n#include H%[2]d\n"}[c.random.IntN(3)]
		if strings.Contains(form, "[") {
			text += fmt.Sprintf(form, filepath.ToSlash(relative), len(c.files))
		} else {
			text += fmt.Sprintf(form, filepath.ToSlash(relative))
		}
		c.files["m/"+name] = c.header(name, depth-1)
	}
	return text
}

// TestIrregularFiles: opening a pipe waits for its writer. Neither a Makefile, an included one
// nor a header may be one; a link that leads nowhere is reported, too.
func TestIrregularFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no named pipes in directories")
	}
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"BUILD.bazel": "# gazelle:modhash_kernel //:linux\n", "m/m.c": "#include \"pipe.h\"\n#include \"link.h\"\n",
		"m/Kbuild": "include $(src)/pipe.mk\n-include $(src)/link.mk\nobj-m := m.o\n", "n/n.c": "",
	})
	for _, name := range []string{"m/pipe.mk", "m/pipe.h", "n/Makefile"} {
		if err := syscall.Mkfifo(filepath.Join(root, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"m/link.mk", "m/link.h"} {
		if err := os.Symlink("nowhere", filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	logged, written := runLogged(t, root)
	for _, want := range []string{
		"m/Kbuild:1: include is left out, what it sets is undecided: reading pipe.mk: it is not a regular file\n",
		"m/Kbuild:2: include is left out, what it sets is undecided: reading link.mk: no such file or directory\n",
		"m/pipe.h: it is included, but is not a regular file: left out\n",
		"m/link.h: it is included, but is not a regular file: left out\n",
	} {
		if !strings.Contains(logged, want) {
			t.Errorf("got\n%swant it to have\n%s", logged, want)
		}
	}
	if !strings.Contains(written, `srcs = ["m.c"]`) {
		t.Errorf("got\n%swant the module m of m.c", written)
	}
}

// TestHeaderPackage: a package of headers is a build tree, whose Makefile includes that of the
// tree that all architectures share, by an absolute path.
func TestHeaderPackage(t *testing.T) {
	outside := t.TempDir()
	writeFiles(t, outside, map[string]string{
		"src/headers-amd64/Makefile":         "include /usr/src/no-such-headers-common/Makefile\n",
		"src/headers-amd64/.kernelvariables": "override ARCH = x86\n",
		"src/headers-amd64/.config":          "CONFIG_X86=y\nCONFIG_ON=m\n",
		"src/no-such-headers-common/Makefile": "VERSION = 6\nPATCHLEVEL = 12\n-include .kernelvariables\n" +
			"include $(srctree)/scripts/Kbuild.include\ninclude include/config/auto.conf\n",
		"src/no-such-headers-common/scripts/Kbuild.include": "",
		"src/no-such-headers-common/arch/x86/Makefile":      "",
	})
	build := filepath.Join(outside, "src", "headers-amd64")
	flags := []string{"-modhash_kernel_source=" + build, "-modhash_config=" + filepath.Join(build, ".config")}
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"BUILD.bazel": "# gazelle:modhash_kernel //:linux\n", "m/m.c": "", "m/Kbuild": "obj-$(CONFIG_ON) := m.o\n",
	})
	logged, written := runLogged(t, root, flags...)
	if logged != "" || !strings.Contains(written, `srcs = ["m.c"]`) {
		t.Errorf("got\n%s%swant the module m, and no message", logged, written)
	}

	// A fault of the kernel's tree is reported by the path that the user has.
	common := filepath.Join(outside, "src", "no-such-headers-common")
	writeFile(t, filepath.Join(common, "Makefile"), "VERSION = 6\nPATCHLEVEL = 12\ninclude scripts/gone.mk\n")
	logged, _ = runLogged(t, root, flags...)
	if want := common + "/Makefile:3: reading scripts/gone.mk"; !strings.Contains(logged, want) || strings.Contains(logged, "/kernel-source") {
		t.Errorf("got %swant it to have %s, and no path of ours", logged, want)
	}
}
