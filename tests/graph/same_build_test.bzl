# SPDX-License-Identifier: Apache-2.0
"""A test that a kernel in shards is the kernel of one action."""

load("@rules_shell//shell:sh_test.bzl", "sh_test")
load("//rules:defs.bzl", "kernel_build", "kernel_config")
load("//tests/boot/small:small_kernel.bzl", "MODULES")

visibility("//tests/...")

_GROUPS = [
    "lists",
    "modules",
    "trees",
    "vmlinux",
]

def same_build_test(name, config, kernel, tags, modules = MODULES):
    """Builds a kernel in shards, and compares its files with those of another build.

    Args:
      name: string.
      config: label of the kernel_config.
      kernel: label of a kernel_build with it, by one action.
      tags: list of strings.
      modules: list of strings, the modules of kernel.
    """
    shards = name + "_shards"
    kernel_build(
        name = shards,
        config = config,
        graph = "shards",
        modules = modules,
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

def same_builds_test(name, fragments, tags, machine = "x86_64", compiler = "gcc", modules = []):
    """Builds a small kernel with further options in shards and by one action, and compares the files.

    Args:
      name: string.
      fragments: list of strings, labels of fragments on top of those of a small_kernel.
      tags: list of strings.
      machine: string, as in kernel_config.
      compiler: string, as in kernel_config.
      modules: list of strings, the modules that the fragments add.
    """
    kernel_config(
        name = name + "_config",
        base = "tinyconfig",
        compiler = compiler,
        fragments = ["//tests/boot/small:%s.config" % fragment for fragment in ["small", machine, "gzip"]] +
                    ["//examples/kernel:proc_sys_config"] + fragments,
        machine = machine,
        source = "@linux//:source",
        tags = tags,
    )
    kernel_build(
        name = name + "_one",
        config = name + "_config",
        graph = "one",
        modules = MODULES + modules,
        tags = tags,
    )
    same_build_test(
        name = name,
        config = name + "_config",
        kernel = "//%s:%s_one" % (native.package_name(), name),
        modules = MODULES + modules,
        tags = tags,
    )
