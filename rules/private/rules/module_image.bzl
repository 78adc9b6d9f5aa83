# SPDX-License-Identifier: Apache-2.0
"""module_image: the modules of a kernel in a volume with one root hash."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private:members.bzl", "declared_modules", "directories_of")
load("//rules/private/actions:kernel_lists.bzl", "add_kernel_lists", "kernel_lists")
load("//rules/private/actions:params.bzl", "add_pairs", "add_paths")
load("//rules/private/actions:run_kbuild.bzl", "JOBS_ATTRIBUTE", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "label_args", "run_kbuild")
load("//rules/private/actions:run_modhash.bzl", "MODHASH_TOOLCHAIN", "modhash_args", "run_modhash")
load("//rules/private/providers:kernel_build_info.bzl", "KernelBuildInfo")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")
load("//rules/private/providers:module_image_info.bzl", "ModuleImageInfo")
load("//tools/archive/codec:compressions.bzl", "MODULE_COMPRESSIONS")

visibility("//...")

_DOC = """\
The modules of a kernel in one file: an EROFS file system with `lib/modules/RELEASE`, as `make modules_install` writes it, and
a dm-verity hash tree. The kernel checks each block that it reads against the tree, and the tree has one root hash.

```starlark
load("@rules_modhash//rules:defs.bzl", "module_image")

module_image(
    name = "image",
    modules = [
        ":hello",
        ":kernel",
    ],
)
```

A kernel with the root hash in its `ipe_policy` takes modules from this volume alone: see `module_image` of `vmlinux`. The modules have no
proof. The bytes of the image depend on the names and contents of its files alone.

**Outputs.** `NAME.img`; `NAME.root_hash.txt`, the root hash as `sha256:HEX`; in the output group `installed`, the directory
`NAME.installed` with the files. Output groups `image` and `root_hash` have one of the two files alone.

**Failures.** Modules for which there is no `kernel_build`, or of which the names are unknown before the build, are analysis errors;
errors of depmod are build errors.
"""

def _kernel_of(ctx):
    kernels = [target[KernelBuildInfo] for target in ctx.attr.modules if KernelBuildInfo in target]
    if len(kernels) != 1:
        fail_attribute(
            ctx.label,
            "modules",
            " and ".join([label_text(kernel.label) for kernel in kernels]) or "no kernel_build",
            "one kernel_build, whose release and lists the image has",
        )
    directories = directories_of(ctx.attr.modules)
    if directories:
        fail_attribute(
            ctx.label,
            "modules",
            label_text(directories[0].label) + ", whose modules are known when it is built",
            "targets such as kernel_build and kernel_module, which state the names of their modules",
        )
    return kernels[0]

def _install(ctx, kernel, directory):
    """Declares the action that installs the modules."""
    modules = {module.install_path: module.module for module in declared_modules(ctx.label, ctx.attr.modules)}
    if not modules:
        fail_attribute(ctx.label, "modules", "no module", "at least one")
    args = label_args(ctx)
    add_pairs(args, "--module", modules)
    add_kernel_lists(args, kernel)
    args.add(ctx.attr.compression, format = "--compression=%s")
    add_paths(args, "--out", [directory])
    inputs = kernel_lists(kernel) + modules.values()
    run_kbuild(ctx, "ModhashModulesInstall", "install", args, inputs, [directory], "Installing the modules")

def _module_image_impl(ctx):
    kernel = _kernel_of(ctx)
    name = ctx.label.name
    info = ModuleImageInfo(
        image = ctx.actions.declare_file(name + ".img"),
        installed = ctx.actions.declare_directory(name + ".installed"),
        kernel = kernel.label,
        label = ctx.label,
        machine = kernel.config.machine,
        root_hash = ctx.actions.declare_file(name + ".root_hash.txt"),
    )
    _install(ctx, kernel, info.installed)
    args = modhash_args(ctx, "image")
    args.add("write")
    args.add("--quiet")
    add_paths(args, "--install-root", [info.installed])
    args.add(info.image, format = "--out=%s")
    args.add(info.root_hash, format = "--root-hash=%s")
    run_modhash(ctx, "ModhashImage", args, [info.installed], [info.image, info.root_hash], "Writing the module image")
    return [
        info,
        DefaultInfo(files = depset([info.image, info.root_hash])),
        OutputGroupInfo(
            image = depset([info.image]),
            installed = depset([info.installed]),
            root_hash = depset([info.root_hash]),
        ),
    ]

module_image = rule(
    implementation = _module_image_impl,
    doc = _DOC,
    attrs = {
        "compression": attr.string(
            doc = """\
The compression of the modules in the image, as in `modules_install`. The file system itself is not compressed.""",
            default = "none",
            values = MODULE_COMPRESSIONS,
        ),
        "modules": attr.label_list(
            doc = "The `kernel_build`, and targets such as `kernel_module` with further modules, in any order.",
            mandatory = True,
            providers = [KernelModulesInfo],
        ),
        "_jobs": JOBS_ATTRIBUTE,
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    provides = [ModuleImageInfo],
    toolchains = [KERNEL_TOOLCHAIN, MODHASH_TOOLCHAIN],
)
