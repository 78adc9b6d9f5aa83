# SPDX-License-Identifier: Apache-2.0
"""The tree of a target: a module_tree, or the tree of a vmlinux."""

load("//rules/private:errors.bzl", "fail_attribute")
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
    if ctx.attr.vmlinux:
        return ctx.attr.vmlinux[VmlinuxInfo].tree
    return ctx.attr.tree[ModuleTreeInfo]
