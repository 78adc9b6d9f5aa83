# SPDX-License-Identifier: Apache-2.0
"""module_report: a tree as a web page."""

load("//rules/private:attributes.bzl", "MODHASH_TOOLCHAIN")
load("//rules/private:linked.bzl", "check_vmlinux")
load("//rules/private/providers:module_tree_info.bzl", "ModuleTreeInfo")
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")

visibility("//...")

_DOC = """\
A tree as one web page that uses no network: root, subsystems by size, all modules with search, and the proof of each
drawn from leaf to root. Modules that are dropped on it are verified in the browser. `docs/howto/report.md` shows it.

```starlark
load("@rules_modhash//rules:defs.bzl", "module_report")

module_report(
    name = "report",
    tree = ":tree",
)
```

**Outputs.** `NAME.html`, about 150 bytes a module.

**Failures.** A `vmlinux` that was linked with another tree is an error when the target is analysed; one that does not
carry the root is one when it is built.
"""

def _kernel(ctx, tree):
    """The vmlinux that the page names, as a list."""
    if not ctx.attr.vmlinux:
        return []
    check_vmlinux(ctx, tree)
    return [ctx.attr.vmlinux[VmlinuxInfo].vmlinux]

def _module_report_impl(ctx):
    tree = ctx.attr.tree[ModuleTreeInfo]
    kernel = _kernel(ctx, tree)
    page = ctx.actions.declare_file(ctx.label.name + ".html")
    args = ctx.actions.args()
    args.add(page, format = "--out=%s")
    args.add(tree.tree)
    args.add_all(kernel)
    ctx.actions.run(
        mnemonic = "ModhashReport",
        executable = ctx.toolchains[MODHASH_TOOLCHAIN].modhash_info.modhash,
        arguments = ["report", args],
        inputs = [tree.tree] + kernel,
        outputs = [page],
        env = {},
        progress_message = "Drawing the tree of %{label}",
        toolchain = MODHASH_TOOLCHAIN,
    )
    return [DefaultInfo(files = depset([page]))]

module_report = rule(
    implementation = _module_report_impl,
    doc = _DOC,
    attrs = {
        "tree": attr.label(
            doc = "The `module_tree` to draw.",
            mandatory = True,
            providers = [ModuleTreeInfo],
        ),
        "vmlinux": attr.label(
            doc = "The `vmlinux` that was linked with the tree, for the page to name. Default: none.",
            providers = [VmlinuxInfo],
        ),
    },
    toolchains = [MODHASH_TOOLCHAIN],
)
