# SPDX-License-Identifier: Apache-2.0
"""KernelConfigInfo: a kernel configuration, with its source, architecture and compiler."""

visibility("//...")

DOC = "A kernel configuration, with its source, architecture and compiler."

FIELDS = {
    "compiler": "string: `gcc` or `clang`. Kconfig tests which options the compiler supports.",
    "config": "File: the complete configuration (`.config`).",
    "configuration": "File: what Kbuild makes of it for compilers and make, `.tar.zst`, for builds in shards.",
    "machine": "string: the architecture, as in `ModuleTreeInfo`.",
    "source": "KernelSourceInfo of the source that the configuration is for.",
}

KernelConfigInfo = provider(doc = DOC, fields = FIELDS)
