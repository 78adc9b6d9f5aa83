# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of module_attestation."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "kernel_module_import", "module_attestation", "module_tree")
load("//tests/analysis:declare.bzl", "declare")
load(":toolchains.bzl", "MANIFEST", "WITH_TOOLCHAIN", "analysis_failure_test")

visibility("//...")

def _actions_test_impl(ctx):
    env = analysistest.begin(ctx)
    bin_path = analysistest.target_bin_dir_path(env) + "/"
    actions = analysistest.target_actions(env)
    asserts.equals(env, ["ModhashAttest"], [action.mnemonic for action in actions])
    arguments = [argument.replace(bin_path, "") for argument in actions[0].argv[1:]]
    asserts.equals(env, ctx.attr.arguments, arguments)
    asserts.equals(env, {}, actions[0].env)
    files = [argument.partition("=")[2] for argument in arguments[1:] if "/" in argument]
    inputs = [file.path.replace(bin_path, "") for file in actions[0].inputs.to_list()]
    own = [path for path in inputs if path.startswith("tests/kernel/") and not path.endswith(".params")]
    outputs = [file.path.replace(bin_path, "") for file in actions[0].outputs.to_list()]
    asserts.equals(env, sorted(files), sorted(own + outputs))
    target = analysistest.target_under_test(env)
    asserts.equals(env, 2, len(target[DefaultInfo].files.to_list()))
    asserts.true(env, target[OutputGroupInfo].statement.to_list()[0].path.endswith(".intoto.json"))
    asserts.true(env, target[OutputGroupInfo].spdx.to_list()[0].path.endswith(".spdx.json"))
    return analysistest.end(env)

_actions_test = analysistest.make(
    _actions_test_impl,
    doc = "Checks that the target has one action, with these arguments, and the inputs and outputs that they name.",
    attrs = {"arguments": attr.string_list(mandatory = True)},
    config_settings = WITH_TOOLCHAIN,
)

def _common(name, tree):
    return [
        "attest",
        "--tree=tests/kernel/%s.tree.pb" % tree,
        "--out=tests/kernel/%s.intoto.json" % name,
        "--spdx=tests/kernel/%s.spdx.json" % name,
    ]

def _kernel_test(name):
    target = name + "_kernel"
    fixtures = "tests/kernel/fixtures"
    module_attestation(
        name = target,
        srcs = ["fixtures_patches"],
        source_date_epoch = "1778054889",
        tags = ["manual"],
        vmlinux = "fixtures_x86_64_vmlinux",
    )
    _actions_test(
        name = target + "_test",
        arguments = _common(target, "fixtures_x86_64_tree") + [
            "--source-date-epoch=1778054889",
            "--vmlinux=%s_x86_64_vmlinux/vmlinux" % fixtures,
            "--image=%s_x86_64_vmlinux/bzImage" % fixtures,
            "--toolchain=" + MANIFEST,
            "--source=%s_source.tar.zst" % fixtures,
            "--source=%s_x86_64_config.config" % fixtures,
            "--sealed=%s_x86_64_tree.sealed" % fixtures,
            "--source=%s/b.patch" % fixtures,
            "--source=%s/a.patch" % fixtures,
        ],
        target_under_test = target,
    )

def _modules_test(name):
    target = name + "_modules"
    declare(name = name + "_file", files = [name + "/x.ko"])
    kernel_module_import(
        name = name + "_x",
        install_path = "kernel/x.ko",
        module = name + "_file",
        tags = ["manual"],
    )
    module_tree(
        name = name + "_tree",
        machine = "x86_64",
        modules = [name + "_x"],
        tags = ["manual"],
    )
    module_attestation(
        name = target,
        sealed = False,
        tags = ["manual"],
        tree = name + "_tree",
    )
    _actions_test(
        name = target + "_test",
        arguments = _common(target, name + "_tree") + ["--source-date-epoch=0"],
        target_under_test = target,
    )

def _failure_tests(name):
    analysis_failure_test(
        name = name + "_both",
        attribute = "tree",
        error = ["both tree and vmlinux, want one of them. A vmlinux provides its tree"],
        rule = module_attestation,
        tree = "fixtures_x86_64_tree",
        vmlinux = "fixtures_x86_64_vmlinux",
    )
    analysis_failure_test(
        name = name + "_neither",
        attribute = "tree",
        error = ["neither tree nor vmlinux, want one of them"],
        rule = module_attestation,
    )
    module_tree(name = name + "_no_modules", machine = "x86_64", modules = [], tags = ["manual"])
    analysis_failure_test(
        name = name + "_empty",
        attribute = "tree",
        error = [
            "//tests/kernel:%s_no_modules, a tree without modules" % name,
            "want one with modules, or a vmlinux: there is nothing to attest",
        ],
        rule = module_attestation,
        tree = name + "_no_modules",
    )
    for case, date in {"empty": "", "late": "253402300800", "negative": "-1", "words": "now"}.items():
        analysis_failure_test(
            name = "%s_date_%s" % (name, case),
            attribute = "source_date_epoch",
            error = ["%s, want seconds, 0 to 253402300799" % repr(date)],
            rule = module_attestation,
            source_date_epoch = date,
            tree = "fixtures_x86_64_tree",
        )

def attestation_tests(name):
    """All tests of module_attestation.

    Args:
      name: string, what the tests' names begin with.
    """
    _kernel_test(name)
    _modules_test(name)
    _failure_tests(name)
