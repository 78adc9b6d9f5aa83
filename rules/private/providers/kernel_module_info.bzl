# SPDX-License-Identifier: Apache-2.0
"""KernelModuleInfo: one kernel module whose name is known before it is built."""

visibility("//...")

DOC = """\
One kernel module whose name is known before it is built.

A target that stands for a single module offers this beside `KernelModulesInfo`; a target with many
modules (a kernel build) puts one into `KernelModulesInfo.modules` for each.
"""

FIELDS = {
    "existing_signature": """\
string: what happens to a signature trailer that `module` already carries. `strip`: it is cut off, and
the bare module is hashed and sealed. `keep`: it is hashed as a part of the module. `error`: the build
fails.""",
    "install_path": """\
string: where the module is installed, relative to `lib/modules/RELEASE`, such as
`kernel/fs/ext4/ext4.ko`. Clean, relative, ends in `.ko`: a compression suffix is no part of it.""",
    "label": "Label of the target that offers the module: named in errors.",
    "module": "File with the module itself: `.ko`, or compressed as `.ko.gz`, `.ko.xz` or `.ko.zst`.",
}

KernelModuleInfo = provider(doc = DOC, fields = FIELDS)
