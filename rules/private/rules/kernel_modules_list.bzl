# SPDX-License-Identifier: Apache-2.0
"""kernel_modules_list: the list of modules for a kernel_build, without the build."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//rules/private:errors.bzl", "label_text")
load("//rules/private/actions:run_kbuild.bzl", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "label_args", "run_kbuild")
load("//rules/private/providers:kernel_config_info.bzl", "KernelConfigInfo")

visibility("//...")

_DOC = """\
The list of modules that Kbuild builds for a configuration, for the attribute `modules` of `kernel_build`. The rule
reads it from source and configuration in seconds, as Gazelle does, without building the kernel.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_modules_list")

kernel_modules_list(
    name = "kernel.modules",
    config = ":config",
)
```

`bazel run :kernel.modules -- modules.bzl` writes a file with the constant `MODULES`, which the package of the
`kernel_build` loads. Run it again after you change the configuration.

**Outputs.** `NAME.bzl`: the list. `bazel run` prints it, or writes it to the file that is its argument. Do not
redirect the output to a file that the package loads: the shell empties that file before Bazel reads it.

**Failures.** Modules that the rule cannot decide from the source alone are warnings with their file and line, and
comments in the list. `kernel_build` always compares the list with the modules that it builds.
"""

_LAUNCHER = """\
#!/bin/sh
# Prints the list, or writes it to a file: in one step, since the BUILD file that Bazel reads may load that file.
here=${{BUILD_WORKING_DIRECTORY:-$PWD}}
cd "${{RUNFILES_DIR:-$0.runfiles}}/{workspace}" || exit 2
if [ $# -eq 0 ]; then
    exec cat {list}
fi
if [ $# -ne 1 ]; then
    echo {label}': got '$#' arguments, want none or the file to write' >&2
    exit 2
fi
case $1 in
    /*) out=$1 ;;
    *) out=$here/$1 ;;
esac
if ! cat {list} >"$out.tmp" || ! mv "$out.tmp" "$out"; then
    rm -f "$out.tmp"
    exit 2
fi
"""

def _kernel_modules_list_impl(ctx):
    config = ctx.attr.config[KernelConfigInfo]
    modules = ctx.actions.declare_file(ctx.label.name + ".bzl")
    args = label_args(ctx)
    args.add(config.machine, format = "--machine=%s")
    args.add(config.source.archive, format = "--source=%s")
    args.add(config.config, format = "--config=%s")
    args.add(modules, format = "--out=%s")
    inputs = [config.source.archive, config.config]
    run_kbuild(ctx, "ModhashKernelModulesList", "modules", args, inputs, [modules], "Listing the modules", parallel = False)
    launcher = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(
        launcher,
        _LAUNCHER.format(
            label = shell.quote(label_text(ctx.label)),
            list = shell.quote(modules.short_path),
            workspace = ctx.workspace_name,
        ),
        is_executable = True,
    )
    return [DefaultInfo(
        executable = launcher,
        files = depset([modules]),
        runfiles = ctx.runfiles(files = [modules]),
    )]

kernel_modules_list = rule(
    implementation = _kernel_modules_list_impl,
    doc = _DOC,
    attrs = {
        "config": attr.label(
            doc = "The kernel's configuration. It sets the source and architecture.",
            mandatory = True,
            providers = [KernelConfigInfo],
        ),
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    executable = True,
    toolchains = [KERNEL_TOOLCHAIN],
)
