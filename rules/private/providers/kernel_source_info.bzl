# SPDX-License-Identifier: Apache-2.0
"""KernelSourceInfo: patched kernel source."""

visibility("//...")

DOC = "Patched kernel source."

FIELDS = {
    "archive": "File: the source tree, `.tar.zst`, as `kbuild source` writes it.",
    "kconfig": "File: the files of the tree that a configuration may depend on, `.tar.zst`.",
    "version": "string: the kernel's version, for information only, such as `7.2.12`, or empty.",
}

KernelSourceInfo = provider(doc = DOC, fields = FIELDS)
