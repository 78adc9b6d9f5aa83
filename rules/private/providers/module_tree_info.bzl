# SPDX-License-Identifier: Apache-2.0
"""ModuleTreeInfo: a Merkle tree over kernel modules, and what is made from it."""

visibility("//...")

DOC = """\
A Merkle tree over kernel modules, and what is made from it.

Each file comes from an action of its own: what nobody asks for is not built.
"""

FIELDS = {
    "directories": "list of KernelModuleDirectoryInfo: the tree's modules with unknown names, maybe empty.",
    "label": "Label of the tree: named in errors.",
    "machine": """\
string: the machine that the modules and the root object are for: `x86_64`, `arm64`, `riscv64`,
`ppc64le`, `s390x` or `arm`. None: the one that the modules are built for, as their ELF headers state.""",
    "modules": """\
list of KernelModuleInfo: the tree's modules with known names, in bytewise order of install paths, maybe
empty.""",
    "order": """\
File with a modules.order that gives positions, or None. Modules that it does not list follow in bytewise order
of install paths.""",
    "proofs": """\
File: a directory with `<install path>.proof.pb`, a serialized `modhash.v1.ModuleProof`, for each module.""",
    "root_object": """\
File: an ELF relocatable object for `machine` with the section `.module_hashes`, which holds the symbol
`module_hashes_root`: 4 bytes levels in the machine's byte order, 32 bytes root hash.""",
    "sealed": """\
File: a directory with each module at its install path, uncompressed, with its proof appended in place
of a signature.""",
    "tree": "File: a serialized `modhash.v1.ModuleTree`: root, levels, and all modules in order.",
}

ModuleTreeInfo = provider(doc = DOC, fields = FIELDS)
