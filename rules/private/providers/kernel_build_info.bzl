# SPDX-License-Identifier: Apache-2.0
"""KernelBuildInfo: a kernel before the link with the root of its modules."""

visibility("//...")

DOC = """\
The files that Kbuild built from a kernel configuration, with the root of the empty tree.

The modules are in `KernelModulesInfo`.
"""

FIELDS = {
    "boot_policy": "File: the policy of IPE that is compiled in, with zeros for the root hash, or None.",
    "config": "KernelConfigInfo of the build.",
    "devel": "File: the files to build out-of-tree modules against, `.tar.zst`.",
    "graph": "string: `one` if one action built the kernel, `shards` if several did.",
    "label": "Label of the build: named in errors.",
    "link_trees": """\
list of File: archives, `.tar.zst`, for the link with the root of the modules. `kbuild link` and `kbuild overwrite` unpack
each over the ones before.""",
    "modules_builtin": "File: `modules.builtin`.",
    "modules_builtin_modinfo": "File: `modules.builtin.modinfo`.",
    "modules_order": "File: `modules.order`, one `.o` path per line.",
    "objects": "File: the files that Kbuild built, `.tar.zst`; of a kernel in shards, those of its link. One of `link_trees`.",
    "release": "File with the kernel's release, as `uname -r` prints it.",
    "symvers": "File: `Module.symvers`.",
    "system_map": "File: `System.map`.",
    "vmlinux": "File: `vmlinux` with the root of the empty tree.",
    "vmlinux_unstripped": "File: `vmlinux.unstripped` with the root of the empty tree.",
}

KernelBuildInfo = provider(doc = DOC, fields = FIELDS)
