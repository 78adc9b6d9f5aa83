# SPDX-License-Identifier: Apache-2.0
"""BootToolchainInfo: QEMU and busybox for virtual machines."""

visibility("//...")

DOC = """\
What a toolchain of type `@rules_modhash//toolchains/boot:toolchain_type` offers, in its field `boot_info`.
"""

FIELDS = {
    "busybox": """\
dict of machine name (string, as `module_tree` names it) to File: a busybox without dynamic libraries, for
that machine. Machines without one are not in it.""",
    "emulators": """\
dict of machine name (string) to the absolute path (string) of QEMU, where tests run. Machines without one
are not in it.""",
    "manifest": """\
File with digests of the emulators and their firmware, which are no inputs of their own: an input of each
test that boots.""",
}

BootToolchainInfo = provider(doc = DOC, fields = FIELDS)
