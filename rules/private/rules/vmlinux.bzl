# SPDX-License-Identifier: Apache-2.0
"""vmlinux: a kernel that recognizes its modules."""

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
load("//rules/private/actions:run_modhash.bzl", "MODHASH_TOOLCHAIN", "modhash_args", "run_modhash")
load("//rules/private/providers:kernel_build_info.bzl", "KernelBuildInfo")
load("//rules/private/providers:module_image_info.bzl", "ModuleImageInfo")
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

**Without patches.** With a `module_image`, the kernel takes modules from that image alone, by Integrity Policy Enforcement (IPE,
Linux 6.12 or newer): the rule writes the root hash of the image over the zeros in the `boot_policy` of the `kernel_build`. Then
`tree` is optional. Nothing but the root hash changes, so the build ID stays that of the `kernel_build`.

```starlark
load("@rules_modhash//rules:defs.bzl", "module_image", "vmlinux")

module_image(
    name = "image",
    modules = [":kernel"],
)

vmlinux(
    name = "vmlinux",
    kernel = ":kernel",
    module_image = ":image",
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
group `unstripped`: `NAME/vmlinux.unstripped`. With a `module_image`, in the output group `policy`: `NAME/policy.txt`.

**Failures.** A tree for another architecture, and an image of another kernel, are analysis errors. A kernel that would not enforce its
policy, because of another option or policy in its configuration, is a build error. A kernel without `CONFIG_MODULE_HASHES` links, but
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

def _check_image(ctx, build, module_image):
    """Fails if the kernel cannot take modules from the image."""
    if module_image.kernel != build.label:
        fail_attribute(
            ctx.label,
            "module_image",
            "%s with the modules of %s" % (label_text(module_image.label), label_text(module_image.kernel)),
            "an image with the modules of the kernel, " + label_text(build.label),
        )
    if not build.boot_policy:
        fail_attribute(
            ctx.label,
            "module_image",
            "%s together with %s, which has no policy" % (label_text(module_image.label), label_text(build.label)),
            "a kernel_build with an ipe_policy. Next: set its attribute boot_policy",
        )

def _provider(target, kind):
    """A provider of an optional attribute, or None."""
    return target[kind] if target else None

def _linked(ctx, name, machine):
    """The files of a kernel."""
    return struct(
        image = ctx.actions.declare_file("%s/%s" % (name, IMAGES[machine])),
        vmlinux = ctx.actions.declare_file(name + "/vmlinux"),
        vmlinux_unstripped = ctx.actions.declare_file(name + "/vmlinux.unstripped"),
    )

def _args(ctx, build, linked):
    """Arguments for both actions."""
    args = target_args(ctx, build.config, "kernel")
    args.add_all(build.link_trees, format_each = "--tree=%s")
    if build.graph == SHARDS:
        args.add("--shards")
    args.add(linked.vmlinux, format = "--vmlinux=%s")
    args.add(linked.vmlinux_unstripped, format = "--vmlinux-unstripped=%s")
    args.add(linked.image, format = "--image=%s")
    return args

def _declare_link(ctx, build, linked, tree):
    args = _args(ctx, build, linked)
    args.add(tree.root_object, format = "--root-object=%s")
    run_kbuild(
        ctx,
        "ModhashKernelLink",
        "link",
        args,
        build.link_trees + [tree.root_object],
        [linked.vmlinux, linked.vmlinux_unstripped, linked.image],
        "Linking the kernel with its root",
    )

def _declare_overwrite(ctx, build, blank, linked, tree, policy):
    """Declares the action that writes root and policy, each if there is one, into a linked kernel.

    Args:
      ctx: rule context.
      build: KernelBuildInfo.
      blank: File, vmlinux.unstripped before it.
      linked: struct, as _linked returns it: the files to write.
      tree: ModuleTreeInfo, or None.
      policy: File, or None.
    """
    args = _args(ctx, build, linked)
    args.add(blank, format = "--blank=%s")
    inputs = build.link_trees + [blank]
    if tree:
        args.add(tree.root_object, format = "--root-object=%s")
        inputs = inputs + [tree.root_object]
    if policy:
        args.add(build.boot_policy, format = "--blank-policy=%s")
        args.add(policy, format = "--policy=%s")
        inputs = inputs + [build.boot_policy, policy]
    run_kbuild(
        ctx,
        "ModhashKernelOverwrite",
        "overwrite",
        args,
        inputs,
        [linked.vmlinux, linked.vmlinux_unstripped, linked.image],
        "Writing the %s into the kernel" % " and ".join((["root"] if tree else []) + (["policy"] if policy else [])),
    )

def _declare_kernel(ctx, build, linked, tree, policy):
    """Declares the actions that make the kernel of the blank one."""
    if not tree or ctx.attr.root == OVERWRITE:
        _declare_overwrite(ctx, build, build.vmlinux_unstripped, linked, tree, policy)
    elif not policy:
        _declare_link(ctx, build, linked, tree)
    else:
        with_root = _linked(ctx, ctx.label.name + "/with_root", build.config.machine)
        _declare_link(ctx, build, with_root, tree)
        _declare_overwrite(ctx, build, with_root.vmlinux_unstripped, linked, None, policy)

def _declare_policy(ctx, build, module_image):
    """Declares the action that writes the root hash of the image into the policy."""
    policy = ctx.actions.declare_file(ctx.label.name + "/policy.txt")
    args = modhash_args(ctx, "policy")
    args.add("fill")
    args.add(module_image.root_hash, format = "--root-hash-file=%s")
    args.add(policy, format = "--out=%s")
    args.add(build.boot_policy)
    run_modhash(ctx, "ModhashPolicy", args, [build.boot_policy, module_image.root_hash], [policy], "Writing the root hash into the policy")
    return policy

def _vmlinux_impl(ctx):
    build = ctx.attr.kernel[KernelBuildInfo]
    tree = _provider(ctx.attr.tree, ModuleTreeInfo)
    module_image = _provider(ctx.attr.module_image, ModuleImageInfo)
    if not tree and not module_image:
        fail_attribute(ctx.label, "tree", "neither tree nor module_image", "one of them, or both")
    if tree:
        _check_machine(ctx, build, tree)
    if module_image:
        _check_image(ctx, build, module_image)
    linked = _linked(ctx, ctx.label.name, build.config.machine)
    policy = _declare_policy(ctx, build, module_image) if module_image else None
    _declare_kernel(ctx, build, linked, tree, policy)
    info = VmlinuxInfo(
        build = build,
        image = linked.image,
        machine = build.config.machine,
        module_image = module_image,
        policy = policy,
        toolchain_manifest = kernel_toolchain(ctx).manifest,
        tree = tree,
        vmlinux = linked.vmlinux,
        vmlinux_unstripped = linked.vmlinux_unstripped,
    )
    return [
        info,
        DefaultInfo(files = depset([info.vmlinux, info.image])),
        OutputGroupInfo(
            image = depset([info.image]),
            policy = depset([policy] if policy else []),
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
        "module_image": attr.label(
            doc = "The `module_image` from which the kernel must take modules. The `kernel_build` has a `boot_policy`.",
            providers = [ModuleImageInfo],
        ),
        "root": attr.string(
            doc = """\
`link`: Kbuild links the kernel with the root. `overwrite`: the root replaces the blank root of the linked kernel, which
takes less time. The kernel keeps the build ID of the `kernel_build`.""",
            default = LINK,
            values = [LINK, OVERWRITE],
        ),
        "tree": attr.label(
            doc = "The `module_tree` over all modules that the kernel must recognize by their hashes.",
            providers = [ModuleTreeInfo],
        ),
        "_jobs": JOBS_ATTRIBUTE,
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    provides = [VmlinuxInfo],
    toolchains = [KERNEL_TOOLCHAIN, MODHASH_TOOLCHAIN],
)
