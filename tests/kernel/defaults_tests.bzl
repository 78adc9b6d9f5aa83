# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of values that a target gets from others: the architecture of a tree, the tree of a kernel."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "initramfs", "kernel_module_import", "module_tree", "module_verify_test")
load("//rules:providers.bzl", "ModuleTreeInfo")
load("//tests/analysis:declare.bzl", "declare")
load(":toolchains.bzl", "WITH_TOOLCHAIN", "kernel_failure_test")

visibility("//...")

def _machine_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, ctx.attr.machine, analysistest.target_under_test(env)[ModuleTreeInfo].machine or "")
    want = ["--machine=" + ctx.attr.machine] if ctx.attr.machine else []
    for action in analysistest.target_actions(env):
        if action.mnemonic in ["ModhashLeaf", "ModhashTree"]:
            got = [argument for argument in action.argv if argument.startswith("--machine")]
            asserts.equals(env, want, got, action.mnemonic)
    return analysistest.end(env)

_machine_test = analysistest.make(
    _machine_test_impl,
    doc = "Checks the architecture of the tree and its actions. Empty: that of the modules, as their files state.",
    attrs = {"machine": attr.string(mandatory = True)},
    config_settings = WITH_TOOLCHAIN,
)

def _verify_test_impl(ctx):
    env = analysistest.begin(ctx)
    runfiles = analysistest.target_under_test(env)[DefaultInfo].default_runfiles.files.to_list()
    paths = [file.short_path for file in runfiles]
    for path in ["fixtures_arm64_tree.sealed", "fixtures_arm64_tree.tree.pb"]:
        asserts.true(env, "tests/kernel/" + path in paths, "%s is not in %s" % (path, paths))
    return analysistest.end(env)

_verify_test = analysistest.make(
    _verify_test_impl,
    doc = "Checks that the test verifies the sealed modules of the kernel's tree.",
    config_settings = WITH_TOOLCHAIN,
)

def defaults_tests(name):
    """All tests of values that a target gets from others.

    Args:
      name: string, what the tests' names begin with.
    """
    declare(name = name + "_file", files = [name + "/x.ko"])
    kernel_module_import(name = name + "_import", install_path = "x.ko", module = name + "_file", tags = ["manual"])
    for case, members, machine in [
        ("kernel", ["fixtures_arm64"], "arm64"),
        ("module", ["fixtures_arm64_module"], "arm64"),
        ("mixed", [name + "_import", "fixtures_arm64"], "arm64"),
        ("imports", [name + "_import"], ""),
    ]:
        tree = "%s_%s" % (name, case)
        module_tree(name = tree, modules = members, tags = ["manual"])
        _machine_test(name = tree + "_test", machine = machine, target_under_test = tree)

    module_verify_test(name = name + "_verify", size = "small", tags = ["manual"], vmlinux = "fixtures_arm64_vmlinux")
    _verify_test(name = name + "_verify_test", target_under_test = name + "_verify")

    initramfs(name = name + "_initramfs", script = ["sh"], tags = ["manual"], vmlinux = "fixtures_arm64_vmlinux")

    # The boot toolchain has a busybox only for the architecture of the host.
    kernel_failure_test(
        name = name + "_initramfs_test",
        error = ["got a script for the architecture arm64, for which the boot toolchain has no busybox"],
        target_compatible_with = ["@platforms//cpu:x86_64"],
        target_under_test = name + "_initramfs",
    )
