# SPDX-License-Identifier: Apache-2.0
"""modules_install: sealed modules as lib/modules/RELEASE."""

load("//rules/private:errors.bzl", "fail_attribute")
load("//rules/private:inputs.bzl", "add_paths")
load("//rules/private:kernel_actions.bzl", "JOBS_ATTRIBUTE", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "check_tree", "label_args", "run_kbuild")
load("//rules/private:linked.bzl", "check_vmlinux")
load("//rules/private:paths.bzl", "is_clean")
load("//rules/private/providers:kernel_build_info.bzl", "KernelBuildInfo")
load("//rules/private/providers:module_tree_info.bzl", "ModuleTreeInfo")
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")
load("//tools/archive/codec:compressions.bzl", "MODULE_COMPRESSIONS")

visibility("//...")

_DOC = """\
The sealed modules of a tree as `lib/modules/RELEASE`, with what depmod writes: what `make modules_install`
does.

```starlark
load("@rules_modhash//rules:defs.bzl", "modules_install")

modules_install(
    name = "modules_install",
    compression = "zstd",
    kernel = ":kernel",
    tree = ":tree",
)
```

Modules were stripped before they were hashed, and are compressed after they were sealed: what the kernel sees
is what was hashed.

**Outputs.** The directory `NAME/`, which holds `lib/modules/RELEASE`, and with `vmlinux` also `boot/vmlinuz-RELEASE`,
`boot/System.map-RELEASE` and `boot/config-RELEASE`. In the output group `tar`: `NAME.tar` with the same files.

**Failures.** A tree for another machine, and a `vmlinux` with the root of another tree, are errors when the target is
analysed; another `release` than the kernel's and what depmod refuses are errors of the build.
"""

def _install_args(ctx, build, tree, boot):
    args = label_args(ctx)
    add_paths(args, "--sealed", [tree.sealed])
    args.add(build.release, format = "--release=%s")
    args.add(build.modules_order, format = "--modules-order=%s")
    args.add(build.modules_builtin, format = "--modules-builtin=%s")
    args.add(build.modules_builtin_modinfo, format = "--modules-builtin-modinfo=%s")
    args.add(build.system_map, format = "--system-map=%s")
    args.add(ctx.attr.compression, format = "--compression=%s")
    if ctx.attr.prefix:
        args.add(ctx.attr.prefix, format = "--prefix=%s")
    if ctx.attr.release:
        args.add(ctx.attr.release, format = "--want-release=%s")
    for name, file in boot.items():
        args.add(file, format = "--boot=%s=%%s" % name)
    return args

def _boot_files(ctx, build, tree):
    """What is installed into boot: {name: File}."""
    if not ctx.attr.vmlinux:
        return {}
    check_vmlinux(ctx, tree)
    image = ctx.attr.vmlinux[VmlinuxInfo].image
    return {"System.map": build.system_map, "config": build.config.config, "vmlinuz": image}

def _modules_install_impl(ctx):
    build = ctx.attr.kernel[KernelBuildInfo]
    tree = ctx.attr.tree[ModuleTreeInfo]
    check_tree(ctx, build, tree)
    if ctx.attr.prefix and not is_clean(ctx.attr.prefix):
        fail_attribute(ctx.label, "prefix", repr(ctx.attr.prefix), "a clean relative path such as \"usr\"")
    boot = _boot_files(ctx, build, tree)
    directory = ctx.actions.declare_directory(ctx.label.name)
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    inputs = [
        build.modules_builtin,
        build.modules_builtin_modinfo,
        build.modules_order,
        build.release,
        build.system_map,
        tree.sealed,
    ] + boot.values()
    for flag, output in {"--out": directory, "--tar": tar}.items():
        args = _install_args(ctx, build, tree, boot)
        add_paths(args, flag, [output])
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
them with `CONFIG_MODULE_DECOMPRESS` and the same `CONFIG_MODULE_COMPRESS_*`.""",
            default = "none",
            values = MODULE_COMPRESSIONS,
        ),
        "kernel": attr.label(
            doc = "The `kernel_build` that the modules are for.",
            mandatory = True,
            providers = [KernelBuildInfo],
        ),
        "prefix": attr.string(
            doc = """\
The folder that `lib/modules` is in: `usr` for packages of distributions whose `/lib` is a link to `usr/lib`. Default:
none.""",
        ),
        "release": attr.string(
            doc = "The kernel's release, as `uname -r` prints it, where targets name files by it. Default: any.",
        ),
        "tree": attr.label(
            doc = "The `module_tree` whose sealed modules are installed.",
            mandatory = True,
            providers = [ModuleTreeInfo],
        ),
        "vmlinux": attr.label(
            doc = "The kernel with the root of `tree`, to be installed into `boot`. Default: only modules are installed.",
            providers = [VmlinuxInfo],
        ),
        "_jobs": JOBS_ATTRIBUTE,
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    toolchains = [KERNEL_TOOLCHAIN],
)
