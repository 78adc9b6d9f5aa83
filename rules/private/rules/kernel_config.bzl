# SPDX-License-Identifier: Apache-2.0
"""kernel_config: a kernel configuration."""

load("//rules/private:errors.bzl", "fail_attribute")
load("//rules/private:machine.bzl", "machine_attributes", "machine_of")
load("//rules/private/actions:run_kbuild.bzl", "JOBS_ATTRIBUTE", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "run_kbuild", "target_args")
load("//rules/private/providers:kernel_config_info.bzl", "KernelConfigInfo")
load("//rules/private/providers:kernel_source_info.bzl", "KernelSourceInfo")

visibility("//...")

_DOC = """\
A kernel configuration: a base, fragments on top of it, and Kconfig's defaults for all other options.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_config")

kernel_config(
    name = "config",
    base = "defconfig",
    fragments = ["module_hashes.config"],
    source = "@linux//:source",
)
```

A kernel with module hashes needs `CONFIG_MODULE_HASHES=y`, and `# CONFIG_MODULE_SIG_ALL is not set` if
`CONFIG_MODULE_SIG=y`.

**Outputs.** `NAME.config`, the complete configuration.

**Failures.** An option of a fragment that does not take effect is an error that names the option, its file and
line, and the actual and expected values. An option of `base_file` that is lost because a program is missing or too
old (Rust, pahole, openssl) is an error too, unless a fragment sets it off. Other options of `base_file` that did not stay are
warnings with their number and names, if no fragment explains them. A line that is neither an option nor a comment is an error too. A compiler or
architecture that the kernel toolchain does not support is an analysis error.
"""

def _base(ctx, args):
    if bool(ctx.attr.base) == bool(ctx.file.base_file):
        fail_attribute(
            ctx.label,
            "base_file",
            "both base and base_file" if ctx.attr.base else "neither base nor base_file",
            "one of them",
        )
    if ctx.attr.base:
        args.add(ctx.attr.base, format = "--base=%s")
        return []
    args.add(ctx.file.base_file, format = "--base-file=%s")
    return [ctx.file.base_file]

def _kernel_config_impl(ctx):
    config = ctx.actions.declare_file(ctx.label.name + ".config")
    info = KernelConfigInfo(
        compiler = ctx.attr.compiler,
        config = config,
        configuration = ctx.actions.declare_file(ctx.label.name + ".tar.zst"),
        machine = machine_of(ctx),
        source = ctx.attr.source[KernelSourceInfo],
    )
    args = target_args(ctx, info)
    args.add(info.source.kconfig, format = "--source=%s")
    inputs = [info.source.kconfig] + _base(ctx, args) + ctx.files.fragments
    args.add_all(ctx.files.fragments, format_each = "--fragment=%s")
    args.add(config, format = "--out=%s")
    args.add(info.configuration, format = "--configuration=%s")
    outputs = [config, info.configuration]
    run_kbuild(ctx, "ModhashKernelConfig", "config", args, inputs, outputs, "Making the configuration")
    return [info, DefaultInfo(files = depset([config]))]

kernel_config = rule(
    implementation = _kernel_config_impl,
    doc = _DOC,
    attrs = {
        "base": attr.string(doc = """\
A make target that writes a configuration: `tinyconfig`, `defconfig`, `allmodconfig`, or one of the architecture, such
as `x86_64_defconfig`."""),
        "base_file": attr.label(
            doc = """\
A complete configuration to start from, instead of `base`: for example that of a distribution's kernel, such as
`@linux//:config_cloud-amd64`.""",
            allow_single_file = True,
        ),
        "compiler": attr.string(
            doc = "`gcc`, or `clang` with its own linker and binary tools (`LLVM=1`).",
            default = "gcc",
            values = ["clang", "gcc"],
        ),
        "fragments": attr.label_list(
            doc = "Options to set: lines as in `.config`. Each fragment overrides the base and earlier fragments.",
            allow_files = True,
        ),
        "source": attr.label(
            doc = "The kernel's source.",
            mandatory = True,
            providers = [KernelSourceInfo],
        ),
        "_jobs": JOBS_ATTRIBUTE,
        "_kbuild": KBUILD_ATTRIBUTE,
    } | machine_attributes("the kernel is built for"),
    provides = [KernelConfigInfo],
    toolchains = [KERNEL_TOOLCHAIN],
)
