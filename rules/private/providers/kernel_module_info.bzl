# SPDX-License-Identifier: Apache-2.0
"""KernelModuleInfo: one kernel module whose name is known before it is built."""

visibility("//...")

DOC = """\
One kernel module whose name is known before it is built.

A target for a single module provides this and `KernelModulesInfo`. A target with many modules (a kernel
build) has one of these for each module in `KernelModulesInfo.modules`.
"""

FIELDS = {
    "existing_signature": """\
string: what happens to a signature trailer that `module` already has. `strip`: the rules drop it, then
hash and seal the module without it. `keep`: the rules hash it as a part of the module. `error`: the build
fails.""",
    "install_path": """\
string: where the module is installed, relative to `lib/modules/RELEASE`, such as
`kernel/fs/ext4/ext4.ko`. Clean, relative, ends in `.ko`, without a compression suffix.""",
    "label": "Label of the target that provides the module: named in errors.",
    "module": "File: the module, `.ko`, or compressed as `.ko.gz`, `.ko.xz` or `.ko.zst`.",
}

KernelModuleInfo = provider(doc = DOC, fields = FIELDS)
