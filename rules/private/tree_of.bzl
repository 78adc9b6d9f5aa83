# SPDX-License-Identifier: Apache-2.0
"""The tree of a target: a module_tree, or the tree of a vmlinux."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private/providers:module_tree_info.bzl", "ModuleTreeInfo")
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")

visibility("//...")

TREE_ATTRIBUTES = {
    "tree": attr.label(
        doc = "The `module_tree`, if there is no `vmlinux`: for example, modules of a distribution.",
        providers = [ModuleTreeInfo],
    ),
    "vmlinux": attr.label(
        doc = "The `vmlinux`. It provides its tree.",
        providers = [VmlinuxInfo],
    ),
}

def tree_of(ctx):
    """The tree that a target uses.

    Args:
      ctx: rule context, with TREE_ATTRIBUTES.

    Returns:
      ModuleTreeInfo.
    """
    if bool(ctx.attr.tree) == bool(ctx.attr.vmlinux):
        fail_attribute(
            ctx.label,
            "tree",
            "both tree and vmlinux" if ctx.attr.tree else "neither tree nor vmlinux",
            "one of them. A vmlinux provides its tree",
        )
    return tree_of_vmlinux(ctx) if ctx.attr.vmlinux else ctx.attr.tree[ModuleTreeInfo]

def tree_of_vmlinux(ctx):
    """The tree of the kernel that a target uses.

    Args:
      ctx: rule context, with a target in the attribute `vmlinux`.

    Returns:
      ModuleTreeInfo.
    """
    tree = ctx.attr.vmlinux[VmlinuxInfo].tree
    if not tree:
        fail_attribute(
            ctx.label,
            "vmlinux",
            "%s, whose modules are in a module_image" % label_text(ctx.attr.vmlinux.label),
            "a vmlinux with a tree. The module_image installs the modules",
        )
    return tree
