# SPDX-License-Identifier: Apache-2.0
"""kernel_toolchain: the programs that build kernels and modules."""

load("//rules:providers.bzl", "KernelToolchainInfo")
load("//tools/arch:arch.bzl", "CROSS_PREFIXES")

_DOC = """\
Compilers, binary tools and make, for toolchains of type `@rules_modhash//toolchains/kernel:toolchain_type`.

The module extension `kernel_tools` declares such a target for the programs on this machine. Declare your own if
actions and Bazel run on different machines:

```starlark
load("@rules_modhash//toolchains/kernel:toolchain.bzl", "kernel_toolchain")

kernel_toolchain(
    name = "image",
    cross_prefixes = {
        "arm64": "aarch64-linux-gnu-",
        "x86_64": "",
    },
    manifest = "image.tsv",
)

toolchain(
    name = "image_toolchain",
    toolchain = ":image",
    toolchain_type = "@rules_modhash//toolchains/kernel:toolchain_type",
)
```

and in `MODULE.bazel`, where it takes precedence over the default one:

```starlark
register_toolchains("//:image_toolchain")
```

**Outputs.** `KernelToolchainInfo`, in the field `kernel_info` of the toolchain.

**Failures.** An unknown architecture or compiler, and a path that is not absolute, are analysis errors. A missing
program is an error only in a target that needs it.
"""

_COMPILERS = ["clang", "gcc"]

def _fail(ctx, attribute, got, want):
    fail("//%s:%s: attribute %s: got %r, want %s" % (ctx.label.package, ctx.label.name, attribute, got, want))

def _check_names(ctx, attribute, names, known):
    for name in names:
        if name not in known:
            _fail(ctx, attribute, name, "some of " + ", ".join(known))

def _check_path(ctx):
    for directory in ctx.attr.path.split(":"):
        if not directory.startswith("/"):
            _fail(ctx, "path", ctx.attr.path, "absolute directories, separated by ':'")

def _kernel_toolchain_impl(ctx):
    _check_names(ctx, "compilers", ctx.attr.compilers, _COMPILERS)
    _check_names(ctx, "cross_prefixes", ctx.attr.cross_prefixes, sorted(CROSS_PREFIXES))
    _check_path(ctx)
    return [platform_common.ToolchainInfo(kernel_info = KernelToolchainInfo(
        compilers = ctx.attr.compilers,
        cross_prefixes = ctx.attr.cross_prefixes,
        manifest = ctx.file.manifest,
        path = ctx.attr.path,
    ))]

kernel_toolchain = rule(
    implementation = _kernel_toolchain_impl,
    doc = _DOC,
    attrs = {
        "compilers": attr.string_list(
            doc = "The available compilers, of `gcc` and `clang`.",
            default = ["gcc"],
        ),
        "cross_prefixes": attr.string_dict(
            doc = """\
The supported architectures, as in `module_tree`, and the prefix of the names of their GCC and binary tools:
`{machine: prefix}`. The prefix is empty for the architecture that actions run on.""",
            mandatory = True,
        ),
        "manifest": attr.label(
            doc = """\
A file that changes if one of the programs changes: an input of each action that runs them, so that
machines with different programs share no cache entry.""",
            allow_single_file = True,
            mandatory = True,
        ),
        "path": attr.string(
            doc = "Absolute directories of the programs where actions run, separated by `:`.",
            default = "/usr/bin:/bin",
        ),
    },
    provides = [platform_common.ToolchainInfo],
)
