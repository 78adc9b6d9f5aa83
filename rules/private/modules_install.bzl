# SPDX-License-Identifier: Apache-2.0
"""modules_install: sealed modules as lib/modules/RELEASE."""

load("//rules/private:inputs.bzl", "add_path")
load("//rules/private:kernel_actions.bzl", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "check_tree", "label_args", "run_kbuild")
load("//rules/private/providers:kernel_build_info.bzl", "KernelBuildInfo")
load("//rules/private/providers:module_tree_info.bzl", "ModuleTreeInfo")

_DOC = """\
The sealed modules of a tree as `lib/modules/RELEASE`, with what depmod writes: what `make modules_install`
does.

```starlark
load("@rules_modhash//rules:defs.bzl", "modules_install")

visibility("//...")

modules_install(
    name = "modules_install",
    compression = "zstd",
    kernel = ":kernel",
    tree = ":tree",
)
```

Modules were stripped before they were hashed, and are compressed after they were sealed: what the kernel sees
is what was hashed.

**Outputs.** The directory `NAME/`, which holds `lib/modules/RELEASE`. In the output group `tar`: `NAME.tar`
with the same files.

**Failures.** A tree for another machine is an error when the target is analysed; what depmod refuses is an
error of the build.
"""

def _install_args(ctx, build, tree):
    args = label_args(ctx)
    add_path(args, "--sealed", tree.sealed)
    args.add(build.release, format = "--release=%s")
    args.add(build.modules_order, format = "--modules-order=%s")
    args.add(build.modules_builtin, format = "--modules-builtin=%s")
    args.add(build.modules_builtin_modinfo, format = "--modules-builtin-modinfo=%s")
    args.add(build.system_map, format = "--system-map=%s")
    args.add(ctx.attr.compression, format = "--compression=%s")
    return args

def _modules_install_impl(ctx):
    build = ctx.attr.kernel[KernelBuildInfo]
    tree = ctx.attr.tree[ModuleTreeInfo]
    check_tree(ctx, build, tree)
    directory = ctx.actions.declare_directory(ctx.label.name)
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    inputs = [
        build.modules_builtin,
        build.modules_builtin_modinfo,
        build.modules_order,
        build.release,
        build.system_map,
        tree.sealed,
    ]
    for flag, output in {"--out": directory, "--tar": tar}.items():
        args = _install_args(ctx, build, tree)
        add_path(args, flag, output)
        run_kbuild(ctx, "ModhashModulesInstall", "install", args, inputs, [output], "Installing the modules")
    return [
        DefaultInfo(files = depset([directory])),
        OutputGroupInfo(tar = depset([tar])),
    ]

modules_install = rule(
    implementation = _modules_install_impl,
    doc = _DOC,
    attrs = {
        "compression": attr.string(
            doc = """\
How installed modules are compressed: `none`, `gzip`, `xz` or `zstd`, with Kbuild's own flags. The kernel takes
them with `CONFIG_MODULE_DECOMPRESS` and the same `CONFIG_MODULE_COMPRESS_…`.""",
            default = "none",
            values = ["gzip", "none", "xz", "zstd"],
        ),
        "kernel": attr.label(
            doc = "The `kernel_build` that the modules are for.",
            mandatory = True,
            providers = [KernelBuildInfo],
        ),
        "tree": attr.label(
            doc = "The `module_tree` whose sealed modules are installed.",
            mandatory = True,
            providers = [ModuleTreeInfo],
        ),
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    toolchains = [KERNEL_TOOLCHAIN],
)
