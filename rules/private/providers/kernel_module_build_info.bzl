# SPDX-License-Identifier: Apache-2.0
"""KernelModuleBuildInfo: what other modules need to depend on a module that is built from source."""

visibility("//...")

DOC = "What other modules need to depend on a module that is built from source."

FIELDS = {
    "hdrs": "depset of File: headers of the module and of those it depends on.",
    "includes": "depset of strings: include directories of these headers, relative to the workspace.",
    "kernel": "Label of the `kernel_build` that the module is for.",
    "machine": "string: the architecture that the module is for, as in `ModuleTreeInfo`.",
    "symvers": "depset of File: `Module.symvers` of the module and of those it depends on.",
}

KernelModuleBuildInfo = provider(doc = DOC, fields = FIELDS)
