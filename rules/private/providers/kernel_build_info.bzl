# SPDX-License-Identifier: Apache-2.0
"""KernelBuildInfo: a kernel whose root is not yet known."""

visibility("//...")

DOC = """\
What Kbuild made of a kernel configuration, with the root of the empty tree.

The modules are in `KernelModulesInfo`.
"""

FIELDS = {
    "config": "KernelConfigInfo of the build.",
    "devel": "File: what building further modules needs, `.tar.zst`.",
    "label": "Label of the build: named in errors.",
    "modules_builtin": "File: `modules.builtin`.",
    "modules_builtin_modinfo": "File: `modules.builtin.modinfo`.",
    "modules_order": "File: `modules.order`, one `.o` path a line.",
    "objects": "File: all that Kbuild made beside the source, `.tar.zst`, for the link with the real root.",
    "release": "File with the kernel's release, as `uname -r` prints it.",
    "symvers": "File: `Module.symvers`.",
    "system_map": "File: `System.map`.",
    "vmlinux": "File: `vmlinux` with the root of the empty tree.",
    "vmlinux_unstripped": "File: `vmlinux.unstripped` with the root of the empty tree.",
}

KernelBuildInfo = provider(doc = DOC, fields = FIELDS)
