# SPDX-License-Identifier: Apache-2.0
"""modhash_toolchain: which modhash program the rules run."""

load("//rules:providers.bzl", "ModhashToolchainInfo")

_DOC = """\
A `modhash` program for toolchains of type `@rules_modhash//toolchains/modhash:toolchain_type`.

The rules build it from source by default. The module extension `modhash` takes the program of a release. To run any other
one:

```starlark
load("@rules_modhash//toolchains/modhash:toolchain.bzl", "modhash_toolchain")

modhash_toolchain(
    name = "prebuilt",
    modhash = "@modhash_linux_x86_64//:modhash",
)

toolchain(
    name = "prebuilt_toolchain",
    exec_compatible_with = ["@platforms//cpu:x86_64", "@platforms//os:linux"],
    toolchain = ":prebuilt",
    toolchain_type = "@rules_modhash//toolchains/modhash:toolchain_type",
)
```

and in `MODULE.bazel`, where it goes before the default one:

```starlark
register_toolchains("//:prebuilt_toolchain")
```

**Outputs.** `ModhashToolchainInfo`, in the field `modhash_info` of the toolchain.

**Failures.** A program that is not executable is an error when the target is analysed.
"""

def _modhash_toolchain_impl(ctx):
    modhash = ctx.attr.modhash[DefaultInfo].files_to_run
    return [platform_common.ToolchainInfo(modhash_info = ModhashToolchainInfo(modhash = modhash))]

modhash_toolchain = rule(
    implementation = _modhash_toolchain_impl,
    doc = _DOC,
    attrs = {
        "modhash": attr.label(
            doc = "The program: a target or a file. It runs in actions, on the execution platform.",
            allow_files = True,
            cfg = "exec",
            executable = True,
            mandatory = True,
        ),
    },
    provides = [platform_common.ToolchainInfo],
)
