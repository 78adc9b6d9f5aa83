# SPDX-License-Identifier: Apache-2.0
"""The Linux versions that there are patches for: a directory here each."""

visibility([
    "//tests/kernel",
    "//toolchains/kernel/...",
])

# bazelw reads it, too: one a line. README.md describes how to add one.
SERIES = [
    "7.2",
    "7.3",
]
