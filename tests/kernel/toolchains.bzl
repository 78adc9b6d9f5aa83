# SPDX-License-Identifier: Apache-2.0
"""Kernel toolchains of the tests, so that results do not depend on the machine, and tests with them."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//tests/analysis:declare.bzl", "declare")
load("//toolchains/kernel:toolchain.bzl", "kernel_toolchain")

visibility("//...")

PATH = "/opt/kernel/bin:/bin"

MANIFEST = "tests/kernel/toolchains/manifest.tsv"

_EXTRA_TOOLCHAINS = "//command_line_option:extra_toolchains"

# For analysistest.make: the target is analysed with the toolchain of kernel_toolchains.
WITH_TOOLCHAIN = {_EXTRA_TOOLCHAINS: str(Label("//tests/kernel:kernel_toolchains"))}

def kernel_toolchains(name):
    """A toolchain with GCC, and binary tools for some architectures.

    Args:
      name: string, `kernel_toolchains`.
    """
    declare(name = name + "_manifest", files = ["toolchains/manifest.tsv"])
    kernel_toolchain(
        name = name + "_info",
        compilers = ["gcc"],
        cross_prefixes = {
            "arm64": "aarch64-test-",
            "x86_64": "",
        },
        manifest = name + "_manifest",
        path = PATH,
        tags = ["manual"],
    )
    native.toolchain(
        name = name,
        toolchain = name + "_info",
        toolchain_type = "//toolchains/kernel:toolchain_type",
    )

def _failure_test_impl(ctx):
    env = analysistest.begin(ctx)
    for part in ctx.attr.error:
        asserts.expect_failure(env, part)
    return analysistest.end(env)

kernel_failure_test = analysistest.make(
    _failure_test_impl,
    doc = "Checks that the analysis of the target fails with this message, with the toolchain of the tests.",
    attrs = {"error": attr.string_list(doc = "Parts of the message.", mandatory = True)},
    config_settings = WITH_TOOLCHAIN,
    expect_failure = True,
)

def analysis_failure_test(name, rule, attribute, error, **kwargs):
    """A target whose analysis fails, and its test.

    Args:
      name: string, the target's name; the test is `NAME_test`.
      rule: the rule.
      attribute: string, the attribute that the message names.
      error: list of strings, parts of the message after `got `.
      **kwargs: the target's attributes.
    """
    rule(name = name, tags = ["manual"], **kwargs)
    kernel_failure_test(
        name = name + "_test",
        error = ["//tests/kernel:%s: attribute %s: got %s" % (name, attribute, error[0])] + error[1:],
        target_under_test = name,
    )
