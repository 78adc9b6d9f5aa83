# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of module_verify_test."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "kernel_module_import", "kernel_modules_import", "module_tree", "module_verify_test")
load(":declare.bzl", "declare", "failure_test")

visibility("//...")

def _written(env):
    """The contents that the target's actions write, by file extension."""
    written = {}
    for action in analysistest.target_actions(env):
        if action.mnemonic == "FileWrite" or action.mnemonic == "ParameterFileWrite":
            written[action.outputs.to_list()[0].extension] = action.content
    return written

def _verify_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    written = _written(env)
    asserts.equals(env, ctx.attr.params, written["params"].splitlines())
    launcher = written["sh"]
    asserts.true(env, "/modhash' verify @'tests/analysis/%s.params'" % target.label.name in launcher, launcher)
    runfiles = [file.short_path for file in target[DefaultInfo].default_runfiles.files.to_list()]
    for argument in written["params"].splitlines():
        flag, _, value = argument.partition("=")
        if flag in ["--root", "--module"]:
            path = json.decode(value)["path"] if flag == "--module" else value
            asserts.true(env, path in runfiles, "%s is not among the runfiles %s" % (path, runfiles))
    asserts.true(env, [path for path in runfiles if path.endswith("/modhash")] != [], "no modhash")
    return analysistest.end(env)

_verify_test = analysistest.make(
    _verify_test_impl,
    doc = "Checks that the test runs the program with these arguments, and has all files that they name.",
    attrs = {"params": attr.string_list(mandatory = True)},
)

def verify_tests(name):
    """All tests of module_verify_test.

    Args:
      name: string, the suite's name.
    """
    declare(name = name + "_file", files = [name + "/x.ko"])
    declare(name = name + "_output_directory", directories = [name + "/output_directory"])
    kernel_module_import(
        name = name + "_x",
        install_path = "kernel/x.ko",
        module = name + "_file",
        tags = ["manual"],
    )
    kernel_modules_import(
        name = name + "_unknown",
        srcs = [name + "_output_directory"],
        install_prefix = "updates",
        tags = ["manual"],
    )
    module_tree(name = name + "_tree", machine = "x86_64", modules = [name + "_x"], tags = ["manual"])

    module_verify_test(name = name + "_default", tags = ["manual"], tree = name + "_tree")
    _verify_test(
        name = name + "_default_test",
        params = [
            "--root=tests/analysis/%s_tree.tree.pb" % name,
            "--complete",
            '--module={"label":"//tests/analysis:%s_tree","path":"tests/analysis/%s_tree.sealed"}' % (name, name),
        ],
        target_under_test = name + "_default",
    )

    module_verify_test(
        name = name + "_some",
        complete = False,
        modules = [name + "_x", name + "_unknown"],
        tags = ["manual"],
        tree = name + "_tree",
    )
    _verify_test(
        name = name + "_some_test",
        params = [
            "--root=tests/analysis/%s_tree.tree.pb" % name,
            '--module={"install_path":"kernel/x.ko","label":"//tests/analysis:%s_x","path":"tests/analysis/%s/x.ko"}' % (name, name),
            '--module={"install_path":"updates","label":"//tests/analysis:%s_unknown","path":"tests/analysis/%s/output_directory"}' % (name, name),
        ],
        target_under_test = name + "_some",
    )

    module_tree(name = name + "_no_modules", machine = "x86_64", modules = [], tags = ["manual"])
    module_verify_test(name = name + "_empty", tags = ["manual"], tree = name + "_no_modules")
    failure_test(
        name = name + "_empty_test",
        error = [
            ("//tests/analysis:{0}_empty: attribute tree: got //tests/analysis:{0}_no_modules, " +
             "a tree without modules, want one with modules").format(name),
        ],
        target_under_test = name + "_empty",
    )
    native.test_suite(
        name = name,
        tests = [
            name + "_default_test",
            name + "_empty_test",
            name + "_some_test",
        ],
    )
