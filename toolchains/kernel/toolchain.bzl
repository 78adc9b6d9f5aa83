# SPDX-License-Identifier: Apache-2.0
"""kernel_toolchain: which programs build kernels and modules."""

load("//rules:providers.bzl", "KernelToolchainInfo")
load("//tools/arch:arch.bzl", "CROSS_PREFIXES")

_DOC = """\
Compilers, binary tools and make, for toolchains of type `@rules_modhash//toolchains/kernel:toolchain_type`.

The module extension `kernel_tools` looks at the machine and makes such a target. Write one of your own where
actions run on other machines than Bazel itself:

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

and in `MODULE.bazel`, where it goes before the default one:

```starlark
register_toolchains("//:image_toolchain")
```

**Outputs.** `KernelToolchainInfo`, in the field `kernel_info` of the toolchain.

**Failures.** A machine or a compiler that the rules do not know, and a path that is not absolute. What is missing
is an error of the target that needs it.
"""

_COMPILERS = ["clang", "gcc"]

def _fail(ctx, attribute, got, want):
    fail("//%s:%s: attribute %s: got %r, want %s" % (ctx.label.package, ctx.label.name, attribute, got, want))

def _check_names(ctx, attribute, names, known):
    for name in names:
        if name not in known:
            _fail(ctx, attribute, name, "some of " + ", ".join(known))

def _check_path(ctx):
    for folder in ctx.attr.path.split(":"):
        if not folder.startswith("/"):
            _fail(ctx, "path", ctx.attr.path, "absolute folders with ':' between them")

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
            doc = "Compilers that there are: `gcc`, `clang`.",
            default = ["gcc"],
        ),
        "cross_prefixes": attr.string_dict(
            doc = """\
Machines that kernels can be built for, as `module_tree` names them, and what the names of their GCC and
binary tools begin with: `{machine: prefix}`, an empty prefix for the machine itself.""",
            mandatory = True,
        ),
        "manifest": attr.label(
            doc = """\
A file that changes whenever one of the programs does: an input of each action that runs them, so that
machines with different programs share no cache entry.""",
            allow_single_file = True,
            mandatory = True,
        ),
        "path": attr.string(
            doc = "Where the programs are, where actions run: absolute folders with `:` between them.",
            default = "/usr/bin:/bin",
        ),
    },
    provides = [platform_common.ToolchainInfo],
)
