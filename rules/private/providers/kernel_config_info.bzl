# SPDX-License-Identifier: Apache-2.0
"""KernelConfigInfo: a kernel configuration, and what it is for."""

visibility("//...")

DOC = "A kernel configuration, and what it is for."

FIELDS = {
    "compiler": "string: `gcc` or `clang`. Kconfig asks the compiler what it can do.",
    "config": "File: the complete configuration (`.config`).",
    "machine": "string: the machine, as in `ModuleTreeInfo`.",
    "source": "KernelSourceInfo that the configuration was made with.",
}

KernelConfigInfo = provider(doc = DOC, fields = FIELDS)
