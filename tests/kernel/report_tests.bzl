# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of module_report."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "module_report")
load(":toolchains.bzl", "WITH_TOOLCHAIN", "analysis_failure_test")

visibility("//...")

def _actions_test_impl(ctx):
    env = analysistest.begin(ctx)
    bin_path = analysistest.target_bin_dir_path(env) + "/"
    actions = analysistest.target_actions(env)
    asserts.equals(env, ["ModhashReport"], [action.mnemonic for action in actions])
    asserts.equals(env, ctx.attr.arguments, [argument.replace(bin_path, "") for argument in actions[0].argv[1:]])
    asserts.equals(env, {}, actions[0].env)
    inputs = [file.path.replace(bin_path, "") for file in actions[0].inputs.to_list()]
    own = [path for path in inputs if path.startswith("tests/kernel/") and not path.endswith(".params")]
    asserts.equals(env, sorted(ctx.attr.arguments[2:]), sorted(own))
    return analysistest.end(env)

_actions_test = analysistest.make(
    _actions_test_impl,
    doc = "Checks that the target has one action, with these arguments: subcommand, output, inputs.",
    attrs = {"arguments": attr.string_list(mandatory = True)},
    config_settings = WITH_TOOLCHAIN,
)

def report_tests(name):
    """All tests of module_report.

    Args:
      name: string, what the tests' names begin with.
    """
    pb = "tests/kernel/fixtures_x86_64_tree.tree.pb"
    for case, kernel in {"kernel": "fixtures_x86_64_vmlinux", "modules": None}.items():
        target = "%s_%s" % (name, case)
        module_report(
            name = target,
            tags = ["manual"],
            tree = None if kernel else "fixtures_x86_64_tree",
            vmlinux = kernel,
        )
        _actions_test(
            name = target + "_test",
            arguments = ["report", "--out=tests/kernel/%s.html" % target, pb] +
                        (["tests/kernel/%s/vmlinux" % kernel] if kernel else []),
            target_under_test = target,
        )
    analysis_failure_test(
        name = name + "_both",
        attribute = "tree",
        error = ["both tree and vmlinux, want one of them. A vmlinux provides its tree"],
        rule = module_report,
        tree = "fixtures_x86_64_tree",
        vmlinux = "fixtures_x86_64_vmlinux",
    )
