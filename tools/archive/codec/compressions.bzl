# SPDX-License-Identifier: Apache-2.0
# Generated from codec.go. To update this file, run: bazel run //tools/archive/codec:update
"""The compressions of modules, and of what rules write."""

visibility("//...")

# What the names of modules end with.
MODULE_SUFFIXES = [
    ".ko",
    ".ko.gz",
    ".ko.xz",
    ".ko.zst",
]

# How modules are compressed when they are installed.
MODULE_COMPRESSIONS = [
    "gzip",
    "none",
    "xz",
    "zstd",
]

# What the names of initramfs archives end with, by their compression.
INITRAMFS_SUFFIXES = {
    "gzip": ".cpio.gz",
    "none": ".cpio",
    "zstd": ".cpio.zst",
}
