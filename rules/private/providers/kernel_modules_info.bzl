# SPDX-License-Identifier: Apache-2.0
"""KernelModulesInfo: all modules that a target offers to a tree."""

visibility("//...")

DOC = """\
All modules that a target offers to `module_tree` and `module_verify_test`.

Whoever writes a rule that makes modules returns this; nothing else is needed to take part in a tree.
"""

FIELDS = {
    "directories": """\
list of KernelModuleDirectoryInfo, maybe empty: modules whose names are unknown until they are built.""",
    "modules": """\
list of KernelModuleInfo, maybe empty: modules whose names are known. No two have the same install path.""",
}

KernelModulesInfo = provider(doc = DOC, fields = FIELDS)
