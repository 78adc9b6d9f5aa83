# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of modhash_toolchain."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "module_tree", "module_verify_test")
load("//rules:providers.bzl", "ModhashToolchainInfo")
load("//toolchains/modhash:toolchain.bzl", "modhash_toolchain")

visibility("//...")

def _program_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(program, "", is_executable = True)
    return [DefaultInfo(executable = program)]

_program = rule(implementation = _program_impl, executable = True)

def _info_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[platform_common.ToolchainInfo].modhash_info
    asserts.true(env, type(info) == type(ModhashToolchainInfo(modhash = None)))
    asserts.equals(env, ctx.attr.program, info.modhash.executable.basename)
    return analysistest.end(env)

_info_test = analysistest.make(
    _info_test_impl,
    doc = "Checks what a toolchain provides.",
    attrs = {"program": attr.string(mandatory = True)},
)

def _program_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    for action in analysistest.target_actions(env):
        if action.mnemonic.startswith("Modhash"):
            asserts.true(env, action.argv[0].endswith("/another_modhash"), action.argv[0])
    if ctx.attr.runfiles:
        names = [file.basename for file in target[DefaultInfo].default_runfiles.files.to_list()]
        asserts.true(env, "another_modhash" in names, str(names))
        asserts.false(env, "modhash" in names, str(names))
    return analysistest.end(env)

_program_test = analysistest.make(
    _program_test_impl,
    doc = "Checks that a toolchain that the user registers takes precedence over the default one.",
    attrs = {"runfiles": attr.bool(doc = "Whether the runfiles contain the program.")},
    config_settings = {
        "//command_line_option:extra_toolchains": str(Label("//tests/analysis:another_toolchain")),
    },
)

def toolchain_tests(name):
    """All tests of modhash_toolchain.

    Args:
      name: string, the suite's name.
    """
    _info_test(name = name + "_source_test", program = "modhash", target_under_test = "//toolchains/modhash:source")

    _program(name = "another_modhash", tags = ["manual"])
    modhash_toolchain(name = name + "_another", modhash = "another_modhash", tags = ["manual"])
    native.toolchain(
        name = "another_toolchain",
        toolchain = name + "_another",
        toolchain_type = "//toolchains/modhash:toolchain_type",
    )
    _info_test(name = name + "_another_test", program = "another_modhash", target_under_test = name + "_another")

    module_tree(
        name = name + "_tree",
        machine = "x86_64",
        modules = ["//tests/builds:module_directory_import"],
        tags = ["manual"],
    )
    _program_test(name = name + "_tree_test", target_under_test = name + "_tree")
    module_verify_test(name = name + "_verify", tags = ["manual"], tree = name + "_tree")
    _program_test(name = name + "_verify_test", runfiles = True, target_under_test = name + "_verify")

    native.test_suite(
        name = name,
        tests = [
            name + "_source_test",
            name + "_another_test",
            name + "_tree_test",
            name + "_verify_test",
        ],
    )
