# SPDX-License-Identifier: Apache-2.0
"""kernel_config_test: a configuration has the options of fragments."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//rules/private:errors.bzl", "label_text")
load("//rules/private/providers:kernel_config_info.bzl", "KernelConfigInfo")

visibility("//...")

_DOC = """\
A test that a configuration has the options of fragments, for example of a hardening guide.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_config_test")

kernel_config_test(
    name = "hardened_test",
    config = ":config",
    fragments = ["hardening.config"],
)
```

The fragments of the `kernel_config` itself need no test: it fails if they do not take effect.

**Outputs.** A test.

**Failures.** The test reports each option that differs, its file and line, and the actual and expected values.
"""

_LAUNCHER = """\
#!/bin/sh
cd "${{RUNFILES_DIR:-$0.runfiles}}/{workspace}" || exit 2
exec {arguments}
"""

def _kernel_config_test_impl(ctx):
    config = ctx.attr.config[KernelConfigInfo].config
    arguments = [
        ctx.executable._kbuild.short_path,
        "config-check",
        "--label=" + label_text(ctx.label),
        "--config=" + config.short_path,
    ] + ["--fragment=" + file.short_path for file in ctx.files.fragments]
    launcher = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(launcher, _LAUNCHER.format(
        arguments = " ".join([shell.quote(argument) for argument in arguments]),
        workspace = ctx.workspace_name,
    ), is_executable = True)
    runfiles = ctx.runfiles(files = [config] + ctx.files.fragments)
    return [DefaultInfo(
        executable = launcher,
        runfiles = runfiles.merge(ctx.attr._kbuild[DefaultInfo].default_runfiles),
    )]

kernel_config_test = rule(
    implementation = _kernel_config_test_impl,
    doc = _DOC,
    attrs = {
        "config": attr.label(
            doc = "The `kernel_config`.",
            mandatory = True,
            providers = [KernelConfigInfo],
        ),
        "fragments": attr.label_list(
            doc = "The options that it must have: lines as in `.config`.",
            allow_empty = False,
            allow_files = True,
            mandatory = True,
        ),
        "_kbuild": attr.label(
            cfg = "target",
            default = "//tools/kernel/cmd/kbuild",
            executable = True,
        ),
    },
    test = True,
)
