# SPDX-License-Identifier: Apache-2.0
# Generated from arch.go, and from tools/boot/qemu/board.go. To update this file, run: bazel run //tools/arch:update
"""The architectures that modules and kernels are built for, as `module_tree` names them."""

visibility("//...")

# All of them.
MACHINES = [
    "arm",
    "arm64",
    "ppc64le",
    "riscv64",
    "s390x",
    "x86_64",
]

# Those that can be booted.
BOOT_MACHINES = [
    "arm64",
    "ppc64le",
    "riscv64",
    "s390x",
    "x86_64",
]

# By the constraint values of target platforms.
MACHINES_BY_CPU = {
    "@platforms//cpu:aarch64": "arm64",
    "@platforms//cpu:arm": "arm",
    "@platforms//cpu:armv7": "arm",
    "@platforms//cpu:ppc64le": "ppc64le",
    "@platforms//cpu:riscv64": "riscv64",
    "@platforms//cpu:s390x": "s390x",
    "@platforms//cpu:x86_64": "x86_64",
}

# By what Bazel calls them as hosts (`repository_os.arch`).
MACHINES_BY_HOST = {
    "aarch64": "arm64",
    "amd64": "x86_64",
    "arm": "arm",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}

# What the names of an architecture's GCC and binary tools begin with, in distributions.
CROSS_PREFIXES = {
    "arm": "arm-linux-gnueabihf-",
    "arm64": "aarch64-linux-gnu-",
    "ppc64le": "powerpc64le-linux-gnu-",
    "riscv64": "riscv64-linux-gnu-",
    "s390x": "s390x-linux-gnu-",
    "x86_64": "x86_64-linux-gnu-",
}

# What Debian calls them.
DEBIAN_ARCHITECTURES = {
    "arm": "armhf",
    "arm64": "arm64",
    "ppc64le": "ppc64el",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "x86_64": "amd64",
}

# Boot images, as the kernel calls them.
IMAGES = {
    "arm": "zImage",
    "arm64": "Image",
    "ppc64le": "zImage",
    "riscv64": "Image",
    "s390x": "bzImage",
    "x86_64": "bzImage",
}

# Their directories in the kernel's arch/.
SOURCE_DIRECTORIES = {
    "arm": "arm",
    "arm64": "arm64",
    "ppc64le": "powerpc",
    "riscv64": "riscv",
    "s390x": "s390",
    "x86_64": "x86",
}

# QEMU's programs.
EMULATORS = {
    "arm64": "qemu-system-aarch64",
    "ppc64le": "qemu-system-ppc64",
    "riscv64": "qemu-system-riscv64",
    "s390x": "qemu-system-s390x",
    "x86_64": "qemu-system-x86_64",
}

# GOARCH of those that can be booted.
GO_ARCHITECTURES = {
    "arm64": "arm64",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "x86_64": "amd64",
}

# Constraint values of those that can be booted.
BOOT_CPUS = {
    "arm64": "@platforms//cpu:aarch64",
    "ppc64le": "@platforms//cpu:ppc64le",
    "riscv64": "@platforms//cpu:riscv64",
    "s390x": "@platforms//cpu:s390x",
    "x86_64": "@platforms//cpu:x86_64",
}
