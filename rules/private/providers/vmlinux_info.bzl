# SPDX-License-Identifier: Apache-2.0
"""VmlinuxInfo: a kernel with module hashes."""

visibility("//...")

DOC = "A kernel with the root of its modules."

FIELDS = {
    "build": "KernelBuildInfo of the kernel: configuration, source, and the other files that Kbuild built.",
    "image": "File: the boot image, such as `bzImage` or `Image`.",
    "machine": "string: the architecture, as in `ModuleTreeInfo`.",
    "toolchain_manifest": "File that lists the programs that made the kernel, as in `KernelToolchainInfo`.",
    "tree": "ModuleTreeInfo of the tree whose root `vmlinux` contains.",
    "vmlinux": "File: `vmlinux`, an ELF executable.",
    "vmlinux_unstripped": "File: `vmlinux.unstripped`, with relocations.",
}

VmlinuxInfo = provider(doc = DOC, fields = FIELDS)
