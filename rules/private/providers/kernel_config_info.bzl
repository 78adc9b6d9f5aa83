# SPDX-License-Identifier: Apache-2.0
"""KernelConfigInfo: a kernel configuration, with its source, architecture and compiler."""

visibility("//...")

DOC = "A kernel configuration, with its source, architecture and compiler."

FIELDS = {
    "compiler": "string: `gcc` or `clang`. Kconfig tests which options the compiler supports.",
    "config": "File: the complete configuration (`.config`).",
    "machine": "string: the architecture, as in `ModuleTreeInfo`.",
    "source": "KernelSourceInfo of the source that the configuration is for.",
}

KernelConfigInfo = provider(doc = DOC, fields = FIELDS)
