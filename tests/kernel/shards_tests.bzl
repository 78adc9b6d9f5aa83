# SPDX-License-Identifier: Apache-2.0
"""Tests of kernels that are built in shards."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts", "unittest")
load("//rules:defs.bzl", "kernel_build", "module_tree", "vmlinux")
load("//rules:providers.bzl", "VmlinuxInfo")
load("//rules/private/actions:shards.bzl", "MANY_MODULES", "shard_of", "shards_for")  # buildifier: disable=bzl-visibility
load(":actions.bzl", "arguments_of", "check_files")
load(":toolchains.bzl", "WITH_TOOLCHAIN")

visibility("//...")

_MODULES = [
    "drivers/net/dummy.ko",
    "drivers/net/ethernet/intel/e1000/e1000.ko",
    "fs/ext4/ext4.ko",
    "crypto/100%.ko",
]

_SHARDS = [
    ".",
    "arch",
    "arch/x86/kernel",
    "block",
    "crypto",
    "drivers",
    "drivers/base",
    "drivers/net",
    "drivers/net/ethernet",
    "drivers/net/ethernet/intel",
    "fs",
    "fs/ext4",
    "kernel",
    "lib",
    "mm",
    "net",
    "security",
]

def _names_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, _SHARDS, shards_for("x86_64", _MODULES))
    asserts.true(env, "arch/arm64/kernel" in shards_for("arm64", []))
    many = ["drivers/net/many/%d.ko" % i for i in range(MANY_MODULES)]
    asserts.true(env, "net/core" in shards_for("x86_64", many))
    asserts.false(env, "net/core" in shards_for("x86_64", many[1:]))
    for module, shard in {
        "crypto/100%.ko": "crypto",
        "drivers/net/dummy.ko": "drivers/net",
        "drivers/net/ethernet/intel/e1000/e1000.ko": "drivers/net/ethernet/intel",
        "drivers/network.ko": "drivers",
        "init/x.ko": ".",
        "top.ko": ".",
    }.items():
        asserts.equals(env, shard, shard_of(_SHARDS, module), module)
    return unittest.end(env)

_names_test = unittest.make(_names_test_impl)

def _actions_by_mnemonic(env):
    found = {}
    for action in analysistest.target_actions(env):
        check_files(env, action, arguments_of(env, action))
        found.setdefault(action.mnemonic, []).append(action)
    return found

def _input_names(action):
    """What the action reads, without the program, the manifest and the parameter file."""
    names = [file.path.partition("/bin/")[2] for file in action.inputs.to_list()]
    return sorted([name.partition("/shards/")[2] for name in names if "shards/" in name and not name.endswith(".params")])

def _graph_test_impl(ctx):
    env = analysistest.begin(ctx)
    actions = _actions_by_mnemonic(env)
    asserts.equals(env, {
        "ModhashKernelBlank": 1,
        "ModhashKernelCompile": len(_SHARDS),
        "ModhashKernelDevel": 1,
        # Of those with modules.
        "ModhashKernelFinish": 4,
        "ModhashKernelModpost": 1,
        "ModhashKernelPrepare": 1,
        "ModhashKernelSplit": 1,
    }, {mnemonic: len(found) for mnemonic, found in actions.items()})

    # A shard is compiled of its own sources, and vmlinux is linked of what is built in.
    sources = [_input_names(action) for action in actions["ModhashKernelCompile"]]
    asserts.equals(env, [1] * len(_SHARDS), [len(names) for names in sources])
    asserts.equals(env, len(_SHARDS), len({names[0]: None for names in sources}))
    blank = [file.basename for file in actions["ModhashKernelBlank"][0].inputs.to_list()]
    asserts.equals(env, len(_SHARDS), len([name for name in blank if name.endswith(".builtin.tar.zst")]))
    asserts.equals(env, [], [name for name in blank if name.endswith(".modules.tar.zst")])
    return analysistest.end(env)

_graph_test = analysistest.make(
    _graph_test_impl,
    doc = "Checks the actions of a kernel in shards, and that each reads the files that its arguments name only.",
    config_settings = WITH_TOOLCHAIN,
)

def _mnemonics_test_impl(ctx):
    env = analysistest.begin(ctx)
    mnemonics = {action.mnemonic: None for action in analysistest.target_actions(env)}
    asserts.equals(env, ctx.attr.shards, "ModhashKernelSplit" in mnemonics)
    asserts.equals(env, not ctx.attr.shards, "ModhashKernelBuild" in mnemonics)
    return analysistest.end(env)

_mnemonics_test = analysistest.make(
    _mnemonics_test_impl,
    doc = "Checks whether the kernel is built in shards.",
    attrs = {"shards": attr.bool()},
    config_settings = WITH_TOOLCHAIN,
)

def _root_test_impl(ctx):
    env = analysistest.begin(ctx)
    [(mnemonic, [action])] = _actions_by_mnemonic(env).items()
    asserts.equals(env, ctx.attr.mnemonic, mnemonic)
    asserts.true(env, "--shards" in action.argv)
    info = analysistest.target_under_test(env)[VmlinuxInfo]
    want = info.build.link_trees + [info.tree.root_object]
    if ctx.attr.blank:
        want = want + [info.build.vmlinux_unstripped]
    blank = [argument for argument in action.argv if argument.startswith("--blank=")]
    asserts.equals(env, ["--blank=" + info.build.vmlinux_unstripped.path] if ctx.attr.blank else [], blank)
    read = action.inputs.to_list()
    asserts.equals(env, [], [file.path for file in want if file not in read])

    # Nothing else of the kernel: objects of modules, or what modpost and the modules are made of.
    kernel = info.build.label.name + "/"
    asserts.equals(env, [], [file.path for file in read if "/%s" % kernel in file.path and file not in want])
    return analysistest.end(env)

_root_test = analysistest.make(
    _root_test_impl,
    doc = "Checks the action that makes a kernel in shards with its root, and that it reads what it needs alone.",
    attrs = {
        "blank": attr.bool(doc = "Whether it reads the linked kernel with the blank root."),
        "mnemonic": attr.string(mandatory = True),
    },
    config_settings = WITH_TOOLCHAIN,
)

def _root_tests(name):
    """Tests of kernels with a root, made of the kernel NAME_graph."""
    module_tree(name = name + "_tree", modules = [name + "_graph"], tags = ["manual"])
    for root, mnemonic in {"link": "ModhashKernelLink", "overwrite": "ModhashKernelOverwrite"}.items():
        target = "%s_%s" % (name, root)
        vmlinux(
            name = target,
            kernel = name + "_graph",
            root = root,
            tags = ["manual"],
            tree = name + "_tree",
        )
        _root_test(name = target + "_test", blank = root == "overwrite", mnemonic = mnemonic, target_under_test = target)

def _kernel(name, graph, modules):
    kernel_build(
        name = name,
        config = "fixtures_x86_64_config",
        graph = graph,
        modules = modules,
        tags = ["manual"],
    )

def shards_tests(name):
    """Tests of kernels that are built in shards.

    Args:
      name: string, prefix of the targets' names.
    """
    _names_test(name = name + "_names_test")
    _kernel(name + "_graph", "shards", _MODULES)
    _graph_test(name = name + "_graph_test", target_under_test = name + "_graph")
    _root_tests(name)
    many = ["drivers/net/many/%d.ko" % i for i in range(MANY_MODULES)]
    for case, graph, modules, shards in [
        ("few", "auto", many[1:], False),
        ("many", "auto", many, True),
        ("one", "one", many, False),
    ]:
        target = "%s_%s" % (name, case)
        _kernel(target, graph, modules)
        _mnemonics_test(name = target + "_test", shards = shards, target_under_test = target)
