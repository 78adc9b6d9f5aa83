# SPDX-License-Identifier: Apache-2.0
"""kernel_source: kernel source, patched."""

load("@bazel_skylib//lib:paths.bzl", "paths")
load("//rules/private:errors.bzl", "fail_attribute")
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

An archive with patches is unpacked by a separate action. A changed patch does not unpack the archive again: the parts of the
tree that no patch changes are copied.

Instead of an archive, `srcs` are the files of an unpacked tree. `linux.source(path = ...)` of the module extension `linux`
declares such a target for a directory that you edit, with all that follows:

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_source")

kernel_source(
    name = "edited",
    srcs = glob(["linux/**"]),
    strip_prefix = "linux",
    version = "7.2.12",
)
```

The action of `srcs` runs without a sandbox, because a sandbox of 95,000 files takes longer to make than the output. It
reads only the files in `srcs`. Bazel records of these files neither whether they are executable nor whether they are
symbolic links. Therefore the action runs on the build machine, and reads this from the file system, unless `listing`
states it. `glob` finds no symbolic links whose target is missing, and no files in directories with a `BUILD` file.

**Outputs.** `NAME.tar.zst`: the patched source tree, for other kernel rules. The same files give the same bytes, from an
archive and from `srcs`.

**Failures.** A patch that does not apply exactly (with fuzz 0), and an archive that is not kernel source, are
errors that name the file. A tree in which `make` has run is an error: run `make mrproper` there. A version that a
`patch_series` has no patches for is an analysis error.
"""

def _source_kind(ctx):
    """Checks which of archive and srcs is set. Returns whether it is archive."""
    if ctx.file.archive and ctx.attr.srcs:
        fail_attribute(ctx.label, "srcs", "both srcs and archive", "one of them")
    if not ctx.file.archive and not ctx.files.srcs:
        fail_attribute(ctx.label, "srcs", "neither srcs nor archive", "one of them, with files")
    for attribute in ["strip_prefix", "listing"]:
        if ctx.file.archive and getattr(ctx.attr, attribute):
            fail_attribute(ctx.label, attribute, "%s together with archive" % attribute, "it only with srcs")
    return bool(ctx.file.archive)

def _declare(ctx, stage = ""):
    """Declares the files of a KernelSourceInfo. Returns it."""
    return KernelSourceInfo(
        archive = ctx.actions.declare_file(ctx.label.name + stage + ".tar.zst"),
        kconfig = ctx.actions.declare_file(ctx.label.name + stage + ".kconfig.tar.zst"),
        version = ctx.attr.version,
    )

def _add_outputs(args, info):
    """Adds the files of a KernelSourceInfo as outputs, and returns them."""
    args.add(info.archive, format = "--out=%s")
    args.add(info.kconfig, format = "--kconfig=%s")
    return [info.archive, info.kconfig]

def _unpack(ctx, info, patches):
    """Declares the actions that unpack and patch the archive."""
    unpacked = _declare(ctx, ".unpacked") if patches else info
    args = label_args(ctx)
    args.add(ctx.file.archive, format = "--archive=%s")
    outputs = _add_outputs(args, unpacked)
    run_kbuild(ctx, "ModhashKernelUnpack", "source", args, [ctx.file.archive], outputs, "Unpacking the source", parallel = False)
    if not patches:
        return
    args = label_args(ctx)
    args.add(unpacked.archive, format = "--tree=%s")
    args.add(unpacked.kconfig, format = "--tree-kconfig=%s")
    args.add_all(patches, format_each = "--patch=%s")
    inputs = [unpacked.archive, unpacked.kconfig] + patches
    run_kbuild(ctx, "ModhashKernelSource", "source", args, inputs, _add_outputs(args, info), "Patching the source", parallel = False)

def _tops(ctx):
    """The directories that are the top of the tree: of generated files, and of source files."""
    prefix = ctx.attr.strip_prefix
    if paths.is_absolute(prefix) or ".." in prefix.split("/"):
        fail_attribute(ctx.label, "strip_prefix", repr(prefix), "a directory in the package, without '..'")
    top = paths.normalize(paths.join(ctx.label.workspace_root, ctx.label.package, prefix))
    return [paths.join(ctx.bin_dir.path, top), top]

def _pack(ctx, info, patches):
    """Declares the action that packs and patches srcs."""
    args = label_args(ctx)
    args.add_all(ctx.files.srcs, format_each = "--src=%s")
    args.add_all(_tops(ctx), format_each = "--top=%s")
    listing = [ctx.file.listing] if ctx.file.listing else []
    args.add_all(listing, format_each = "--listing=%s")
    args.add_all(patches, format_each = "--patch=%s")
    outputs = _add_outputs(args, info)
    requirements = {"no-sandbox": ""} if listing else {"no-remote-exec": "", "no-sandbox": ""}
    run_kbuild(
        ctx,
        "ModhashKernelSource",
        "source",
        args,
        ctx.files.srcs + listing + patches,
        outputs,
        "Packing the source",
        execution_requirements = requirements,
        parallel = False,
    )

def _kernel_source_impl(ctx):
    info = _declare(ctx)
    patches = choose_patches(ctx.label, ctx.attr.patches, ctx.attr.version)
    if _source_kind(ctx):
        _unpack(ctx, info, patches)
    else:
        _pack(ctx, info, patches)
    return [
        DefaultInfo(files = depset([info.archive])),
        info,
    ]

kernel_source = rule(
    implementation = _kernel_source_impl,
    doc = _DOC,
    attrs = {
        "archive": attr.label(
            doc = "The source as kernel.org or a distribution publishes it: tar, compressed by xz, gzip or zstd. Not with `srcs`.",
            allow_single_file = True,
        ),
        "listing": attr.label(
            doc = """\
A file that states which of `srcs` are executable, and which symbolic links the tree has: lines
`executable PATH` and `link PATH TARGET`, with tabs between words and paths relative to the top of the tree. With it, the
action depends on its declared inputs alone, and remote execution may run it. `srcs` must not contain the symbolic links.
Default: what the file system has.""",
            allow_single_file = True,
        ),
        "patches": attr.label_list(
            doc = "Patches to apply with `patch -p1`, in order. A `patch_series` provides those for `version`.",
            allow_files = True,
        ),
        "srcs": attr.label_list(
            doc = "All files of an unpacked tree in which `make` has not run. Not with `archive`.",
            allow_files = True,
        ),
        "strip_prefix": attr.string(
            doc = "The directory in the package that is the top of the tree in `srcs`. Default: the package's directory.",
        ),
        "version": attr.string(doc = "The kernel's version, such as `7.2.12`: it selects patches of a `patch_series`."),
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    provides = [KernelSourceInfo],
    toolchains = [KERNEL_TOOLCHAIN],
)
