# SPDX-License-Identifier: Apache-2.0
"""kernel_build: a kernel and its modules, built by Kbuild."""

load("//rules/private:errors.bzl", "fail_attribute")
load("//rules/private:paths.bzl", "is_install_path")
load("//rules/private/actions:run_kbuild.bzl", "JOBS_ATTRIBUTE", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "STRIP_ATTRIBUTE", "run_kbuild", "target_args")
load("//rules/private/providers:kernel_build_info.bzl", "KernelBuildInfo")
load("//rules/private/providers:kernel_config_info.bzl", "KernelConfigInfo")
load("//rules/private/providers:kernel_module_info.bzl", "KernelModuleInfo")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")

visibility("//...")

_DOC = """\
A kernel and its modules, built by the kernel's own Kbuild in one action.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_build")

kernel_build(
    name = "kernel",
    config = ":config",
    modules = [
        "drivers/net/dummy.ko",
        "fs/squashfs/squashfs.ko",
    ],
)
```

This kernel has the root of the empty tree: `module_tree` hashes the modules, and `vmlinux` links the kernel again
with their root. The bytes depend on source, configuration and toolchain, and not on the time, user, host or directory
of the build.

**Outputs.** By default `vmlinux` and the modules. Further output groups, all from one action:

| output group | content |
| --- | --- |
| `vmlinux` | `vmlinux`, `vmlinux.unstripped` and `System.map` |
| `modules` | one `.ko` for each of `modules`, at its path |
| `modules_order` | `modules.order`: a `module_tree` over the kernel uses it by default |
| `lists` | `modules.order`, `modules.builtin`, `modules.builtin.modinfo`, `Module.symvers`, `kernel.release` |
| `trees` | `objects.tar.zst` for the link, `devel.tar.zst` to build out-of-tree modules |
| `sign_file` | the kernel's program that signs modules, if `sign_file` is set |
| `log` | the output of Kbuild |

**Failures.** Errors of Kbuild start with the failing file. A declared module that Kbuild does not build, and a
module that it builds and that is not declared, is an error with the list to paste. `kernel_modules_list` prints that
list without a build, and Gazelle writes it.
"""

def _check_modules(ctx):
    seen = {}
    for path in ctx.attr.modules:
        if not is_install_path(path) or "=" in path:
            fail_attribute(
                ctx.label,
                "modules",
                repr(path),
                "paths in the kernel's tree without empty, '.' or '..' parts and without '=' that end in .ko, " +
                "such as \"fs/ext4/ext4.ko\"",
            )
        if path in seen:
            fail_attribute(ctx.label, "modules", "%s twice" % repr(path), "each module once")
        seen[path] = None

def _declare(ctx, name):
    return ctx.actions.declare_file("%s/%s" % (ctx.label.name, name))

def _module_info(ctx, path, file):
    return KernelModuleInfo(
        existing_signature = "error",
        install_path = "kernel/" + path,
        label = ctx.label,
        module = file,
    )

def _build_info(ctx):
    return KernelBuildInfo(
        config = ctx.attr.config[KernelConfigInfo],
        devel = _declare(ctx, "devel.tar.zst"),
        label = ctx.label,
        modules_builtin = _declare(ctx, "modules.builtin"),
        modules_builtin_modinfo = _declare(ctx, "modules.builtin.modinfo"),
        modules_order = _declare(ctx, "modules.order"),
        objects = _declare(ctx, "objects.tar.zst"),
        release = _declare(ctx, "kernel.release"),
        symvers = _declare(ctx, "Module.symvers"),
        system_map = _declare(ctx, "System.map"),
        vmlinux = _declare(ctx, "vmlinux"),
        vmlinux_unstripped = _declare(ctx, "vmlinux.unstripped"),
    )

def _output_flags(build, sign_file, log):
    flags = {
        "--devel": build.devel,
        "--log": log,
        "--modules-builtin": build.modules_builtin,
        "--modules-builtin-modinfo": build.modules_builtin_modinfo,
        "--modules-order": build.modules_order,
        "--objects": build.objects,
        "--release": build.release,
        "--symvers": build.symvers,
        "--system-map": build.system_map,
        "--vmlinux": build.vmlinux,
        "--vmlinux-unstripped": build.vmlinux_unstripped,
    }
    return flags | ({"--sign-file": sign_file} if sign_file else {})

def _declare_build(ctx, build, modules, outputs):
    config = build.config
    args = target_args(ctx, config, "config")
    args.add(config.source.archive, format = "--source=%s")
    args.add(config.config, format = "--config=%s")
    args.add(ctx.attr.strip, format = "--strip=%s")
    inputs = [config.source.archive, config.config]
    if ctx.file.trusted_keys:
        args.add(ctx.file.trusted_keys, format = "--trusted-keys=%s")
        inputs.append(ctx.file.trusted_keys)
    for flag, file in outputs.items():
        args.add(file, format = flag + "=%s")
    for path, file in modules.items():
        args.add(file, format = "--module=%s=%%s" % path.replace("%", "%%"))
    run_kbuild(
        ctx,
        "ModhashKernelBuild",
        "build",
        args,
        inputs,
        outputs.values() + modules.values(),
        "Building the kernel and %d modules" % len(modules),
    )

def _kernel_build_impl(ctx):
    _check_modules(ctx)
    build = _build_info(ctx)
    log = _declare(ctx, "build.log")
    sign_file = _declare(ctx, "sign-file") if ctx.attr.sign_file else None
    modules = {path: _declare(ctx, "modules/" + path) for path in ctx.attr.modules}
    _declare_build(ctx, build, modules, _output_flags(build, sign_file, log))
    return [
        build,
        KernelModulesInfo(
            directories = [],
            modules = [_module_info(ctx, path, file) for path, file in modules.items()],
        ),
        # With vmlinux: otherwise a build of a target without modules would do nothing.
        DefaultInfo(files = depset([build.vmlinux] + modules.values())),
        OutputGroupInfo(
            lists = depset([build.modules_order, build.modules_builtin, build.modules_builtin_modinfo, build.symvers, build.release]),
            log = depset([log]),
            modules = depset(modules.values()),
            modules_order = depset([build.modules_order]),
            sign_file = depset([sign_file] if sign_file else []),
            trees = depset([build.objects, build.devel]),
            vmlinux = depset([build.vmlinux, build.vmlinux_unstripped, build.system_map]),
        ),
    ]

kernel_build = rule(
    implementation = _kernel_build_impl,
    doc = _DOC,
    attrs = {
        "config": attr.label(
            doc = "The kernel's configuration. It sets the source, architecture and compiler.",
            mandatory = True,
            providers = [KernelConfigInfo],
        ),
        "modules": attr.string_list(
            doc = """\
All modules that Kbuild builds for this configuration, as paths in the kernel's tree: `fs/ext4/ext4.ko`. Each is
installed as `kernel/<path>`.""",
        ),
        "sign_file": attr.bool(
            doc = """\
Whether the kernel's program `scripts/sign-file` is an output, to sign modules that are not in the tree. It needs
`CONFIG_MODULE_SIG_FORMAT=y`.""",
        ),
        "strip": STRIP_ATTRIBUTE,
        "trusted_keys": attr.label(
            doc = """\
Certificates (PEM) that the kernel trusts for signed modules that are not in the tree. The build writes them to
`certs/rules_modhash_trusted.pem`, so set `CONFIG_SYSTEM_TRUSTED_KEYS="certs/rules_modhash_trusted.pem"`.""",
            allow_single_file = True,
        ),
        "_jobs": JOBS_ATTRIBUTE,
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    provides = [KernelBuildInfo, KernelModulesInfo],
    toolchains = [KERNEL_TOOLCHAIN],
)
