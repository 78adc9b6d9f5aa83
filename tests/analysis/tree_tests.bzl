# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of module_tree."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts", "unittest")
load("//rules:defs.bzl", "kernel_module_import", "kernel_modules_import", "module_tree")
load("//rules:providers.bzl", "ModuleTreeInfo")
load("//rules/private/rules:module_tree.bzl", "shard_size")  # buildifier: disable=bzl-visibility
load(":declare.bzl", "declare", "failure_test")

visibility("//...")

def _arguments(action, bin_path):
    """The arguments of the program, without output directories."""
    return [argument.replace(bin_path + "/", "") for argument in action.argv[1:]]

def _actions_test_impl(ctx):
    env = analysistest.begin(ctx)
    bin_path = analysistest.target_bin_dir_path(env)
    got = {}
    for action in analysistest.target_actions(env):
        asserts.true(env, action.argv[0].endswith("/modhash"), "program: %s" % action.argv[0])
        asserts.equals(env, {}, action.env, "environment of %s" % action.mnemonic)
        asserts.false(env, action.mnemonic in got, "more than one %s" % action.mnemonic)
        got[action.mnemonic] = action
    for mnemonic, want in ctx.attr.arguments.items():
        asserts.true(env, mnemonic in got, "no action %s, but %s" % (mnemonic, got.keys()))
        asserts.equals(env, want, _arguments(got[mnemonic], bin_path), mnemonic)
        asserts.equals(env, _files_named(want, "--out", "--root-object"), _paths(got[mnemonic].outputs, bin_path))
        inputs = _files_named(want, "--leaves", "--order", "--positions", "--tree") + _module_paths(want)
        asserts.equals(env, sorted(inputs), _own_inputs(got[mnemonic], bin_path))
    asserts.equals(env, sorted(ctx.attr.arguments), sorted(got))
    return analysistest.end(env)

def _files_named(arguments, *flags):
    found = [argument.split("=", 1)[1] for argument in arguments if argument.split("=")[0] in flags]
    return sorted({path: None for path in found})

def _module_paths(arguments):
    messages = [json.decode(argument.removeprefix("--module=")) for argument in arguments if argument.startswith("--module=")]
    return [message["path"] for message in messages if "path" in message]

def _paths(files, bin_path):
    return sorted([file.path.replace(bin_path + "/", "") for file in files.to_list()])

def _own_inputs(action, bin_path):
    """The inputs without the program and its runfiles."""
    paths = _paths(action.inputs, bin_path)
    return [path for path in paths if path.startswith("tests/analysis/") and not path.endswith(".params")]

_actions_test = analysistest.make(
    _actions_test_impl,
    doc = "Checks that the target has exactly these actions, with the inputs and outputs in their arguments.",
    attrs = {"arguments": attr.string_list_dict(doc = "Mnemonic to arguments.")},
)

def _module(label, install_path, **fields):
    return "--module=" + json.encode(fields | {"install_path": install_path, "label": "//tests/analysis:" + label})

def _proof_arguments(tree):
    prefix = "tests/analysis/" + tree
    return ["proof", "--tree=%s.tree.pb" % prefix, "--out=%s.proofs" % prefix]

def _tree_arguments(tree):
    prefix = "tests/analysis/" + tree
    return [
        "tree",
        "--quiet",
        "--machine=x86_64",
        "--out=%s.tree.pb" % prefix,
        "--root-object=%s.root.o" % prefix,
    ]

def _seal_arguments(tree, rest):
    prefix = "tests/analysis/" + tree
    return ["seal", "--tree=%s.tree.pb" % prefix, "--out=%s.sealed" % prefix] + rest

def _shared_modules(name):
    """Two modules, not in the order of the tree, with different policies for signatures; and a directory."""
    declare(name = name + "_file", files = [name + "/x.ko", name + "/m.order"])
    declare(name = name + "_x", files = [name + "/kernel/x.ko"])
    declare(name = name + "_y", files = [name + "/kernel/y.ko.zst"])
    declare(name = name + "_order", files = [name + "/modules.order"])
    declare(name = name + "_output_directory", directories = [name + "/output_directory"])
    kernel_module_import(
        name = name + "_second",
        install_path = "kernel/y.ko",
        module = name + "_y",
        tags = ["manual"],
    )
    kernel_module_import(
        name = name + "_first",
        existing_signature = "error",
        install_path = "kernel/x.ko",
        module = name + "_x",
        tags = ["manual"],
    )
    kernel_modules_import(
        name = name + "_unknown",
        srcs = [name + "_output_directory"],
        existing_signature = "keep",
        install_prefix = "updates",
        strip_prefix = "lib",
        tags = ["manual"],
    )

def _first(name):
    path = "tests/analysis/%s/kernel/x.ko" % name
    return _module(name + "_first", "kernel/x.ko", existing_signature = "error", path = path)

def _second(name):
    path = "tests/analysis/%s/kernel/y.ko.zst" % name
    return _module(name + "_second", "kernel/y.ko", existing_signature = "strip", path = path)

def _unknown(name):
    path = "tests/analysis/%s/output_directory" % name
    return _module(name + "_unknown", "updates", existing_signature = "keep", path = path, strip_prefix = "lib")

def _declared_test(name):
    tree = name + "_declared"
    module_tree(
        name = tree,
        granularity = 2,
        machine = "x86_64",
        modules = [name + "_second", name + "_first"],
        tags = ["manual"],
    )
    both = [_first(name), _second(name)]
    leaves = "tests/analysis/%s.leaves/0.pb" % tree
    _actions_test(
        name = tree + "_test",
        arguments = {
            "ModhashLeaf": ["leaf", "--position=0", "--machine=x86_64", "--out=" + leaves] + both,
            "ModhashProof": _proof_arguments(tree),
            "ModhashSeal": _seal_arguments(tree, both),
            "ModhashTree": _tree_arguments(tree) + ["--leaves=" + leaves],
        },
        target_under_test = tree,
    )
    return tree + "_test"

def _ordered_test(name):
    tree = name + "_ordered"
    module_tree(
        name = tree,
        machine = "x86_64",
        modules = [name + "_first"],
        order = name + "_order",
        tags = ["manual"],
    )
    one = [_first(name)]
    leaves = "tests/analysis/%s.leaves/0.pb" % tree
    positions = "tests/analysis/%s.leaves/0.positions.pb" % tree
    order = "--order=tests/analysis/%s/modules.order" % name
    _actions_test(
        name = tree + "_test",
        arguments = {
            "ModhashLeaf": ["leaf", "--positions=" + positions, "--machine=x86_64", "--out=" + leaves] + one,
            "ModhashPositions": ["positions", order, "--shard-size=1"] +
                                [_module(name + "_first", "kernel/x.ko"), "--out=" + positions],
            "ModhashProof": _proof_arguments(tree),
            "ModhashSeal": _seal_arguments(tree, one),
            "ModhashTree": _tree_arguments(tree) + [order, "--leaves=" + leaves],
        },
        target_under_test = tree,
    )
    return tree + "_test"

def _mixed_test(name):
    tree = name + "_mixed"
    module_tree(
        name = tree,
        machine = "x86_64",
        modules = [name + "_unknown", name + "_second"],
        tags = ["manual"],
    )
    members = [_second(name), _unknown(name)]
    _actions_test(
        name = tree + "_test",
        arguments = {
            "ModhashProof": _proof_arguments(tree),
            "ModhashSeal": _seal_arguments(tree, members),
            "ModhashTree": _tree_arguments(tree) + members,
        },
        target_under_test = tree,
    )
    return tree + "_test"

def _empty_test(name):
    tree = name + "_empty"
    module_tree(name = tree, machine = "x86_64", modules = [], tags = ["manual"])
    _actions_test(
        name = tree + "_test",
        arguments = {
            "ModhashProof": _proof_arguments(tree),
            "ModhashSeal": _seal_arguments(tree, ["--allow-empty"]),
            "ModhashTree": _tree_arguments(tree) + ["--allow-empty"],
        },
        target_under_test = tree,
    )
    return tree + "_test"

def _shards_test_impl(ctx):
    env = analysistest.begin(ctx)
    actions = [action for action in analysistest.target_actions(env) if action.mnemonic == "ModhashLeaf"]
    got = {}
    for action in actions:
        position = [argument for argument in action.argv if argument.startswith("--position=")][0]
        modules = [argument.removeprefix("--module=") for argument in action.argv if argument.startswith("--module=")]
        paths = [json.decode(module)["install_path"] for module in modules]
        got[position.split("=")[1]] = paths
        asserts.equals(env, len(paths), len([file for file in action.inputs.to_list() if file.extension == "ko"]))
    asserts.equals(env, ctx.attr.shards, got)
    return analysistest.end(env)

_shards_test = analysistest.make(
    _shards_test_impl,
    doc = "Checks which modules the leaf actions hash.",
    attrs = {"shards": attr.string_list_dict(doc = "Position of the first module to install paths.")},
)

def _granularity_tests(name):
    # In bytewise order, capital letters precede small letters, and '-' precedes '.', '0' and '_', in this order.
    declare(name = name + "_files", files = [name + "/" + path for path in [
        "b.ko",
        "a_b.ko",
        "a.ko",
        "a0.ko",
        "Z.ko",
    ]])
    kernel_modules_import(
        name = name + "_modules",
        srcs = [name + "_files"],
        strip_prefix = name,
        tags = ["manual"],
    )
    cases = {
        0: {"0": ["Z.ko"], "1": ["a.ko"], "2": ["a0.ko"], "3": ["a_b.ko"], "4": ["b.ko"]},
        1: {"0": ["Z.ko"], "1": ["a.ko"], "2": ["a0.ko"], "3": ["a_b.ko"], "4": ["b.ko"]},
        2: {"0": ["Z.ko", "a.ko"], "2": ["a0.ko", "a_b.ko"], "4": ["b.ko"]},
        5: {"0": ["Z.ko", "a.ko", "a0.ko", "a_b.ko", "b.ko"]},
        64: {"0": ["Z.ko", "a.ko", "a0.ko", "a_b.ko", "b.ko"]},
    }
    for granularity, shards in cases.items():
        tree = "%s_%d" % (name, granularity)
        module_tree(
            name = tree,
            granularity = granularity,
            machine = "x86_64",
            modules = [name + "_modules"],
            tags = ["manual"],
        )
        _shards_test(name = tree + "_test", shards = shards, target_under_test = tree)
    return ["%s_%d_test" % (name, granularity) for granularity in cases]

def _shard_size_test_impl(ctx):
    env = unittest.begin(ctx)
    for granularity, count, want in [
        (0, 0, 1),
        (0, 1, 1),
        (0, 64, 1),
        (0, 65, 2),
        (0, 128, 2),
        (0, 129, 3),
        (0, 4216, 64),
        (0, 1000000, 64),
        (1, 4216, 1),
        (100, 3, 100),
    ]:
        asserts.equals(env, want, shard_size(granularity, count), "shard_size(%d, %d)" % (granularity, count))
    return unittest.end(env)

_shard_size_test = unittest.make(_shard_size_test_impl)

def _info_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[ModuleTreeInfo]
    asserts.equals(env, ["kernel/x.ko", "kernel/y.ko"], [module.install_path for module in info.modules])
    asserts.equals(env, 1, len(info.directories))
    asserts.equals(env, "x86_64", info.machine)
    asserts.equals(env, target.label, info.label)
    asserts.equals(env, "modules.order", info.order.basename)
    asserts.true(env, info.proofs.is_directory)
    asserts.true(env, info.sealed.is_directory)
    groups = target[OutputGroupInfo]
    asserts.equals(env, [info.tree], groups.tree.to_list())
    asserts.equals(env, [info.root_object], groups.root_object.to_list())
    asserts.equals(env, [info.proofs], groups.proofs.to_list())
    asserts.equals(env, [info.sealed], groups.sealed.to_list())
    asserts.equals(env, [info.tree, info.root_object], target[DefaultInfo].files.to_list())
    return analysistest.end(env)

_info_test = analysistest.make(_info_test_impl, doc = "Checks what the tree provides to other rules.")

def _offer_test(name):
    tree = name + "_offer"
    module_tree(
        name = tree,
        machine = "x86_64",
        modules = [name + "_second", name + "_first", name + "_unknown"],
        order = name + "_order",
        tags = ["manual"],
    )
    _info_test(name = tree + "_test", target_under_test = tree)
    return tree + "_test"

def _machine_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, ctx.attr.machine, analysistest.target_under_test(env)[ModuleTreeInfo].machine)
    return analysistest.end(env)

def _machine_test_on(platform):
    return analysistest.make(
        _machine_test_impl,
        doc = "Checks the architecture of the tree, on a target platform.",
        attrs = {"machine": attr.string(mandatory = True)},
        config_settings = {"//command_line_option:platforms": str(Label("//tests/analysis:" + platform))},
    )

_arm_machine_test = _machine_test_on("arm")
_arm64_machine_test = _machine_test_on("arm64")
_armv7_machine_test = _machine_test_on("armv7")
_ppc64le_machine_test = _machine_test_on("ppc64le")
_riscv64_machine_test = _machine_test_on("riscv64")
_s390x_machine_test = _machine_test_on("s390x")
_x86_64_machine_test = _machine_test_on("x86_64")

def _no_machine_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, "attribute machine: got auto on a target platform with none of the CPUs")
    asserts.expect_failure(env, "want one of arm, arm64, ppc64le, riscv64, s390x, x86_64")
    return analysistest.end(env)

_no_machine_test = analysistest.make(
    _no_machine_test_impl,
    config_settings = {"//command_line_option:platforms": str(Label("//tests/analysis:wasm"))},
    expect_failure = True,
)

_CPUS = {
    "arm": "@platforms//cpu:arm",
    "arm64": "@platforms//cpu:aarch64",
    "armv7": "@platforms//cpu:armv7",
    "ppc64le": "@platforms//cpu:ppc64le",
    "riscv64": "@platforms//cpu:riscv64",
    "s390x": "@platforms//cpu:s390x",
    "wasm": "@platforms//cpu:wasm32",
    "x86_64": "@platforms//cpu:x86_64",
}

def _machine_tests(name):
    for platform, cpu in _CPUS.items():
        native.platform(name = platform, constraint_values = [cpu, "@platforms//os:linux"])
    auto = name + "_auto"
    module_tree(name = auto, modules = [], tags = ["manual"])
    _arm_machine_test(name = name + "_arm_test", machine = "arm", target_under_test = auto)
    _arm64_machine_test(name = name + "_arm64_test", machine = "arm64", target_under_test = auto)
    _armv7_machine_test(name = name + "_armv7_test", machine = "arm", target_under_test = auto)
    _ppc64le_machine_test(name = name + "_ppc64le_test", machine = "ppc64le", target_under_test = auto)
    _riscv64_machine_test(name = name + "_riscv64_test", machine = "riscv64", target_under_test = auto)
    _s390x_machine_test(name = name + "_s390x_test", machine = "s390x", target_under_test = auto)
    _x86_64_machine_test(name = name + "_x86_64_test", machine = "x86_64", target_under_test = auto)
    _no_machine_test(name = name + "_wasm_test", target_under_test = auto)

    # The attribute takes precedence over the platform.
    explicit = name + "_explicit"
    module_tree(name = explicit, machine = "s390x", modules = [], tags = ["manual"])
    _x86_64_machine_test(name = explicit + "_test", machine = "s390x", target_under_test = explicit)
    return [explicit + "_test"] + ["%s_%s_test" % (name, platform) for platform in _CPUS]

def _duplicate_test(name):
    declare(name = name + "_twin", files = [name + "/twin.ko"])
    kernel_module_import(
        name = name + "_impostor",
        install_path = "kernel/x.ko",
        module = name + "_twin",
        tags = ["manual"],
    )
    tree = name + "_duplicate"
    module_tree(
        name = tree,
        machine = "x86_64",
        modules = [name + "_first", name + "_impostor"],
        tags = ["manual"],
    )
    failure_test(
        name = tree + "_test",
        error = [
            ("//tests/analysis:{tree}: attribute modules: got the install path kernel/x.ko for both " +
             "//tests/analysis:{name}_first (tests/analysis/{name}/kernel/x.ko) and " +
             "//tests/analysis:{name}_impostor (tests/analysis/{name}/twin.ko), want").format(
                name = name,
                tree = tree,
            ),
            "set another install_path",
        ],
        target_under_test = tree,
    )
    return tree + "_test"

def _negative_test(name):
    tree = name + "_negative"
    module_tree(name = tree, granularity = -1, machine = "x86_64", modules = [], tags = ["manual"])
    failure_test(
        name = tree + "_test",
        error = ["//tests/analysis:%s: attribute granularity: got -1, want 0 (automatic) or" % tree],
        target_under_test = tree,
    )
    return tree + "_test"

def tree_tests(name):
    """All tests of module_tree.

    Args:
      name: string, the suite's name.
    """
    _shared_modules(name)
    _shard_size_test(name = name + "_shard_size_test")
    native.test_suite(
        name = name,
        tests = [
            name + "_shard_size_test",
            _declared_test(name),
            _duplicate_test(name),
            _empty_test(name),
            _mixed_test(name),
            _negative_test(name),
            _offer_test(name),
            _ordered_test(name),
        ] + _granularity_tests(name + "_granularity") + _machine_tests(name + "_machine"),
    )
