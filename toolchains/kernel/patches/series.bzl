# SPDX-License-Identifier: Apache-2.0
"""The Linux versions that have patches, each in its own directory here."""

visibility([
    "//tests/kernel",
    "//toolchains/kernel/...",
])

# Versions whose sources are in the world. bazelw reads this list too: one version per line. README.md describes how to
# add a version.
_IN_WORLD = [
    "7.2",
    "7.3",
]

# A source of Linux 6.12 has to be given, by the attributes urls, archive or path of linux.source.
SERIES = ["6.12"] + _IN_WORLD
