# SPDX-License-Identifier: Apache-2.0
"""The modules of a kernel configured with btf.config."""

BTF_MODULES = [
    "drivers/net/dummy.ko",
    "drivers/net/veth.ko",
    "fs/cramfs/cramfs.ko",
]
