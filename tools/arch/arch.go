// SPDX-License-Identifier: Apache-2.0

// Package arch is the table of architectures that kernels are built and hashed for, and all names that they go by. The
// constants of arch.bzl, which rules and toolchains load, are generated from it (bazel run //tools/arch:update).
package arch

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Target states for which architecture an ELF object was built.
type Target struct {
	// Class is 32 or 64 bit, Data the byte order, Machine the instruction set.
	Class   elf.Class
	Data    elf.Data
	Machine elf.Machine
}

// String returns, for example, "ELFCLASS64 ELFDATA2LSB EM_X86_64".
func (t Target) String() string {
	return fmt.Sprintf("%s %s %s", t.Class, t.Data, t.Machine)
}

// ByteOrder returns the order of the target's integers.
func (t Target) ByteOrder() binary.ByteOrder {
	if t.Data == elf.ELFDATA2MSB {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Architecture is a row of the table.
type Architecture struct {
	// Name is ours, on command lines and in BUILD files: the kernel's UTS_MACHINE, but for arm64 and arm, which go by
	// their ARCH.
	Name string
	// Aliases are further names that command lines take: those of Kbuild (ARCH=), Debian and Bazel.
	Aliases []string
	// Target is the ELF class, byte order and machine of its objects, Flags their e_flags: the ABI, which linkers
	// compare between objects.
	Target Target
	Flags  uint32
	// Kbuild is its ARCH for make, Directory its directory in arch/, Symbol what each configuration for it sets to y.
	Kbuild, Directory, Symbol string
	// Reads are the directories in arch/ that its builds read, none if that is not known.
	Reads []string
	// Image is the make target of its boot image, and the image's name in arch/DIRECTORY/boot.
	Image string
	// CrossPrefix begins the names of its GCC and binary tools in distributions.
	CrossPrefix string
	// GNUImage is whether GNU's binary tools make its boot image, also of a kernel that Clang builds.
	GNUImage bool
	// Debian is what Debian calls it.
	Debian string
	// CPUs are its constraint values in @platforms//cpu. Host is what Bazel calls it as a host (repository_os.arch).
	CPUs []string
	Host string
	// Go is its GOARCH.
	Go string
}

const (
	// armEABI5 is the ABI version (EF_ARM_EABI_VER5) that every object of a current arm kernel has. Float ABI flags
	// belong to linked files only.
	armEABI5 = 0x05000000
	// ppc64ELFv2 is the ABI version (EF_PPC64_ABI) of little-endian PowerPC.
	ppc64ELFv2 = 2
	// riscvSoftFloat is the ABI of the kernel (-mabi=lp64). EF_RISCV_RVC stays out: linkers merge it into the output,
	// and data has no instructions.
	riscvSoftFloat = 0
)

// All is the table, in the order in which messages name architectures.
var All = []Architecture{
	{
		Name: "x86_64", Aliases: []string{"x86", "amd64", "x86-64"},
		Target: Target{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_X86_64},
		Kbuild: "x86_64", Directory: "x86", Symbol: "CONFIG_X86", Reads: []string{"x86", "um"}, Image: "bzImage",
		CrossPrefix: "x86_64-linux-gnu-", Debian: "amd64", CPUs: []string{"x86_64"}, Host: "amd64", Go: "amd64",
	},
	{
		Name: "arm64", Aliases: []string{"aarch64"},
		Target: Target{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_AARCH64},
		// The table of x86 is what scripts/checksyscalls.sh compares system calls with.
		Kbuild: "arm64", Directory: "arm64", Symbol: "CONFIG_ARM64", Reads: []string{"arm64", "arm", "x86"}, Image: "Image",
		CrossPrefix: "aarch64-linux-gnu-", Debian: "arm64", CPUs: []string{"aarch64"}, Host: "aarch64", Go: "arm64",
	},
	{
		Name: "riscv64", Aliases: []string{"riscv"},
		Target: Target{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_RISCV}, Flags: riscvSoftFloat,
		Kbuild: "riscv", Directory: "riscv", Symbol: "CONFIG_RISCV", Image: "Image",
		CrossPrefix: "riscv64-linux-gnu-", Debian: "riscv64", CPUs: []string{"riscv64"}, Host: "riscv64", Go: "riscv64",
	},
	{
		Name: "ppc64le", Aliases: []string{"powerpc", "powerpc64le", "ppc64el"},
		Target: Target{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_PPC64}, Flags: ppc64ELFv2,
		Kbuild: "powerpc", Directory: "powerpc", Symbol: "CONFIG_PPC", Image: "zImage",
		// arch/powerpc/boot/wrapper calls them by CROSS_COMPILE.
		GNUImage: true, CrossPrefix: "powerpc64le-linux-gnu-", Debian: "ppc64el", CPUs: []string{"ppc64le"}, Host: "ppc64le", Go: "ppc64le",
	},
	{
		Name: "s390x", Aliases: []string{"s390"},
		Target: Target{elf.ELFCLASS64, elf.ELFDATA2MSB, elf.EM_S390},
		Kbuild: "s390", Directory: "s390", Symbol: "CONFIG_S390", Image: "bzImage",
		CrossPrefix: "s390x-linux-gnu-", Debian: "s390x", CPUs: []string{"s390x"}, Host: "s390x", Go: "s390x",
	},
	{
		Name: "arm", Aliases: []string{"armhf", "armv7", "armv7l"},
		Target: Target{elf.ELFCLASS32, elf.ELFDATA2LSB, elf.EM_ARM}, Flags: armEABI5,
		Kbuild: "arm", Directory: "arm", Symbol: "CONFIG_ARM", Image: "zImage",
		CrossPrefix: "arm-linux-gnueabihf-", Debian: "armhf", CPUs: []string{"arm", "armv7"}, Host: "arm", Go: "arm",
	},
}

// Named returns the architecture with that name or alias.
func Named(name string) (Architecture, error) {
	for _, a := range All {
		if a.Name == name || slices.Contains(a.Aliases, name) {
			return a, nil
		}
	}
	return Architecture{}, fmt.Errorf("unknown architecture %q, want one of %s", name, Names())
}

// Find returns the architecture with that name. An alias is not one.
func Find(name string) (Architecture, bool) {
	i := slices.IndexFunc(All, func(a Architecture) bool { return a.Name == name })
	if i < 0 {
		return Architecture{}, false
	}
	return All[i], true
}

// Of returns the architecture whose objects have a target.
func Of(t Target) (Architecture, bool) {
	i := slices.IndexFunc(All, func(a Architecture) bool { return a.Target == t })
	if i < 0 {
		return Architecture{}, false
	}
	return All[i], true
}

// Names returns the names of all architectures in the order of the table, separated by commas.
func Names() string {
	names := make([]string, len(All))
	for i, a := range All {
		names[i] = a.Name
	}
	return strings.Join(names, ", ")
}

// Sorted returns the names of the architectures for which has returns true, in bytewise order.
func Sorted(has func(Architecture) bool) []string {
	var names []string
	for _, a := range All {
		if has(a) {
			names = append(names, a.Name)
		}
	}
	slices.Sort(names)
	return names
}

// ImagePath returns where a build puts the boot image in the source tree.
func (a Architecture) ImagePath() string {
	return "arch/" + a.Directory + "/boot/" + a.Image
}
