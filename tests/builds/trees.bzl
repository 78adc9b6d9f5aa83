# SPDX-License-Identifier: Apache-2.0
"""Trees for build tests, and the comparisons between them."""

load("//rules:defs.bzl", "kernel_module_import", "module_tree", "module_verify_test")
load("//rules:providers.bzl", "ModuleTreeInfo")
load("//tests/private:modules.bzl", "test_module")

visibility("//...")

def _command_line_tree_impl(ctx):
    name = ctx.label.name
    tree = ModuleTreeInfo(
        directories = [],
        label = ctx.label,
        machine = "x86_64",
        modules = [],
        order = None,
        proofs = ctx.actions.declare_directory(name + ".proofs"),
        root_object = ctx.actions.declare_file(name + ".root.o"),
        sealed = ctx.actions.declare_directory(name + ".sealed"),
        tree = ctx.actions.declare_file(name + ".tree.pb"),
    )
    ctx.actions.run(
        mnemonic = "ModhashTestCommandLine",
        executable = ctx.executable._modhash,
        arguments = [
            "tree",
            "--quiet",
            "--machine=x86_64",
            "--out=" + tree.tree.path,
            "--root-object=" + tree.root_object.path,
            "--proofs=" + tree.proofs.path,
            "--seal=" + tree.sealed.path,
            ctx.file.directory.path,
        ],
        inputs = [ctx.file.directory],
        outputs = [tree.tree, tree.root_object, tree.proofs, tree.sealed],
        env = {},
        progress_message = "Making tree %{label} as on the command line",
    )
    return [tree, DefaultInfo(files = depset([tree.tree, tree.root_object]))]

command_line_tree = rule(
    implementation = _command_line_tree_impl,
    doc = "The outputs of `modhash tree` for a directory, in one command, as a user would run it.",
    attrs = {
        "directory": attr.label(allow_single_file = True, mandatory = True),
        "_modhash": attr.label(cfg = "exec", default = "//tools/merkle/cmd/modhash", executable = True),
    },
    provides = [ModuleTreeInfo],
)

def _tree_files(info):
    return [info.tree, info.root_object, info.proofs, info.sealed]

def _compare(first, other):
    return ["diff -r '%s' '%s' || status=1" % pair for pair in zip(
        [file.short_path for file in _tree_files(first)],
        [file.short_path for file in _tree_files(other)],
    )]

def _same_trees_test_impl(ctx):
    infos = [tree[ModuleTreeInfo] for tree in ctx.attr.trees]
    lines = ["#!/bin/sh", "status=0"]
    for other in infos[1:]:
        lines += _compare(infos[0], other)
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(script, "\n".join(lines + ["exit $status", ""]), is_executable = True)
    files = [file for info in infos for file in _tree_files(info)]
    return [DefaultInfo(executable = script, runfiles = ctx.runfiles(files = files))]

same_trees_test = rule(
    implementation = _same_trees_test_impl,
    doc = "Checks that all trees have the same bytes: tree, root object, proofs and sealed modules.",
    attrs = {"trees": attr.label_list(mandatory = True, providers = [ModuleTreeInfo])},
    test = True,
)

# Modules with and without compression, not in the order of their files.
PATHS = [
    "kernel/net/core.ko",
    "kernel/fs/ext4/ext4.ko.xz",
    "kernel/fs/ext4-extra.ko.zst",
    "kernel/fs/mbcache.ko.gz",
    "kernel/drivers/net/veth.ko",
    "kernel/drivers/net/tun.ko",
    "updates/hello.ko",
]

def _install_path(path):
    return path[:path.index(".ko")] + ".ko"

BARE_PATHS = [_install_path(path) for path in PATHS]

def imported_modules(name, paths = PATHS, existing_signature = "strip", **kwargs):
    """A test module and its import for each path.

    Args:
      name: string, the prefix of the targets, and the directory of the files.
      paths: list of strings, the install paths of the modules, with compression suffixes.
      existing_signature: string, as in kernel_module_import.
      **kwargs: more attributes of test_module.

    Returns:
      list of string, the imports.
    """
    for index, path in enumerate(paths):
        test_module(name = "%s_file_%d" % (name, index), directory = name, path = path, **kwargs)
        kernel_module_import(
            name = "%s_%d" % (name, index),
            existing_signature = existing_signature,
            install_path = _install_path(path),
            module = "%s_file_%d" % (name, index),
        )
    return ["%s_%d" % (name, index) for index in range(len(paths))]

def verified_tree(name, **kwargs):
    """A tree, and the test that its sealed modules verify.

    Args:
      name: string.
      **kwargs: attributes of module_tree.
    """
    module_tree(name = name, **kwargs)
    module_verify_test(name = name + "_verify_test", size = "small", tree = name)
