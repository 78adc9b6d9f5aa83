# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of hashed_kernel: the targets that it declares, and their attributes."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts", "unittest")
load("//rules:defs.bzl", "hashed_kernel", "kernel_module", "load_attempt")
load("//rules:providers.bzl", "VmlinuxInfo")
load("//rules/private/rules:hashed_kernel.bzl", "conflicts_with_config")  # buildifier: disable=bzl-visibility
load(":toolchains.bzl", "WITH_TOOLCHAIN")

visibility("//...")

_TARGETS = {
    "": "vmlinux",
    "_boot_test": "kernel_boot_test",
    "_config": "kernel_config",
    "_kernel": "kernel_build",
    "_modules_install": "modules_install",
    "_modules_list": "kernel_modules_list",
    "_tree": "module_tree",
    "_verify_test": "module_verify_test",
}

def _kinds(name):
    """The rules of targets whose names start with a prefix, by the rest of the name."""
    return {
        target.removeprefix(name): rule["kind"]
        for target, rule in native.existing_rules().items()
        if target == name or target.startswith(name + "_")
    }

def _without_common(name):
    """Targets of the macro without a tag, visibility or similar attribute of the macro."""
    rules = native.existing_rules()
    return [
        name + suffix
        for suffix in _TARGETS
        if "own-tag" not in rules[name + suffix]["tags"] or
           not rules[name + suffix]["testonly"] or
           "//tests:__pkg__" not in rules[name + suffix]["visibility"] or
           len(rules[name + suffix]["target_compatible_with"]) != 1
    ]

def _declared_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, ctx.attr.want, ctx.attr.got)
    asserts.equals(env, [], ctx.attr.bad)
    return unittest.end(env)

_declared_test = unittest.make(
    _declared_test_impl,
    attrs = {
        "bad": attr.string_list(doc = "Targets with wrong attributes."),
        "got": attr.string_dict(doc = "The declared targets, and their rules."),
        "want": attr.string_dict(doc = "The expected targets, and their rules."),
    },
)

def _kernel_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[VmlinuxInfo]
    asserts.equals(env, target.label.name + "_tree", info.tree.label.name)
    asserts.equals(env, target.label.name + "_kernel", info.build.label.name)
    asserts.equals(env, ctx.attr.config, info.build.config.config.basename)
    asserts.equals(env, ctx.attr.modules, [module.install_path for module in info.tree.modules])
    asserts.equals(env, [ctx.attr.mnemonic], [action.mnemonic for action in analysistest.target_actions(env)])
    return analysistest.end(env)

_kernel_test = analysistest.make(
    _kernel_test_impl,
    doc = "Checks that the kernel has a tree over these modules, and how it gets the root.",
    attrs = {
        "config": attr.string(mandatory = True),
        "mnemonic": attr.string(default = "ModhashKernelLink"),
        "modules": attr.string_list(mandatory = True),
    },
    config_settings = WITH_TOOLCHAIN,
)

def _written(env, suffix):
    """The contents that the target's action writes to the file with this suffix."""
    return [
        action.content
        for action in analysistest.target_actions(env)
        if action.mnemonic == "FileWrite" and action.outputs.to_list()[0].path.endswith(suffix)
    ][0]

def _boot_test_impl(ctx):
    env = analysistest.begin(ctx)
    plan = json.decode(_written(env, ".plan.json"))["attempts"]
    got = ["%s %s %s" % (attempt["module"], attempt["expect"]["result"], attempt["expect"]["taint"]) for attempt in plan]
    asserts.equals(env, [
        "/sealed/kernel/fs/ext4.ko ok ",
        "/sealed/updates/%s.ko ok O" % ctx.attr.own,
        "/unsealed/kernel/fs/ext4.ko EKEYREJECTED ",
        "/unsealed/updates/%s.ko EKEYREJECTED " % ctx.attr.own,
        "/more.ko ok ",
    ], got)
    asserts.true(env, "'--cmdline=module.sig_enforce=1'" in _written(env, ".sh"))
    action = [action for action in analysistest.target_actions(env) if action.mnemonic == "ModhashInitramfs"][0]
    entries = [argument.split("=")[1] for argument in action.argv if argument.startswith("--entry=")]
    for path in ["/sealed", "/unsealed/kernel/fs/ext4.ko", "/unsealed/updates/%s.ko" % ctx.attr.own, "/more.ko"]:
        asserts.true(env, path in entries, "%s is not in %s" % (path, entries))
    return analysistest.end(env)

_boot_test = analysistest.make(
    _boot_test_impl,
    doc = "Checks that the boot test loads each module, with and without its proof.",
    attrs = {"own": attr.string(doc = "The module from outside the kernel's source.", mandatory = True)},
    config_settings = WITH_TOOLCHAIN,
)

def _conflicts_test_impl(ctx):
    env = unittest.begin(ctx)
    defaults = {"base": None, "compiler": "gcc", "fragments": [], "machine": "auto", "source": None}
    asserts.equals(env, [], conflicts_with_config(defaults))
    asserts.equals(env, ["base", "machine"], conflicts_with_config(defaults | {"base": "tinyconfig", "machine": "arm64"}))
    return unittest.end(env)

_conflicts_test = unittest.make(_conflicts_test_impl)

def hashed_kernel_tests(name):
    """All tests of hashed_kernel.

    Args:
      name: string, what the tests' names begin with.
    """
    full = name + "_full"
    kernel_module(
        name = name + "_module",
        testonly = True,
        srcs = ["fixtures_main"],
        kernel = full + "_kernel",
        tags = ["manual"],
    )
    hashed_kernel(
        name = full,
        testonly = True,
        attempts = [load_attempt(name = "more", module = "/more.ko")],
        base = "tinyconfig",
        files = {"fixtures_keys": "/more.ko"},
        fragments = ["fixtures_fragments"],
        loads = ["kernel/fs/ext4.ko", "updates/%s_module.ko" % name],
        machine = "x86_64",
        modules = ["fs/ext4.ko"],
        out_of_tree = [name + "_module"],
        source = "fixtures_source",
        tags = ["manual", "own-tag"],
        target_compatible_with = ["@platforms//os:linux"],
        visibility = ["//tests:__pkg__"],
    )
    _declared_test(name = name + "_declared_test", bad = _without_common(full), got = _kinds(full), want = _TARGETS)
    _kernel_test(
        name = name + "_kernel_test",
        config = full + "_config.config",
        modules = ["kernel/fs/ext4.ko", "updates/%s_module.ko" % name],
        target_under_test = full,
    )
    _boot_test(name = name + "_boot_test", own = name + "_module", target_under_test = full + "_boot_test")

    # With an existing configuration, without a link with the root, and without a boot test.
    small = name + "_small"
    hashed_kernel(name = small, config = "fixtures_arm64_config", modules = [], root = "overwrite", tags = ["manual"])
    _declared_test(
        name = name + "_small_declared_test",
        got = _kinds(small),
        want = {suffix: kind for suffix, kind in _TARGETS.items() if suffix not in ["_boot_test", "_config"]},
    )
    _kernel_test(
        name = name + "_small_test",
        config = "fixtures_arm64_config.config",
        mnemonic = "ModhashKernelOverwrite",
        modules = [],
        target_under_test = small,
    )
    _conflicts_test(name = name + "_conflicts_test")
