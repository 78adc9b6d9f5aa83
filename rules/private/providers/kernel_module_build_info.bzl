# SPDX-License-Identifier: Apache-2.0
"""KernelModuleBuildInfo: what other modules need of one that was built from source."""

visibility("//...")

DOC = "What other modules need of one that was built from source."

FIELDS = {
    "hdrs": "depset of File: headers of the module and of those it depends on.",
    "includes": "depset of strings: folders, relative to the workspace, that these headers are found in.",
    "kernel": "Label of the `kernel_build` that the module is for.",
    "machine": "string: the machine that the module is for, as in `ModuleTreeInfo`.",
    "symvers": "depset of File: `Module.symvers` of the module and of those it depends on.",
}

KernelModuleBuildInfo = provider(doc = DOC, fields = FIELDS)
