# SPDX-License-Identifier: Apache-2.0
"""KernelModuleDirectoryInfo: kernel modules in a directory whose contents are unknown until it is built."""

visibility("//...")

DOC = """\
Kernel modules in a directory whose contents are unknown until it is built.

Each `.ko`, `.ko.gz`, `.ko.xz` and `.ko.zst` below `directory` is a module. Its install path is its path
relative to `directory`, without `strip_prefix` and the compression suffix, with `install_prefix` before it.
"""

FIELDS = {
    "directory": "File: a directory that an action makes (`ctx.actions.declare_directory`).",
    "existing_signature": """\
string: `strip`, `keep` or `error`, for each module in the directory; see `KernelModuleInfo`.""",
    "install_prefix": "string: a clean relative path before each install path, or empty.",
    "label": "Label of the target that provides the directory: named in errors.",
    "strip_prefix": """\
string: a clean relative path, or empty. A module in the directory that is not below it is an error.""",
}

KernelModuleDirectoryInfo = provider(doc = DOC, fields = FIELDS)
