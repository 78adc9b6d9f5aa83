# SPDX-License-Identifier: Apache-2.0
"""module_verify_test: sealed modules match a tree."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private:members.bzl", "declared_modules", "directories_of")
load("//rules/private:tree_of.bzl", "TREE_ATTRIBUTES", "tree_of")
load("//rules/private/actions:modules.bzl", "add_runfiles", "input_files")
load("//rules/private/actions:run_modhash.bzl", "MODHASH_TOOLCHAIN")
load("//rules/private/providers:kernel_module_directory_info.bzl", "KernelModuleDirectoryInfo")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")

visibility("//...")

_DOC = """\
A test that modules match a tree, as they will be installed. It runs the check that the kernel runs when it loads a
module, for each module.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_module_import", "module_tree", "module_verify_test")

kernel_module_import(
    name = "ext4",
    module = "ext4.ko",
    install_path = "kernel/fs/ext4/ext4.ko",
)

module_tree(
    name = "tree",
    modules = [":ext4"],
)

module_verify_test(
    name = "tree_verify_test",
    tree = ":tree",
)
```

**Outputs.** A test. It runs the `modhash` program of the toolchain, on the machine that runs tests.

**Failures.** A tree without modules is an analysis error. The test prints one line for each module that
does not verify, and counts at the end. With `complete`, a missing module of the tree is a failure too. A test without
any module fails.
"""

_LAUNCHER = """\
#!/bin/sh
cd "${{RUNFILES_DIR:-$0.runfiles}}/{workspace}" || exit 2
exec {modhash} verify @{params} "$@"
"""

def _members(ctx, tree):
    """The modules to verify, as (modules, directories)."""
    if ctx.attr.modules:
        return declared_modules(ctx.label, ctx.attr.modules), directories_of(ctx.attr.modules)
    if not tree.modules and not tree.directories:
        fail_attribute(
            ctx.label,
            "tree",
            "%s, a tree without modules" % label_text(tree.label),
            "one with modules: there is nothing to verify",
        )
    return [], [KernelModuleDirectoryInfo(
        directory = tree.sealed,
        existing_signature = "error",
        install_prefix = "",
        label = tree.label,
        strip_prefix = "",
    )]

def _write_params(ctx, tree, modules, directories):
    args = ctx.actions.args()
    args.set_param_file_format("multiline")
    args.add("--root=" + tree.tree.short_path)
    if ctx.attr.complete:
        args.add("--complete")
    add_runfiles(args, modules, directories)
    file = ctx.actions.declare_file(ctx.label.name + ".params")
    ctx.actions.write(file, args)
    return file

def _write_launcher(ctx, modhash, params):
    launcher = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(
        launcher,
        _LAUNCHER.format(
            modhash = shell.quote(modhash.short_path),
            params = shell.quote(params.short_path),
            workspace = ctx.workspace_name,
        ),
        is_executable = True,
    )
    return launcher

def _module_verify_test_impl(ctx):
    modhash = ctx.toolchains[MODHASH_TOOLCHAIN].modhash_info.modhash
    tree = tree_of(ctx)
    modules, directories = _members(ctx, tree)
    params = _write_params(ctx, tree, modules, directories)
    files = [modhash.executable, params, tree.tree]
    return [DefaultInfo(
        executable = _write_launcher(ctx, modhash.executable, params),
        runfiles = ctx.runfiles(files = files + input_files(modules, directories)),
    )]

module_verify_test = rule(
    implementation = _module_verify_test_impl,
    doc = _DOC,
    attrs = {
        "complete": attr.bool(
            doc = "Whether a module of the tree that is missing in the modules is a failure.",
            default = True,
        ),
        "modules": attr.label_list(
            doc = "The modules, with their proofs appended. Default: the tree's sealed modules.",
            providers = [KernelModulesInfo],
        ),
    } | TREE_ATTRIBUTES,
    test = True,
    toolchains = [MODHASH_TOOLCHAIN],
)
