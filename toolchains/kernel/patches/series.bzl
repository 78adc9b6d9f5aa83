# SPDX-License-Identifier: Apache-2.0
"""The Linux versions that have patches, each in its own directory here."""

visibility([
    "//tests/kernel",
    "//tests/matrix",
    "//toolchains/kernel/...",
])

# bazelw reads this list too: one version per line. README.md describes how to add a version.
SERIES = [
    "6.12",
    "7.2",
    "7.3",
]
