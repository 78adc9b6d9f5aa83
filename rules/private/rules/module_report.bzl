# SPDX-License-Identifier: Apache-2.0
"""module_report: a tree as a web page."""

load("//rules/private:tree_of.bzl", "TREE_ATTRIBUTES", "tree_of")
load("//rules/private/actions:run_modhash.bzl", "MODHASH_TOOLCHAIN", "modhash_args", "run_modhash")
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")

visibility("//...")

_DOC = """\
A tree as one web page that uses no network: root, subsystems by size, all modules with search, and a drawing of each
proof from leaf to root. The page verifies modules that you drop on it. `docs/howto/report.md` shows it.

```starlark
load("@rules_modhash//rules:defs.bzl", "module_report")

module_report(
    name = "report",
    tree = ":tree",
)
```

With `vmlinux` instead of `tree`, the page names the kernel too.

**Outputs.** `NAME.html`, about 150 bytes per module.

**Failures.** A `vmlinux` that does not contain the root is a build error.
"""

def _kernel(ctx):
    """The vmlinux that the page names, as a list."""
    return [ctx.attr.vmlinux[VmlinuxInfo].vmlinux] if ctx.attr.vmlinux else []

def _module_report_impl(ctx):
    tree = tree_of(ctx)
    kernel = _kernel(ctx)
    page = ctx.actions.declare_file(ctx.label.name + ".html")
    args = modhash_args(ctx, "report")
    args.add(page, format = "--out=%s")
    args.add(tree.tree)
    args.add_all(kernel)
    run_modhash(ctx, "ModhashReport", args, [tree.tree] + kernel, [page], "Drawing the tree")
    return [DefaultInfo(files = depset([page]))]

module_report = rule(
    implementation = _module_report_impl,
    doc = _DOC,
    attrs = TREE_ATTRIBUTES,
    toolchains = [MODHASH_TOOLCHAIN],
)
