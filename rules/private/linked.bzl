# SPDX-License-Identifier: Apache-2.0
"""Whether a vmlinux and a tree belong together."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")

visibility("//...")

def check_vmlinux(ctx, tree):
    """Fails if the target's vmlinux was linked with another tree than its own.

    Args:
      ctx: rule context, with the vmlinux as attribute `vmlinux`.
      tree: ModuleTreeInfo.
    """
    if ctx.attr.vmlinux[VmlinuxInfo].root_object != tree.root_object:
        fail_attribute(
            ctx.label,
            "vmlinux",
            "%s, which was linked with another tree" % label_text(ctx.attr.vmlinux.label),
            "one that was linked with %s" % label_text(tree.label),
        )
