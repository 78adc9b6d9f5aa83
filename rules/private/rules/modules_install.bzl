# SPDX-License-Identifier: Apache-2.0
"""modules_install: sealed modules as lib/modules/RELEASE."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private:paths.bzl", "is_clean")
load("//rules/private/actions:params.bzl", "add_paths")
load("//rules/private/actions:run_kbuild.bzl", "JOBS_ATTRIBUTE", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "label_args", "run_kbuild")
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")
load("//tools/archive/codec:compressions.bzl", "MODULE_COMPRESSIONS")

visibility("//...")

_DOC = """\
The sealed modules of a kernel as `lib/modules/RELEASE`, with what depmod writes: what `make modules_install`
does.

```starlark
load("@rules_modhash//rules:defs.bzl", "modules_install")

modules_install(
    name = "modules_install",
    compression = "zstd",
    vmlinux = ":vmlinux",
)
```

Modules were stripped before they were hashed, and are compressed after they were sealed: what the kernel sees
is what was hashed.

**Outputs.** The directory `NAME/`, which holds `lib/modules/RELEASE`, and with `boot` also `boot/vmlinuz-RELEASE`,
`boot/System.map-RELEASE` and `boot/config-RELEASE`. In the output group `tar`: `NAME.tar` with the same files.

The modules alone do not wait for the link of the kernel.

**Failures.** Another `release` than the kernel's and what depmod refuses are errors of the build.
"""

_REPLACED = "Replaced by `vmlinux`: an error, which says so."

def _install_args(ctx, info, boot):
    build = info.build
    args = label_args(ctx)
    add_paths(args, "--sealed", [info.tree.sealed])
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

def _boot_files(ctx, info):
    """What is installed into boot: {name: File}."""
    if not ctx.attr.boot:
        return {}
    return {"System.map": info.build.system_map, "config": info.build.config.config, "vmlinuz": info.image}

def _check_replaced(ctx):
    """Fails for what vmlinux took the place of, and says so."""
    for name, target in {"kernel": ctx.attr.kernel, "tree": ctx.attr.tree}.items():
        if target:
            fail_attribute(
                ctx.label,
                name,
                label_text(target.label),
                "vmlinux alone, which carries kernel and tree. boot = True installs it too",
            )

def _modules_install_impl(ctx):
    _check_replaced(ctx)
    info = ctx.attr.vmlinux[VmlinuxInfo]
    build = info.build
    if ctx.attr.prefix and not is_clean(ctx.attr.prefix):
        fail_attribute(ctx.label, "prefix", repr(ctx.attr.prefix), "a clean relative path such as \"usr\"")
    boot = _boot_files(ctx, info)
    directory = ctx.actions.declare_directory(ctx.label.name)
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    inputs = [
        build.modules_builtin,
        build.modules_builtin_modinfo,
        build.modules_order,
        build.release,
        build.system_map,
        info.tree.sealed,
    ] + boot.values()
    for flag, output in {"--out": directory, "--tar": tar}.items():
        args = _install_args(ctx, info, boot)
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
            doc = "Whether the kernel is installed too, into `boot`: its image, `System.map` and configuration.",
        ),
        "compression": attr.string(
            doc = """\
How installed modules are compressed: `none`, `gzip`, `xz` or `zstd`, with Kbuild's own flags. The kernel takes
them with `CONFIG_MODULE_DECOMPRESS` and the same `CONFIG_MODULE_COMPRESS_*`.""",
            default = "none",
            values = MODULE_COMPRESSIONS,
        ),
        "kernel": attr.label(doc = _REPLACED),
        "prefix": attr.string(
            doc = """\
The folder that `lib/modules` is in: `usr` for packages of distributions whose `/lib` is a link to `usr/lib`. Default:
none.""",
        ),
        "release": attr.string(
            doc = "The kernel's release, as `uname -r` prints it, where targets name files by it. Default: any.",
        ),
        "tree": attr.label(doc = _REPLACED),
        "vmlinux": attr.label(
            doc = "The kernel whose modules are installed.",
            mandatory = True,
            providers = [VmlinuxInfo],
        ),
        "_jobs": JOBS_ATTRIBUTE,
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    toolchains = [KERNEL_TOOLCHAIN],
)
