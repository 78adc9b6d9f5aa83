# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of kernel_deb."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:deb.bzl", "kernel_deb")
load(":toolchains.bzl", "WITH_TOOLCHAIN", "kernel_failure_test")

visibility("//...")

def _short(env, text):
    return text.replace(analysistest.target_bin_dir_path(env) + "/tests/kernel/", "")

def _package_test_impl(ctx):
    env = analysistest.begin(ctx)
    actions = {action.mnemonic: action for action in analysistest.target_actions(env)}
    arguments = [_short(env, argument) for argument in actions["MakeDeb"].argv]
    for argument in ctx.attr.arguments:
        asserts.true(env, argument in arguments, "%s is not in %s" % (argument, arguments))
    files = analysistest.target_under_test(env)[DefaultInfo].files.to_list()
    asserts.equals(env, [ctx.attr.file], [file.basename for file in files])
    return analysistest.end(env)

_package_test = analysistest.make(
    _package_test_impl,
    doc = "Checks that the package has this name, and its action these arguments, among others.",
    attrs = {
        "arguments": attr.string_list(mandatory = True),
        "file": attr.string(mandatory = True),
    },
    config_settings = WITH_TOOLCHAIN,
)

def _fields_test_impl(ctx):
    env = analysistest.begin(ctx)
    actions = {action.mnemonic: action for action in analysistest.target_actions(env)}
    asserts.equals(env, "arm64\n", actions["FileWrite"].content)
    name = analysistest.target_under_test(env).label.name.removesuffix(".fields")
    arguments = [_short(env, argument) for argument in actions["ModhashDebFields"].argv[1:]]
    asserts.equals(env, [
        "deb-fields",
        "--jobs=1",
        "--label=//tests/kernel:%s.fields" % name,
        "--release=fixtures_arm64/kernel.release",
        "--version-out=%s.version" % name,
        "--script=rules/private/deb/maintainer_script.sh",
        "--script-out=%s.script" % name,
    ], arguments)
    return analysistest.end(env)

_fields_test = analysistest.make(
    _fields_test_impl,
    doc = "Checks that the fields of the package come from the kernel.",
    config_settings = WITH_TOOLCHAIN,
)

def deb_tests(name):
    """All tests of kernel_deb.

    Args:
      name: string, what the tests' names begin with.
    """
    common = {"maintainer": "Nobody <nobody@example.org>", "tags": ["manual"], "vmlinux": "fixtures_arm64_vmlinux"}
    own = name + "_own"
    kernel_deb(name = own, **common)
    _package_test(
        name = own + "_test",
        arguments = [
            "--package=" + own,
            "--architecture=@%s.architecture" % own,
            "--version=@%s.version" % own,
            "--postinst=@%s.script" % own,
            "--data=%s.root.tar" % own,
        ],
        file = own + "_release.deb",
        target_under_test = own,
    )
    _fields_test(name = own + "_fields_test", target_under_test = own + ".fields")

    kernel_deb(name = name + "_named", release = "7.2.12-x", version = "1.2", **common)
    _package_test(
        name = name + "_named_test",
        arguments = [
            "--package=linux-image-7.2.12-x",
            "--version=1.2",
            "--postinst=@rules/private/deb/maintainer_script.sh",
        ],
        file = "linux-image-7.2.12-x_1.2.deb",
        target_under_test = name + "_named",
    )

    kernel_deb(name = name + "_old", kernel = "fixtures_arm64", tree = "fixtures_arm64_tree", **common)
    kernel_failure_test(
        name = name + "_old_test",
        error = ["_old.root: attribute kernel: got //tests/kernel:fixtures_arm64, want vmlinux alone, which provides kernel and tree"],
        target_under_test = name + "_old",
    )
