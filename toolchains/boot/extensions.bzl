# SPDX-License-Identifier: Apache-2.0
"""The module extension for the boot toolchain. Re-exports only: the code is in private/."""

load("//toolchains/boot/private:boot_tools.bzl", _boot_tools = "boot_tools")

boot_tools = _boot_tools
