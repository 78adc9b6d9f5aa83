# SPDX-License-Identifier: Apache-2.0
"""VmlinuxInfo: a kernel that knows its modules."""

visibility("//...")

DOC = "A kernel that was linked with the root of its modules."

FIELDS = {
    "build": "KernelBuildInfo of the kernel: configuration, source, and what else Kbuild made.",
    "image": "File: the boot image, such as `bzImage` or `Image`.",
    "machine": "string: the machine, as in `ModuleTreeInfo`.",
    "toolchain_manifest": "File that lists the programs that linked the kernel, as in `KernelToolchainInfo`.",
    "tree": "ModuleTreeInfo of the tree whose root was linked in.",
    "vmlinux": "File: `vmlinux`, an ELF executable.",
    "vmlinux_unstripped": "File: `vmlinux.unstripped`, with relocations.",
}

VmlinuxInfo = provider(doc = DOC, fields = FIELDS)
