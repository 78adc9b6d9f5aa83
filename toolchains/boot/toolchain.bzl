# SPDX-License-Identifier: Apache-2.0
"""boot_toolchain: the QEMU and the busybox that virtual machines use."""

load("//rules:providers.bzl", "BootToolchainInfo")
load("//tools/arch:arch.bzl", "BOOT_MACHINES")

_DOC = """\
QEMU and busybox, for toolchains of type `@rules_modhash//toolchains/boot:toolchain_type`.

The module extension `boot_tools` declares such a target for the programs on this machine. Declare your own if tests
and Bazel run on different machines, or to use a busybox for another architecture:

```starlark
load("@rules_modhash//toolchains/boot:toolchain.bzl", "boot_toolchain")

boot_toolchain(
    name = "image",
    busybox = {"@busybox_arm64//:busybox": "arm64"},
    emulators = {"arm64": "/usr/bin/qemu-system-aarch64"},
    manifest = "image.tsv",
)

toolchain(
    name = "image_toolchain",
    toolchain = ":image",
    toolchain_type = "@rules_modhash//toolchains/boot:toolchain_type",
)
```

and in `MODULE.bazel`, where it takes precedence over the default one:

```starlark
register_toolchains("//:image_toolchain")
```

**Outputs.** `BootToolchainInfo`, in the field `boot_info` of the toolchain.

**Failures.** An unknown architecture is an analysis error.
"""

def _check_machines(ctx, attribute, machines):
    for machine in machines:
        if machine not in BOOT_MACHINES:
            fail("%s: attribute %s: got the architecture %s, want one of %s" %
                 (ctx.label, attribute, repr(machine), ", ".join(BOOT_MACHINES)))

def _boot_toolchain_impl(ctx):
    _check_machines(ctx, "emulators", ctx.attr.emulators.keys())
    _check_machines(ctx, "busybox", ctx.attr.busybox.values())
    return [platform_common.ToolchainInfo(boot_info = BootToolchainInfo(
        busybox = {machine: target.files.to_list()[0] for target, machine in ctx.attr.busybox.items()},
        emulators = ctx.attr.emulators,
        manifest = ctx.file.manifest,
    ))]

boot_toolchain = rule(
    implementation = _boot_toolchain_impl,
    doc = _DOC,
    attrs = {
        "busybox": attr.label_keyed_string_dict(
            doc = "A statically linked busybox for each architecture: `{label: machine}`. Optional.",
            allow_files = True,
        ),
        "emulators": attr.string_dict(
            doc = """\
Absolute path of QEMU for each supported architecture, where tests run: `{machine: path}`.""",
        ),
        "manifest": attr.label(
            doc = "A file that changes if QEMU changes: an input of each boot test.",
            allow_single_file = True,
            mandatory = True,
        ),
    },
    provides = [platform_common.ToolchainInfo],
)
