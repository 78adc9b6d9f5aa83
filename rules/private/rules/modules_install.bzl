# SPDX-License-Identifier: Apache-2.0
"""modules_install: sealed modules, installed in lib/modules/RELEASE."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private:paths.bzl", "is_clean")
load("//rules/private:tree_of.bzl", "tree_of_vmlinux")
load("//rules/private/actions:kernel_lists.bzl", "add_kernel_lists", "kernel_lists")
load("//rules/private/actions:params.bzl", "add_paths")
load("//rules/private/actions:run_kbuild.bzl", "JOBS_ATTRIBUTE", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "label_args", "run_kbuild")
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")
load("//tools/archive/codec:compressions.bzl", "MODULE_COMPRESSIONS")

visibility("//...")

_DOC = """\
The sealed modules of a kernel in `lib/modules/RELEASE`, with the files that depmod writes, as
`make modules_install` installs them.

```starlark
load("@rules_modhash//rules:defs.bzl", "modules_install")

modules_install(
    name = "modules_install",
    compression = "zstd",
    vmlinux = ":vmlinux",
)
```

The rules strip modules before they hash them, and compress them after they seal them, so the kernel checks the same
bytes that the tree hashed.

**Outputs.** The directory `NAME/`, which contains `lib/modules/RELEASE`, and with `boot` also
`boot/vmlinuz-RELEASE`, `boot/System.map-RELEASE` and `boot/config-RELEASE`. In the output group `tar`: `NAME.tar`
with the same files.

Without `boot`, the target does not need the link of the kernel.

**Failures.** A `release` other than the kernel's, and errors of depmod, are build errors.
"""

_REPLACED = "Replaced by `vmlinux`. Setting it is an error."

def _install_args(ctx, info, tree, boot):
    args = label_args(ctx)
    add_paths(args, "--sealed", [tree.sealed])
    add_kernel_lists(args, info.build)
    args.add(ctx.attr.compression, format = "--compression=%s")
    if ctx.attr.prefix:
        args.add(ctx.attr.prefix, format = "--prefix=%s")
    if ctx.attr.release:
        args.add(ctx.attr.release, format = "--want-release=%s")
    for name, file in boot.items():
        args.add(file, format = "--boot=%s=%%s" % name)
    return args

def _boot_files(ctx, info):
    """The files to install in boot: {name: File}."""
    if not ctx.attr.boot:
        return {}
    return {"System.map": info.build.system_map, "config": info.build.config.config, "vmlinuz": info.image}

def _check_replaced(ctx):
    """Fails if an attribute that vmlinux replaced is set."""
    for name, target in {"kernel": ctx.attr.kernel, "tree": ctx.attr.tree}.items():
        if target:
            fail_attribute(
                ctx.label,
                name,
                label_text(target.label),
                "vmlinux alone, which provides kernel and tree. boot = True installs the kernel too",
            )

def _modules_install_impl(ctx):
    _check_replaced(ctx)
    info = ctx.attr.vmlinux[VmlinuxInfo]
    tree = tree_of_vmlinux(ctx)
    if ctx.attr.prefix and not is_clean(ctx.attr.prefix):
        fail_attribute(ctx.label, "prefix", repr(ctx.attr.prefix), "a clean relative path such as \"usr\"")
    boot = _boot_files(ctx, info)
    directory = ctx.actions.declare_directory(ctx.label.name)
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    inputs = kernel_lists(info.build) + [tree.sealed] + boot.values()
    for flag, output in {"--out": directory, "--tar": tar}.items():
        args = _install_args(ctx, info, tree, boot)
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
        "boot": attr.bool(
            doc = "Whether to install the kernel too, in `boot`: its image, `System.map` and configuration.",
        ),
        "compression": attr.string(
            doc = """\
The compression of installed modules: `none`, `gzip`, `xz` or `zstd`, with the flags of Kbuild. The kernel needs
`CONFIG_MODULE_DECOMPRESS` and the same `CONFIG_MODULE_COMPRESS_*` to load them.""",
            default = "none",
            values = MODULE_COMPRESSIONS,
        ),
        "kernel": attr.label(doc = _REPLACED),
        "prefix": attr.string(
            doc = """\
The parent directory of `lib/modules`: `usr` for packages of distributions whose `/lib` is a link to `usr/lib`.
Default: none.""",
        ),
        "release": attr.string(
            doc = "The release that the kernel must have, as `uname -r` prints it. Default: any.",
        ),
        "tree": attr.label(doc = _REPLACED),
        "vmlinux": attr.label(
            doc = "The kernel whose modules to install.",
            mandatory = True,
            providers = [VmlinuxInfo],
        ),
        "_jobs": JOBS_ATTRIBUTE,
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    toolchains = [KERNEL_TOOLCHAIN],
)
