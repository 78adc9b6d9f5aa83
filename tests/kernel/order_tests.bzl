# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of module_tree: positions of a kernel's modules."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "kernel_build", "module_tree")
load("//rules:providers.bzl", "ModuleTreeInfo")
load(":toolchains.bzl", "WITH_TOOLCHAIN", "analysis_failure_test")

visibility("//...")

_FLAGS = ["--order", "--append-unlisted"]

def _order_flags(action, bin_path):
    return [
        argument.replace(bin_path + "/tests/kernel/", "")
        for argument in action.argv
        if argument.partition("=")[0] in _FLAGS
    ]

def _order_test_impl(ctx):
    env = analysistest.begin(ctx)
    bin_path = analysistest.target_bin_dir_path(env)
    found = {}
    for action in analysistest.target_actions(env):
        if action.mnemonic in ["ModhashPositions", "ModhashTree"]:
            flags = _order_flags(action, bin_path)
            asserts.equals(env, ctx.attr.flags, flags, action.mnemonic)
            inputs = [file.path.replace(bin_path + "/tests/kernel/", "") for file in action.inputs.to_list()]
            asserts.true(env, flags[0].partition("=")[2] in inputs, "the order is not an input of %s" % action.mnemonic)
            found[action.mnemonic] = True
    asserts.equals(env, ctx.attr.mnemonics, sorted(found))
    order = analysistest.target_under_test(env)[ModuleTreeInfo].order
    asserts.true(env, ctx.attr.flags[0].endswith(order.basename))
    return analysistest.end(env)

_order_test = analysistest.make(
    _order_test_impl,
    doc = "Checks that actions read positions from this file, and append unlisted modules if it is the order of a kernel.",
    attrs = {
        "flags": attr.string_list(doc = "Flags, with paths below the package.", mandatory = True),
        "mnemonics": attr.string_list(
            doc = "The actions that read positions.",
            default = ["ModhashPositions", "ModhashTree"],
        ),
    },
    config_settings = WITH_TOOLCHAIN,
)

def _tree(name, **kwargs):
    module_tree(name = name, tags = ["manual"], **kwargs)

def order_tests(name):
    """All tests of positions in a tree over a kernel.

    Args:
      name: string, what the tests' names begin with.
    """
    of_kernel = ["--order=fixtures_x86_64/modules.order", "--append-unlisted"]
    _tree(name + "_kernel", modules = ["fixtures_x86_64"])
    _order_test(name = name + "_kernel_test", flags = of_kernel, target_under_test = name + "_kernel")

    _tree(name + "_more", modules = ["fixtures_x86_64_module", "fixtures_x86_64"])
    _order_test(name = name + "_more_test", flags = of_kernel, target_under_test = name + "_more")

    # The attribute takes precedence over the kernel's order, and lists all modules.
    _tree(name + "_own", modules = ["fixtures_x86_64"], order = "fixtures_base")
    _order_test(
        name = name + "_own_test",
        flags = ["--order=fixtures/base.config"],
        target_under_test = name + "_own",
    )
    kernel_build(
        name = name + "_other",
        config = "fixtures_x86_64_config",
        modules = ["fs/other.ko"],
        tags = ["manual"],
    )
    analysis_failure_test(
        name = name + "_two_kernels",
        attribute = "modules",
        error = [
            "the kernels //tests/kernel:fixtures_x86_64 and //tests/kernel:%s_other, each with its own order" % name,
            "want one kernel_build, or the attribute order with the positions of all modules",
        ],
        modules = ["fixtures_x86_64", name + "_other"],
        rule = module_tree,
    )
