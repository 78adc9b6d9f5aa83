# SPDX-License-Identifier: Apache-2.0
"""The modules of a kernel configured with arm64.config."""

ARM64_MODULES = [
    "drivers/block/loop.ko",
    "drivers/net/dummy.ko",
    "drivers/net/veth.ko",
    "fs/cramfs/cramfs.ko",
]
