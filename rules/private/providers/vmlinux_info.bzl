# SPDX-License-Identifier: Apache-2.0
"""VmlinuxInfo: a kernel that knows its modules."""

visibility("//...")

DOC = "A kernel that was linked with the root of its modules."

FIELDS = {
    "image": "File: the boot image, such as `bzImage` or `Image`.",
    "machine": "string: the machine, as in `ModuleTreeInfo`.",
    "root_object": "File: the root object that was linked in.",
    "vmlinux": "File: `vmlinux`, an ELF executable.",
    "vmlinux_unstripped": "File: `vmlinux.unstripped`, with relocations.",
}

VmlinuxInfo = provider(doc = DOC, fields = FIELDS)
