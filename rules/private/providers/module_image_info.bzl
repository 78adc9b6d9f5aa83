# SPDX-License-Identifier: Apache-2.0
"""ModuleImageInfo: the modules of a kernel in a volume with one root hash."""

visibility("//...")

DOC = """\
A module image: an EROFS file system with `lib/modules/RELEASE`, and after it, in the same file, a dm-verity hash tree.

Format: EROFS (`fs/erofs/erofs_fs.h` of Linux) and dm-verity (`Documentation/admin-guide/device-mapper/verity.rst`).
"""

FIELDS = {
    "image": "File: the image.",
    "installed": "File: the directory with the files of the image, in `lib/modules/RELEASE`.",
    "kernel": "Label of the `kernel_build` whose modules the image has.",
    "label": "Label of the target: named in errors.",
    "machine": "string: the architecture, as in `ModuleTreeInfo`.",
    "root_hash": "File with the root hash: `sha256:` and 64 hexadecimal digits.",
}

ModuleImageInfo = provider(doc = DOC, fields = FIELDS)
