# SPDX-License-Identifier: Apache-2.0
"""vmlinux: a kernel with module hashes."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private/actions:build_kernel.bzl", "SHARDS")
load(
    "//rules/private/actions:run_kbuild.bzl",
    "JOBS_ATTRIBUTE",
    "KBUILD_ATTRIBUTE",
    "KERNEL_TOOLCHAIN",
    "kernel_toolchain",
    "run_kbuild",
    "target_args",
)
load("//rules/private/providers:kernel_build_info.bzl", "KernelBuildInfo")
load("//rules/private/providers:module_tree_info.bzl", "ModuleTreeInfo")
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")
load("//tools/arch:arch.bzl", "IMAGES")

visibility("//...")

_DOC = """\
A kernel with the root of its modules: Kbuild's own link, with the root object of a `module_tree` instead of the empty
one. It compiles only the parts of the boot image that depend on vmlinux.

```starlark
load("@rules_modhash//rules:defs.bzl", "module_tree", "vmlinux")

module_tree(
    name = "tree",
    modules = [
        ":hello",
        ":kernel",
    ],
)

vmlinux(
    name = "vmlinux",
    kernel = ":kernel",
    tree = ":tree",
)
```

The target provides the kernel and the tree: rules that install, package, boot or describe it need only
`vmlinux = ":vmlinux"`.

The build ID depends on the root: kernels with different modules have different build IDs.

**Without a link.** `root = "overwrite"` is for an edit loop, in which modules change and the kernel does not. The action
writes the root over the blank root in `vmlinux.unstripped` of the `kernel_build`. Kbuild makes `vmlinux` and the boot image
from it. It does not link, and does not make the symbol table (kallsyms) and type information (BTF) again. The kernel loads
and rejects the same modules, and all rules accept it. Some bytes differ from those of a linked kernel:

- The build ID is that of the `kernel_build`: kernels with different modules have the same build ID. It leads to the correct
  debug information, but does not identify the kernel. The root does.
- Sections that the kernel does not load describe the object with the blank root: with Clang and debug information,
  `.debug_line` has an additional line table, which moves offsets in other debug sections; on arm64, `.symtab` can have
  an additional mapping symbol (`$d`).

Release a linked kernel: it is what others get by default.

**Outputs.** `NAME/vmlinux`, and the boot image: `NAME/bzImage` on x86-64, `NAME/Image` on arm64. In the output
group `unstripped`: `NAME/vmlinux.unstripped`.

**Failures.** A tree for another architecture is an analysis error. A kernel without `CONFIG_MODULE_HASHES` links, but
has no root: with `root = "overwrite"`, this is a build error.
"""

# How the root gets into the kernel: values of the attribute `root`.
LINK = "link"
OVERWRITE = "overwrite"

def _check_machine(ctx, build, tree):
    """Fails if the tree sets another architecture than the kernel."""
    machine = build.config.machine
    if tree.machine not in [None, machine]:
        fail_attribute(
            ctx.label,
            "tree",
            "%s for the architecture %s" % (label_text(tree.label), tree.machine),
            "one for %s, like %s. Next: set its attribute machine" % (machine, label_text(build.label)),
        )

def _args(ctx, build, info):
    """Arguments for both actions."""
    args = target_args(ctx, build.config, "kernel")
    args.add_all(build.link_trees, format_each = "--tree=%s")
    if build.graph == SHARDS:
        args.add("--shards")
    args.add(info.tree.root_object, format = "--root-object=%s")
    args.add(info.vmlinux, format = "--vmlinux=%s")
    args.add(info.vmlinux_unstripped, format = "--vmlinux-unstripped=%s")
    args.add(info.image, format = "--image=%s")
    return args

def _declare_link(ctx, build, info):
    inputs = build.link_trees + [info.tree.root_object]
    outputs = [info.vmlinux, info.vmlinux_unstripped, info.image]
    args = _args(ctx, build, info)
    run_kbuild(ctx, "ModhashKernelLink", "link", args, inputs, outputs, "Linking the kernel with its root")

def _declare_overwrite(ctx, build, info):
    inputs = build.link_trees + [build.vmlinux_unstripped, info.tree.root_object]
    outputs = [info.vmlinux, info.vmlinux_unstripped, info.image]
    args = _args(ctx, build, info)
    args.add(build.vmlinux_unstripped, format = "--blank=%s")
    run_kbuild(ctx, "ModhashKernelOverwrite", "overwrite", args, inputs, outputs, "Writing the root into the kernel")

def _vmlinux_impl(ctx):
    build = ctx.attr.kernel[KernelBuildInfo]
    tree = ctx.attr.tree[ModuleTreeInfo]
    _check_machine(ctx, build, tree)
    machine = build.config.machine
    name = ctx.label.name
    info = VmlinuxInfo(
        build = build,
        image = ctx.actions.declare_file("%s/%s" % (name, IMAGES[machine])),
        machine = machine,
        toolchain_manifest = kernel_toolchain(ctx).manifest,
        tree = tree,
        vmlinux = ctx.actions.declare_file(name + "/vmlinux"),
        vmlinux_unstripped = ctx.actions.declare_file(name + "/vmlinux.unstripped"),
    )
    declare = _declare_overwrite if ctx.attr.root == OVERWRITE else _declare_link
    declare(ctx, build, info)
    return [
        info,
        DefaultInfo(files = depset([info.vmlinux, info.image])),
        OutputGroupInfo(
            image = depset([info.image]),
            unstripped = depset([info.vmlinux_unstripped]),
            vmlinux = depset([info.vmlinux]),
        ),
    ]

vmlinux = rule(
    implementation = _vmlinux_impl,
    doc = _DOC,
    attrs = {
        "kernel": attr.label(
            doc = "The `kernel_build`.",
            mandatory = True,
            providers = [KernelBuildInfo],
        ),
        "root": attr.string(
            doc = """\
`link`: Kbuild links the kernel with the root. `overwrite`: the root replaces the blank root of the linked kernel, which
takes less time. The kernel keeps the build ID of the `kernel_build`.""",
            default = LINK,
            values = [LINK, OVERWRITE],
        ),
        "tree": attr.label(
            doc = "The `module_tree` over all modules that the kernel must recognize.",
            mandatory = True,
            providers = [ModuleTreeInfo],
        ),
        "_jobs": JOBS_ATTRIBUTE,
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    provides = [VmlinuxInfo],
    toolchains = [KERNEL_TOOLCHAIN],
)
