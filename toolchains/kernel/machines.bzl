# SPDX-License-Identifier: Apache-2.0
"""The machines that kernels are built for, and what the programs for them are called."""

visibility([
    "//tests/...",
    "//toolchains/kernel/...",
])

# What the names of a machine's GCC and binary tools begin with, in distributions.
CROSS_PREFIXES = {
    "arm": "arm-linux-gnueabihf-",
    "arm64": "aarch64-linux-gnu-",
    "ppc64le": "powerpc64le-linux-gnu-",
    "riscv64": "riscv64-linux-gnu-",
    "s390x": "s390x-linux-gnu-",
    "x86_64": "x86_64-linux-gnu-",
}
