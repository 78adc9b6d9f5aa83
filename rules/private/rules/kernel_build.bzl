# SPDX-License-Identifier: Apache-2.0
"""kernel_build: a kernel and its modules, built by Kbuild."""

load("//rules/private:errors.bzl", "fail_attribute")
load("//rules/private:paths.bzl", "is_install_path")
load("//rules/private/actions:build_kernel.bzl", "ONE", "SHARDS", "build_in_one", "build_in_shards", "declare_graph", "policy_of")
load("//rules/private/actions:run_kbuild.bzl", "JOBS_ATTRIBUTE", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "STRIP_ATTRIBUTE")
load("//rules/private/actions:shards.bzl", "MANY_MODULES")
load("//rules/private/providers:ipe_policy_info.bzl", "IpePolicyInfo")
load("//rules/private/providers:kernel_build_info.bzl", "KernelBuildInfo")
load("//rules/private/providers:kernel_config_info.bzl", "KernelConfigInfo")
load("//rules/private/providers:kernel_module_info.bzl", "KernelModuleInfo")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")

visibility("//...")

_DOC = """\
A kernel and its modules, built by the kernel's own Kbuild: in one action, or in shards that are cached one by one.

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

This kernel has the root of the empty tree: `module_tree` hashes the modules, and `vmlinux` makes the kernel again, with
their root. The bytes depend on source, configuration and toolchain, and not on the time, user, host or directory
of the build.

**Shards.** With `graph = "shards"`, Kbuild compiles groups of directories in actions of their own. Each reads only the
files that it can reach, and the options that occur in them. A changed driver compiles its shard, and links its modules;
vmlinux and all other shards come from the cache. The bytes are those of one action. With an option that needs the
whole kernel at once (`CONFIG_LTO_CLANG`, `CONFIG_TRIM_UNUSED_KSYMS`, `CONFIG_GCC_PLUGINS` and others), the action that
links vmlinux compiles all of it, and a note names the option.

**Outputs.** By default `vmlinux` and the modules. Further output groups:

| output group | content |
| --- | --- |
| `vmlinux` | `vmlinux`, `vmlinux.unstripped` and `System.map` |
| `modules` | one `.ko` for each of `modules`, at its path |
| `modules_order` | `modules.order`: a `module_tree` over the kernel uses it by default |
| `lists` | `modules.order`, `modules.builtin`, `modules.builtin.modinfo`, `Module.symvers`, `kernel.release` |
| `trees` | `objects.tar.zst` for the link, `devel.tar.zst` to build out-of-tree modules |
| `sign_file` | the kernel's program that signs modules, if `sign_file` is set |
| `objects` | what the link reads: `link_trees` of the provider and, below `graph/objects`, the objects of shards |
| `log` | the output of Kbuild: `build.log`, or of a kernel in shards a file for each action, below `logs` |

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

def _graph(ctx):
    """How the kernel is built: ONE or SHARDS."""
    if ctx.attr.graph == "auto":
        return SHARDS if len(ctx.attr.modules) >= MANY_MODULES else ONE
    return ctx.attr.graph

def _build_info(ctx, graph):
    """The files of the build. graph is as declare_graph returns it, or None for one action."""
    config = ctx.attr.config[KernelConfigInfo]
    objects = _declare(ctx, "objects.tar.zst")
    if graph:
        trees = [graph.prepared, config.configuration, graph.link_source] + graph.builtin.values() + [objects]
    else:
        trees = [config.source.archive, objects]
    return KernelBuildInfo(
        boot_policy = policy_of(ctx),
        config = config,
        devel = _declare(ctx, "devel.tar.zst"),
        graph = SHARDS if graph else ONE,
        label = ctx.label,
        link_trees = trees,
        modules_builtin = _declare(ctx, "modules.builtin"),
        modules_builtin_modinfo = _declare(ctx, "modules.builtin.modinfo"),
        modules_order = _declare(ctx, "modules.order"),
        objects = objects,
        release = _declare(ctx, "kernel.release"),
        symvers = _declare(ctx, "Module.symvers"),
        system_map = _declare(ctx, "System.map"),
        vmlinux = _declare(ctx, "vmlinux"),
        vmlinux_unstripped = _declare(ctx, "vmlinux.unstripped"),
    )

def _declare_build(ctx, modules, sign_file):
    """Declares the actions. Returns KernelBuildInfo, the logs, and the objects of the shards' modules."""
    if _graph(ctx) == ONE:
        build = _build_info(ctx, None)
        log = _declare(ctx, "build.log")
        build_in_one(ctx, build, modules, sign_file, log)
        return build, [log], []
    logs = lambda name: _declare(ctx, "logs/" + name)
    graph = declare_graph(ctx, ctx.attr.config[KernelConfigInfo], ctx.attr.modules)
    build = _build_info(ctx, graph)
    written, objects = build_in_shards(ctx, build, graph, modules, sign_file, logs)
    return build, written, objects

def _kernel_build_impl(ctx):
    _check_modules(ctx)
    sign_file = _declare(ctx, "sign-file") if ctx.attr.sign_file else None
    modules = {path: _declare(ctx, "modules/" + path) for path in ctx.attr.modules}
    build, logs, objects = _declare_build(ctx, modules, sign_file)
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
            log = depset(logs),
            objects = depset(objects + build.link_trees),
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
        "boot_policy": attr.label(
            doc = """\
The `ipe_policy` that is compiled into the kernel. The build writes it to `security/ipe/rules_modhash_boot_policy`, so set
`CONFIG_IPE_BOOT_POLICY="security/ipe/rules_modhash_boot_policy"`. `vmlinux` with a `module_image` writes the root hash into it:
without that, the kernel loads no module.""",
            providers = [IpePolicyInfo],
        ),
        "config": attr.label(
            doc = "The kernel's configuration. It sets the source, architecture and compiler.",
            mandatory = True,
            providers = [KernelConfigInfo],
        ),
        "graph": attr.string(
            doc = """\
`one`: one action builds the kernel. `shards`: an action for each of some 15 to 150 groups of directories, and some to
link. `auto`: `shards` for kernels with 100 modules or more.""",
            default = "auto",
            values = ["auto", ONE, SHARDS],
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
