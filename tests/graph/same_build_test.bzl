# SPDX-License-Identifier: Apache-2.0
"""A test that a kernel in shards is the kernel of one action."""

load("@rules_shell//shell:sh_test.bzl", "sh_test")
load("//rules:defs.bzl", "kernel_build")
load("//tests/boot/small:small_kernel.bzl", "MODULES")

visibility("//tests/...")

_GROUPS = [
    "lists",
    "modules",
    "trees",
    "vmlinux",
]

def same_build_test(name, config, kernel, tags):
    """Builds a kernel in shards, and compares its files with those of another build.

    Args:
      name: string.
      config: label of the kernel_config, of a small_kernel.
      kernel: label of the kernel_build of that small_kernel.
      tags: list of strings.
    """
    shards = name + "_shards"
    kernel_build(
        name = shards,
        config = config,
        graph = "shards",
        modules = MODULES,
        tags = tags,
    )
    for target, of in [("one", kernel), ("shards", shards)]:
        for group in _GROUPS:
            native.filegroup(
                name = "%s_%s_%s" % (name, target, group),
                srcs = [of],
                output_group = group,
                tags = tags,
            )
    files = ["%s_%s_%s" % (name, target, group) for target in ["one", "shards"] for group in _GROUPS]
    sh_test(
        name = name,
        size = "small",
        srcs = ["same_build_test.sh"],
        args = [
            Label(kernel).package + "/" + Label(kernel).name,
            native.package_name() + "/" + shards,
        ],
        data = files,
        tags = tags,
    )
