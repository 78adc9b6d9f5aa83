# SPDX-License-Identifier: Apache-2.0
"""ModuleTreeInfo: a Merkle tree over kernel modules, and the files made from it."""

visibility("//...")

DOC = """\
A Merkle tree over kernel modules, and the files made from it.

A separate action writes each file, so that Bazel builds only the files that a build needs.
"""

FIELDS = {
    "directories": "list of KernelModuleDirectoryInfo: the tree's modules with unknown names, possibly empty.",
    "label": "Label of the tree: named in errors.",
    "machine": """\
string: the architecture that the modules and the root object are for: `x86_64`, `arm64`, `riscv64`,
`ppc64le`, `s390x` or `arm`. None: the one that the modules are built for, as their ELF headers state.""",
    "modules": """\
list of KernelModuleInfo: the tree's modules with known names, in bytewise order of install paths, possibly
empty.""",
    "order": """\
File with a modules.order that gives positions, or None. Modules that it does not list follow in bytewise order
of install paths.""",
    "proofs": """\
File: a directory with `<install path>.proof.pb`, a serialized `modhash.v1.ModuleProof`, for each module.""",
    "root_object": """\
File: an ELF relocatable object for `machine` with the section `.module_hashes`, which contains the symbol
`module_hashes_root`: 4 bytes levels in the architecture's byte order, 32 bytes root hash.""",
    "sealed": """\
File: a directory with each module at its install path, uncompressed, with its proof appended in place
of a signature.""",
    "tree": "File: a serialized `modhash.v1.ModuleTree`: root, levels, and all modules in order.",
}

ModuleTreeInfo = provider(doc = DOC, fields = FIELDS)
