# SPDX-License-Identifier: Apache-2.0
"""KernelModulesInfo: all modules that a target provides for a tree."""

visibility("//...")

DOC = """\
All modules that a target provides for `module_tree` and `module_verify_test`.

A rule that builds modules returns this provider. A member of a tree needs nothing else.
"""

FIELDS = {
    "directories": """\
list of KernelModuleDirectoryInfo, possibly empty: modules whose names are unknown until they are built.""",
    "modules": """\
list of KernelModuleInfo, possibly empty: modules whose names are known. No two have the same install path.""",
}

KernelModulesInfo = provider(doc = DOC, fields = FIELDS)
