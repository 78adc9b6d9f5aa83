# SPDX-License-Identifier: Apache-2.0
"""VmlinuxInfo: a kernel that recognizes its modules."""

visibility("//...")

DOC = "A kernel with the root of its modules, or with the root hash of a module image in its policy, or both."

FIELDS = {
    "build": "KernelBuildInfo of the kernel: configuration, source, and the other files that Kbuild built.",
    "image": "File: the boot image, such as `bzImage` or `Image`.",
    "machine": "string: the architecture, as in `ModuleTreeInfo`.",
    "module_image": "ModuleImageInfo of the module image whose root hash is in the policy of `vmlinux`, or None.",
    "policy": "File: the policy of IPE that `vmlinux` contains, with the root hash of `module_image`, or None.",
    "toolchain_manifest": "File that lists the programs that made the kernel, as in `KernelToolchainInfo`.",
    "tree": "ModuleTreeInfo of the tree whose root `vmlinux` contains. None with a module image alone.",
    "vmlinux": "File: `vmlinux`, an ELF executable.",
    "vmlinux_unstripped": "File: `vmlinux.unstripped`, with relocations.",
}

VmlinuxInfo = provider(doc = DOC, fields = FIELDS)
