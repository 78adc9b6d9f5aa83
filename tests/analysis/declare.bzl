# SPDX-License-Identifier: Apache-2.0
"""Files and directories for analysis tests, which never build them."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")

visibility("//...")

def _declare_impl(ctx):
    files = [ctx.actions.declare_file(path) for path in ctx.attr.files]
    directories = [ctx.actions.declare_directory(path) for path in ctx.attr.directories]
    for output in files + directories:
        ctx.actions.run_shell(command = "exit 1", outputs = [output], mnemonic = "NeverRun")
    return [DefaultInfo(files = depset(files + directories))]

_declare = rule(
    implementation = _declare_impl,
    attrs = {
        "directories": attr.string_list(doc = "Directories in the package."),
        "files": attr.string_list(doc = "Files in the package."),
    },
)

def declare(name, **kwargs):
    """Files and directories whose build fails.

    Args:
      name: string.
      **kwargs: `files` and `directories`, lists of paths in the package.
    """
    _declare(name = name, tags = ["manual"], **kwargs)

def _failure_test_impl(ctx):
    env = analysistest.begin(ctx)
    for part in ctx.attr.error:
        asserts.expect_failure(env, part)
    return analysistest.end(env)

failure_test = analysistest.make(
    _failure_test_impl,
    doc = "Checks that the analysis of the target fails with this message.",
    attrs = {"error": attr.string_list(doc = "Parts of the message.", mandatory = True)},
    expect_failure = True,
)
