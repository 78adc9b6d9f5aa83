# SPDX-License-Identifier: Apache-2.0
"""A kernel for analysis tests, which never build it."""

load("//rules:defs.bzl", "kernel_build", "kernel_config", "kernel_module", "kernel_source", "module_tree", "vmlinux")
load("//tests/analysis:declare.bzl", "declare")

visibility("//...")

def kernel_fixtures(name):
    """Source, configurations, kernels, trees and a vmlinux.

    Args:
      name: string, `fixtures`.
    """
    declare(name = name + "_archive", files = [name + "/linux.tar.xz"])
    declare(name = name + "_patches", files = [name + "/b.patch", name + "/a.patch"])
    declare(name = name + "_fragments", files = [name + "/2.config", name + "/1.config"])
    declare(name = name + "_base", files = [name + "/base.config"])
    declare(name = name + "_keys", files = [name + "/keys.pem"])
    declare(name = name + "_sources", files = [name + "/main.c", name + "/entry.S"])
    declare(name = name + "_main", files = [name + "/other/main.c"])
    declare(name = name + "_header", files = [name + "/api.h"])
    declare(name = name + "_textual", files = [name + "/part.c"])
    declare(name = name + "_kbuild", files = [name + "/Kbuild"])
    kernel_source(
        name = name + "_source",
        archive = name + "_archive",
        patches = [name + "_patches"],
        tags = ["manual"],
        version = "7.2.12",
    )
    for machine in ["arm64", "x86_64"]:
        kernel_config(
            name = "%s_%s_config" % (name, machine),
            base = "defconfig",
            fragments = [name + "_fragments"],
            machine = machine,
            source = name + "_source",
            tags = ["manual"],
        )
        kernel_build(
            name = "%s_%s" % (name, machine),
            config = "%s_%s_config" % (name, machine),
            modules = ["fs/ext4/ext4.ko", "crypto/100%.ko"],
            tags = ["manual"],
        )
        module_tree(
            name = "%s_%s_tree" % (name, machine),
            modules = ["%s_%s" % (name, machine)],
            tags = ["manual"],
        )
        kernel_module(
            name = "%s_%s_module" % (name, machine),
            srcs = [name + "_main"],
            hdrs = [name + "_header"],
            kernel = "%s_%s" % (name, machine),
            tags = ["manual"],
        )
        vmlinux(
            name = "%s_%s_vmlinux" % (name, machine),
            kernel = "%s_%s" % (name, machine),
            tags = ["manual"],
            tree = "%s_%s_tree" % (name, machine),
        )
