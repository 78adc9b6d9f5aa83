// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_modhash/tools/kernel/kbuild"
	"rules_modhash/tools/kernel/treearchive"
)

func TestPartition(t *testing.T) {
	p, err := NewPartition([]string{".", "drivers", "drivers/net", "drivers/net/ethernet", "fs"})
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		".": ".", "init": ".", "drivers": "drivers", "drivers/base": "drivers", "drivers/net": "drivers/net",
		"drivers/net/wireless/ath": "drivers/net", "drivers/net/ethernet/intel": "drivers/net/ethernet",
		"drivers/network": "drivers", "fs/ext4/inode.c": "fs", "drivers/net/../usb": "drivers",
	} {
		if got := p.Of(dir); got != want {
			t.Errorf("%s: got shard %s, want %s", dir, got, want)
		}
	}
}

func TestPartitionRejectsNames(t *testing.T) {
	for _, names := range [][]string{{}, {"fs"}, {".", "fs", "fs"}, {".", "/fs"}, {".", "fs/"}, {".", "../fs"}, {".", "a/../b"}, {".", ""}} {
		if p, err := NewPartition(names); err == nil {
			t.Errorf("%q: got %v, want an error", names, p.Names())
		}
	}
}

func TestOptions(t *testing.T) {
	for text, want := range map[string]struct {
		names    string
		computes bool
	}{
		"#ifdef CONFIG_NET":                       {"CONFIG_NET", false},
		"IS_ENABLED(CONFIG_B) CONFIG_A, CONFIG_B": {"CONFIG_A CONFIG_B", false},
		"obj-$(CONFIG_EXT4_FS) += ext4.o":         {"CONFIG_EXT4_FS", false},
		"MY_CONFIG_A xCONFIG_B":                   {"", false},
		"IS_ENABLED(CONFIG_##option)":             {"", true},
		"obj-$(CONFIG_$(name)) += x.o":            {"", true},
		"AK4613_CONFIG_##x":                       {"", false},
		"the prefix CONFIG_ is":                   {"", false},
		"#ifdef CONFIG_X_MODULE":                  {"CONFIG_X_MODULE", false},
		"":                                        {"", false},
		"CONFIG_":                                 {"", false},
		"CONFIG_1CONFIG_2":                        {"CONFIG_1CONFIG_2", false},
		"drivers-$(CONFIG_PCI)            += arch/x86/pci/ ":      {"CONFIG_PCI", false},
		"ifdef CONFIG_ABC\nendif # CONFIG_ABC\n-DX=$(CONFIG_ABC)": {"CONFIG_ABC", false},
	} {
		names, computes := options(text)
		if strings.Join(names, " ") != want.names || computes != want.computes {
			t.Errorf("%q: got %q, %t, want %q, %t", text, names, computes, want.names, want.computes)
		}
	}
}

func TestPrinted(t *testing.T) {
	const text = `#include <stdio.h>
  #include "own.h"
	fprintf(out, "#include <linux/asn1_ber_bytecode.h>\n");
	puts("#include \"drm.h\"");
	echo '#include <asm-generic/vmlinux.lds.h>'
	{ echo "\#include <linux/kernel.h>" ; }
	printf("#include <%s>\n", name);
	printf("#include MACRO\n");
	"#include <unterminated`
	want := []string{"<linux/asn1_ber_bytecode.h>", `"drm.h"`, "<asm-generic/vmlinux.lds.h>", "<linux/kernel.h>"}
	if got := printed(text); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{"CONFIG_A", `"#include <a.h>"`, "CONFIG_##x\n#include", "include $(srctree)/a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names, _ := options(text)
		for _, name := range names {
			if !strings.Contains(text, name) || !strings.HasPrefix(name, optionPrefix) {
				t.Errorf("got the option %q", name)
			}
		}
		for _, operand := range printed(text) {
			if len(operand) < 3 || strings.ContainsAny(operand, "\n ") {
				t.Errorf("got the operand %q", operand)
			}
		}
	})
}

func TestFilterOptions(t *testing.T) {
	const autoconf = `/*
 * Linux/x86 7.2.12 Kernel Configuration
 */
#define CONFIG_NET 1
#define CONFIG_EXT4_FS_MODULE 1
#define CONFIG_USB 1
#define CONFIG_HZ 250
`
	got := string(filterOptions([]byte(autoconf), map[string]bool{"CONFIG_EXT4_FS": true, "CONFIG_HZ": true, "CONFIG_USB_MODULE": true}))
	want := strings.Replace(autoconf, "#define CONFIG_NET 1\n", "", 1)
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	const auto = "CONFIG_NET=y\nCONFIG_EXT4_FS=m\nCONFIG_NETDEVICES=y\n"
	if got := string(filterOptions([]byte(auto), map[string]bool{"CONFIG_EXT4_FS_MODULE": true, "CONFIG_NETDEVICES": true})); got != "CONFIG_EXT4_FS=m\nCONFIG_NETDEVICES=y\n" {
		t.Errorf("got %s", got)
	}
}

// linux is a source tree with all that the split distinguishes.
var linux = map[string]string{
	"Makefile":                         "VERSION = 7\nPATCHLEVEL = 2\ncore-y :=\ndrivers-y :=\nlibs-y := lib/\nARCH_CORE := $(core-y)\nexport ARCH_CORE\n",
	"Kbuild":                           "obj-y += kernel/\nobj-y += drivers/\nobj-y += lib/\n# kernel/bounds.s\n",
	"scripts/Kbuild.include":           "comma := ,\n",
	"scripts/Makefile.vmlinux_a":       "",
	"scripts/Makefile.build":           "echo \"\\#include <linux/string.h>\" CONFIG_MODVERSIONS\n",
	"scripts/mod/modpost.c":            "p(\"#include <linux/module.h>\\n\");\n",
	"scripts/module-common.c":          "#include <linux/module.h>\n",
	"include/linux/kconfig.h":          "#include <generated/autoconf.h>\n",
	"include/linux/string.h":           "",
	"include/linux/module.h":           "#include <linux/list.h>\n#include <asm/own.h>\n",
	"include/linux/list.h":             "#ifdef CONFIG_LIST\n",
	"include/linux/one_driver.h":       "",
	"include/asm-generic/own.h":        "",
	"arch/x86/Makefile":                "",
	"arch/x86/boot/Makefile":           "x := -include $(srctree)/include/linux/hidden.h\n",
	"arch/x86/boot/main.c":             "",
	"include/linux/hidden.h":           "",
	"arch/x86/Kconfig":                 "",
	"kernel/Makefile":                  "obj-y += core.o\n",
	"kernel/core.c":                    "#include <linux/list.h>\n#include \"core.h\"\n",
	"kernel/core.h":                    "",
	"kernel/bounds.c":                  "#include <linux/list.h>\n",
	"kernel/Kconfig":                   "",
	"lib/Makefile":                     "lib-y += a.o\n",
	"lib/a.c":                          "",
	"drivers/Makefile":                 "obj-y += net/\nobj-$(CONFIG_USB) += usb/\n",
	"drivers/net/Makefile":             "obj-m += dummy.o big.o\nbig-y := big/main.o\ninclude $(srctree)/drivers/net/Makefile.more\n",
	"drivers/net/Makefile.more":        "",
	"drivers/net/dummy.c":              "#include <linux/one_driver.h>\n#include <linux/module.h>\n#include \"far.h\"\nCONFIG_DUMMY_OPTION\n",
	"drivers/net/big/main.c":           "#include \"main.h\"\n",
	"drivers/net/big/main.h":           "",
	"drivers/net/Kconfig":              "",
	"drivers/elsewhere/far.h":          "",
	"drivers/usb/Makefile":             "obj-y += usb.o\n",
	"drivers/usb/usb.c":                "",
	"rust/bindgen_parameters":          "",
	"rust/helpers/helpers.c":           "#include <linux/one_driver.h>\n",
	"tools/include/linux/list.h":       "",
	"certs/x509.asn1":                  "",
	"scripts/asn1_compiler.c":          "p(\"#include <linux/asn1_decoder.h>\\n\");\n",
	"include/linux/asn1_decoder.h":     "",
	"include/dt-bindings/linux-link.h": "-> ../linux/list.h",
}

func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	err := treearchive.Create(&b, func(w *treearchive.Writer) error {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			entry := treearchive.Entry{Path: name, Size: int64(len(files[name]))}
			if target, ok := strings.CutPrefix(files[name], "-> "); ok {
				entry = treearchive.Entry{Path: name, Target: target}
			}
			if err := w.Put(entry, strings.NewReader(files[name])); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func planOf(t *testing.T, files map[string]string) (*Tree, *Plan) {
	t.Helper()
	tree, err := ReadTree(bytes.NewReader(pack(t, files)), "x86", func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	partition, err := NewPartition([]string{".", "drivers", "drivers/net", "kernel"})
	if err != nil {
		t.Fatal(err)
	}
	config := kbuild.Config{"CONFIG_MODULES": "y", "CONFIG_64BIT": "y"}
	plan, err := NewPlan(tree, kbuild.Target{SrcArch: "x86", Config: config}, partition)
	if err != nil {
		t.Fatal(err)
	}
	return tree, plan
}

func TestPlan(t *testing.T) {
	_, plan := planOf(t, linux)
	for name, c := range map[string]struct {
		files           Files
		has, hasNot     string
		directoriesWant string
	}{
		"drivers/net": {
			plan.Shards["drivers/net"],
			"Kbuild drivers/Makefile drivers/net/Makefile drivers/net/Makefile.more drivers/net/dummy.c drivers/net/big/main.c " +
				"drivers/net/big/main.h drivers/elsewhere/far.h include/linux/one_driver.h include/linux/module.h include/linux/list.h " +
				"include/asm-generic/own.h include/linux/kconfig.h include/linux/string.h",
			"drivers/net/Kconfig kernel/core.c drivers/usb/usb.c include/linux/hidden.h tools/include/linux/list.h arch/x86/Makefile",
			"drivers/net",
		},
		"kernel": {
			plan.Shards["kernel"],
			"kernel/core.c kernel/core.h include/linux/list.h kernel/Makefile",
			"include/linux/one_driver.h drivers/net/dummy.c include/linux/module.h",
			"kernel",
		},
		"drivers": {plan.Shards["drivers"], "drivers/Makefile", "drivers/net/dummy.c drivers/usb/usb.c", "drivers"},
		".":       {plan.Shards["."], "lib/a.c", "kernel/core.c certs/x509.asn1", "lib"},
		"prepare": {
			plan.Prepare, "kernel/bounds.c arch/x86/Kconfig kernel/Kconfig tools/include/linux/list.h include/linux/one_driver.h Makefile",
			"kernel/core.c drivers/net/dummy.c lib/a.c", "",
		},
		"link": {
			plan.Link, "rust/bindgen_parameters rust/helpers/helpers.c arch/x86/boot/main.c include/linux/hidden.h drivers/net/Makefile drivers/net/Makefile.more scripts/Kbuild.include",
			"drivers/net/dummy.c kernel/core.c include/linux/one_driver.h", "",
		},
		"finish": {plan.Finish, "scripts/module-common.c include/linux/module.h include/linux/list.h", "drivers/net/dummy.c Makefile", ""},
	} {
		for _, file := range strings.Fields(c.has) {
			if !c.files[file] {
				t.Errorf("%s: got no %s", name, file)
			}
		}
		for _, file := range strings.Fields(c.hasNot) {
			if c.files[file] {
				t.Errorf("%s: got %s, want it in others only", name, file)
			}
		}
		if got := strings.Join(plan.Directories[name], " "); got != c.directoriesWant {
			t.Errorf("%s: got the directories %s, want %s", name, got, c.directoriesWant)
		}
	}
	if !slices.Contains(plan.Names, "drivers/net/dummy.c") || slices.Contains(plan.Names, "drivers/net/Makefile") {
		t.Errorf("got the names %q", plan.Names)
	}
}

// TestPrerequisitesByPath checks that a shard, and the names for the link, have files that a rule names by their path.
func TestPrerequisitesByPath(t *testing.T) {
	files := maps.Clone(linux)
	files["include/scsi/scsi_devinfo.h"] = ""
	files["kernel/Makefile"] += "$(obj)/table.c: include/scsi/scsi_devinfo.h ./lib/a.c include/none.h\n\techo >$@\n"
	_, plan := planOf(t, files)
	for _, name := range []string{"include/scsi/scsi_devinfo.h", "lib/a.c"} {
		if !plan.Shards["kernel"][name] || !slices.Contains(plan.Names, name) {
			t.Errorf("got no %s in the shard, or no name of it for the link", name)
		}
	}
}

// TestPatternRules checks that a shard has the sources from elsewhere that pattern rules compile.
func TestPatternRules(t *testing.T) {
	files := maps.Clone(linux)
	for _, name := range []string{"ctype", "cmdline", "fdt_rw", "other", "with-hyphen"} {
		files["lib/"+name+".c"] = "#include <linux/" + name + ".h>\n"
		files["include/linux/"+name+".h"] = ""
	}
	files["lib/ctype.S"], files["lib/sub/deep.c"] = "", ""
	for name, c := range map[string]struct{ makefile, want string }{
		"words that end in stems": {
			"obj-y += lib-ctype.o $(patsubst %.c,lib-%.o,$(deps))\ndeps := fdt_rw.c lib-with-hyphen.c\n$(obj)/lib-%.o: $(srctree)/lib/%.c FORCE\n",
			"lib/ctype.c lib/fdt_rw.c lib/with-hyphen.c include/linux/ctype.h",
		},
		"paths": {
			"obj-y += display/ctype.o\n$(obj)/display/%.o: ${srctree}/lib/%.c FORCE\n",
			"lib/ctype.c include/linux/ctype.h",
		},
		"no suffix": {"obj-y += ctype.o\n$(obj)/%: $(srctree)/lib/%\n", "lib/ctype.c lib/ctype.S include/linux/ctype.h"},
		"no stem": {
			"obj-y += $(addsuffix .o,$(computed))\n$(obj)/%.o: $(srctree)/lib/%.c\n",
			"lib/a.c lib/ctype.c lib/cmdline.c lib/fdt_rw.c lib/other.c lib/with-hyphen.c",
		},
		"no file": {"obj-y += ctype.o\n$(obj)/%.o: $(srctree)/nowhere/%.c\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			changed := maps.Clone(files)
			changed["kernel/Makefile"] += c.makefile
			_, plan := planOf(t, changed)
			for _, file := range strings.Fields(c.want) {
				if !plan.Shards["kernel"][file] {
					t.Errorf("got no %s", file)
				}
			}
			for file := range plan.Shards["kernel"] {
				if strings.HasPrefix(file, "lib/") && !slices.Contains(strings.Fields(c.want), file) {
					t.Errorf("got %s, want %s only", file, c.want)
				}
			}
		})
	}
}

// TestGeneratedSource checks that a source that Kbuild makes has its headers.
func TestGeneratedSource(t *testing.T) {
	files := maps.Clone(linux)
	files["kernel/x509.asn1"] = ""
	_, plan := planOf(t, files)
	if !plan.Shards["kernel"]["include/linux/asn1_decoder.h"] {
		t.Error("got no header of the C source that asn1_compiler makes")
	}
}

// split returns the bytes of the shards' archives.
func split(t *testing.T, files map[string]string) map[string][]byte {
	t.Helper()
	tree, plan := planOf(t, files)
	config := Configuration{"include/config/auto.conf": []byte("CONFIG_DUMMY_OPTION=y\nCONFIG_LIST=y\nCONFIG_OTHER=y\n")}
	var archives []Archive
	outs := map[string]*bytes.Buffer{}
	for name, set := range plan.Shards {
		outs[name] = &bytes.Buffer{}
		archives = append(archives, Archive{Files: set, Added: config.For(tree, set), Out: outs[name]})
	}
	if err := tree.Split(archives); err != nil {
		t.Fatal(err)
	}
	result := map[string][]byte{}
	for name, out := range outs {
		result[name] = out.Bytes()
	}
	return result
}

// TestSplitChangesWhatIsReached changes each file of a tree, and checks that the archives of those shards change that may
// read it, and no others.
func TestSplitChangesWhatIsReached(t *testing.T) {
	before := split(t, linux)
	_, plan := planOf(t, linux)
	for name, text := range linux {
		if strings.HasPrefix(text, "-> ") || isKbuildFile(name) {
			continue
		}
		files := maps.Clone(linux)
		files[name] = text + "\n/* changed */\n"
		after := split(t, files)
		for shard, archive := range after {
			if changed := !bytes.Equal(archive, before[shard]); changed != plan.Shards[shard][name] {
				t.Errorf("%s changed: shard %s changed: %t, want %t", name, shard, changed, plan.Shards[shard][name])
			}
		}
	}
}

func TestSplitFiltersTheConfiguration(t *testing.T) {
	for shard, want := range map[string]string{
		"drivers/net": "CONFIG_DUMMY_OPTION=y\nCONFIG_LIST=y\n", "kernel": "CONFIG_LIST=y\n", "drivers": "",
	} {
		var got []byte
		err := treearchive.Read(bytes.NewReader(split(t, linux)[shard]), treearchive.All, func(entry treearchive.Entry, contents io.Reader) error {
			var err error
			if entry.Path == "include/config/auto.conf" {
				got, err = io.ReadAll(contents)
			}
			return err
		})
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", shard, got, err, want)
		}
	}
}

func TestSplitReportsErrors(t *testing.T) {
	archive := pack(t, linux)
	out, err := os.OpenFile(filepath.Join(t.TempDir(), "closed"), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	out.Close()
	tree, _ := planOf(t, linux)
	if err := tree.Split([]Archive{{Files: Files{"Kbuild": true}, Out: out}}); err == nil {
		t.Error("got no error of an archive that cannot be written")
	}
	if _, err := ReadTree(bytes.NewReader(archive[:len(archive)/2]), "x86", func(string) bool { return true }); err == nil {
		t.Error("got no error of a source archive that is cut off")
	}
}

// TestWhole checks that the link gets the whole tree where shards are not possible.
func TestWhole(t *testing.T) {
	tree, err := ReadTree(bytes.NewReader(pack(t, linux)), "x86", func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	partition, err := NewPartition([]string{"."})
	if err != nil {
		t.Fatal(err)
	}
	config := kbuild.Config{"CONFIG_MODULES": "y", "CONFIG_TRIM_UNUSED_KSYMS": "y"}
	plan, err := NewPlan(tree, kbuild.Target{SrcArch: "x86", Config: config}, partition)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Link) != len(linux) || len(plan.Prepare) != len(linux) || len(plan.Shards) != 0 {
		t.Errorf("got %d files to link, %d to prepare, %d shards, want all, all, none", len(plan.Link), len(plan.Prepare), len(plan.Shards))
	}
	if !slices.Equal(plan.Whole, []string{"CONFIG_TRIM_UNUSED_KSYMS"}) {
		t.Errorf("got %q", plan.Whole)
	}
}

// TestWholeOfOldVersions checks that the link gets the whole tree of a version that makes vmlinux.a in the root Makefile.
func TestWholeOfOldVersions(t *testing.T) {
	old := maps.Clone(linux)
	delete(old, archiveMakefile)
	_, plan := planOf(t, old)
	if want := []string{"no scripts/Makefile.vmlinux_a"}; !slices.Equal(plan.Whole, want) || len(plan.Link) != len(old) {
		t.Errorf("got %q, %d files to link, want %q, %d", plan.Whole, len(plan.Link), want, len(old))
	}
}

func TestUnsupported(t *testing.T) {
	got := Unsupported(kbuild.Config{"CONFIG_LTO_CLANG": "y", "CONFIG_NET": "y", "CONFIG_GCC_PLUGINS": "y"})
	if !slices.Equal(got, []string{"CONFIG_GCC_PLUGINS", "CONFIG_LTO_CLANG"}) {
		t.Errorf("got %q", got)
	}
}
