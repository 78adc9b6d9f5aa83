# SPDX-License-Identifier: Apache-2.0
"""BootToolchainInfo: QEMU and busybox for virtual machines."""

visibility("//...")

DOC = """\
What a toolchain of type `@rules_modhash//toolchains/boot:toolchain_type` provides, in its field `boot_info`.
"""

FIELDS = {
    "busybox": """\
dict of architecture (string, as in `ModuleTreeInfo`) to File: a statically linked busybox for that
architecture. Architectures without a busybox are absent.""",
    "emulators": """\
dict of architecture (string) to the absolute path (string) of QEMU, where tests run. Architectures without
an emulator are absent.""",
    "manifest": """\
File with digests of the emulators and their firmware, which are not declared inputs: an input of each boot
test.""",
}

BootToolchainInfo = provider(doc = DOC, fields = FIELDS)
