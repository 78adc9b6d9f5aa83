# SPDX-License-Identifier: Apache-2.0
"""The machines that can be booted."""

visibility("//...")

# Names as module_tree has them.
BOOT_MACHINES = ["arm64", "x86_64"]
