# SPDX-License-Identifier: Apache-2.0
"""Module extensions for kernel builds: source and tools. Re-exports only: the code is in private/."""

load("//toolchains/kernel/private:kernel_tools.bzl", _kernel_tools = "kernel_tools")
load("//toolchains/kernel/private:linux.bzl", _linux = "linux")

kernel_tools = _kernel_tools
linux = _linux
