# SPDX-License-Identifier: Apache-2.0
"""kernel_source: kernel source, patched."""

load("//rules/private/actions:run_kbuild.bzl", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "label_args", "run_kbuild")
load("//rules/private/providers:kernel_source_info.bzl", "KernelSourceInfo")
load("//rules/private/rules:patch_series.bzl", "choose_patches")

visibility("//...")

_DOC = """\
Kernel source with patches applied. The module extension `linux` declares such a target.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_source")

kernel_source(
    name = "source",
    archive = "linux-7.2.12.tar.xz",
    patches = ["@rules_modhash//toolchains/kernel/patches:module_hashes"],
    version = "7.2.12",
)
```

**Outputs.** `NAME.tar.zst`: the patched source tree, for other kernel rules.

**Failures.** A patch that does not apply exactly (with fuzz 0), and an archive that is not kernel source, are
errors that name the file. A version that a `patch_series` has no patches for is an analysis error.
"""

def _kernel_source_impl(ctx):
    archive = ctx.actions.declare_file(ctx.label.name + ".tar.zst")
    patches = choose_patches(ctx.label, ctx.attr.patches, ctx.attr.version)
    args = label_args(ctx)
    args.add(ctx.file.archive, format = "--archive=%s")
    args.add_all(patches, format_each = "--patch=%s")
    args.add(archive, format = "--out=%s")
    inputs = [ctx.file.archive] + patches
    run_kbuild(ctx, "ModhashKernelSource", "source", args, inputs, [archive], "Patching the source", parallel = False)
    return [
        DefaultInfo(files = depset([archive])),
        KernelSourceInfo(archive = archive, version = ctx.attr.version),
    ]

kernel_source = rule(
    implementation = _kernel_source_impl,
    doc = _DOC,
    attrs = {
        "archive": attr.label(
            doc = "The source as kernel.org or a distribution publishes it: tar, compressed by xz, gzip or zstd.",
            allow_single_file = True,
            mandatory = True,
        ),
        "patches": attr.label_list(
            doc = "Patches to apply with `patch -p1`, in order. A `patch_series` provides those for `version`.",
            allow_files = True,
        ),
        "version": attr.string(doc = "The kernel's version, such as `7.2.12`: it selects patches of a `patch_series`."),
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    provides = [KernelSourceInfo],
    toolchains = [KERNEL_TOOLCHAIN],
)
