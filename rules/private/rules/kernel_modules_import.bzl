# SPDX-License-Identifier: Apache-2.0
"""kernel_modules_import: many prebuilt kernel modules, as files or as directories."""

load("//rules/private:attributes.bzl", "existing_signature_attribute")
load("//rules/private:errors.bzl", "fail_attribute")
load(
    "//rules/private:paths.bzl",
    "drop_compression",
    "is_clean",
    "is_install_path",
    "is_module_path",
    "join_paths",
    "path_below_package",
)
load("//rules/private/providers:kernel_module_directory_info.bzl", "KernelModuleDirectoryInfo")
load("//rules/private/providers:kernel_module_info.bzl", "KernelModuleInfo")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")

visibility("//...")

_DOC = """\
Many prebuilt kernel modules, as members of a `module_tree`: files, directories, or both.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_modules_import")

kernel_modules_import(
    name = "modules",
    srcs = glob(["lib/modules/7.2.12/kernel/**/*.ko.xz"]),
    strip_prefix = "lib/modules/7.2.12",
)
```

A file is a module of its own, hashed in a shard with its neighbours (`module_tree` says how), so that
a changed file costs its shard only. A directory that a rule makes (an unpacked distribution package) is
walked when it has been built: every `.ko`, `.ko.gz`, `.ko.xz` and `.ko.zst` below it is a module, other
files are none. Install paths are paths below the package or the directory, without `strip_prefix`,
below `install_prefix`, without compression suffix.

**Outputs.** The files and directories as they are; nothing is built.

**Failures.** A file that is no module or is not below `strip_prefix`, two files with one install path,
and prefixes that are not clean are errors when the target is analysed. What is wrong with a module's
contents, or in a directory, is an error of the tree that it becomes a member of, and names this target.
"""

def _check_prefix(ctx, attribute, prefix):
    if prefix and not is_clean(prefix):
        fail_attribute(
            ctx.label,
            attribute,
            repr(prefix),
            "a relative path without empty, '.' or '..' parts, such as \"kernel/drivers\", or nothing",
        )

def _install_path(ctx, file):
    path = path_below_package(file)
    if not is_module_path(path):
        fail_attribute(
            ctx.label,
            "srcs",
            "the file %s" % file.short_path,
            "modules (.ko, .ko.gz, .ko.xz, .ko.zst) and directories that rules make. For a directory of " +
            "the source tree use glob([\"%s/**/*.ko*\"])" % path,
        )
    prefix = ctx.attr.strip_prefix
    if prefix and not path.startswith(prefix + "/"):
        fail_attribute(
            ctx.label,
            "strip_prefix",
            "%s for the module %s" % (repr(prefix), path),
            "a prefix of whole path parts that all modules of srcs have",
        )
    path = join_paths(ctx.attr.install_prefix, drop_compression(path.removeprefix(prefix + "/")))
    if not is_install_path(path):
        fail_attribute(ctx.label, "srcs", "a module with the install path %s" % repr(path), "a named one")
    return path

def _module(ctx, file):
    return KernelModuleInfo(
        existing_signature = ctx.attr.existing_signature,
        install_path = _install_path(ctx, file),
        label = ctx.label,
        module = file,
    )

def _directory(ctx, file):
    return KernelModuleDirectoryInfo(
        directory = file,
        existing_signature = ctx.attr.existing_signature,
        install_prefix = ctx.attr.install_prefix,
        label = ctx.label,
        strip_prefix = ctx.attr.strip_prefix,
    )

def _check_distinct(ctx, modules):
    seen = {}
    for module in modules:
        other = seen.get(module.install_path)
        if other:
            fail_attribute(
                ctx.label,
                "srcs",
                "the install path %s for both %s and %s" %
                (module.install_path, other.short_path, module.module.short_path),
                "a path of its own for each module. Drop one, or import them with prefixes that differ",
            )
        seen[module.install_path] = module.module

def _kernel_modules_import_impl(ctx):
    _check_prefix(ctx, "install_prefix", ctx.attr.install_prefix)
    _check_prefix(ctx, "strip_prefix", ctx.attr.strip_prefix)
    if not ctx.files.srcs:
        fail_attribute(ctx.label, "srcs", "no files", "at least one module or directory")
    modules = [_module(ctx, file) for file in ctx.files.srcs if not file.is_directory]
    _check_distinct(ctx, modules)
    return [
        DefaultInfo(files = depset(ctx.files.srcs)),
        KernelModulesInfo(
            directories = [_directory(ctx, file) for file in ctx.files.srcs if file.is_directory],
            modules = modules,
        ),
    ]

kernel_modules_import = rule(
    implementation = _kernel_modules_import_impl,
    doc = _DOC,
    attrs = {
        "existing_signature": existing_signature_attribute("strip"),
        "install_prefix": attr.string(
            doc = "A path put before each install path, such as `updates`. Default: nothing.",
        ),
        "srcs": attr.label_list(
            doc = """\
The modules: files (`.ko`, `.ko.gz`, `.ko.xz`, `.ko.zst`), and directories that rules make. No
directories of the source tree: Bazel does not see what changes in them; use `glob`.""",
            allow_files = True,
            mandatory = True,
        ),
        "strip_prefix": attr.string(
            doc = """\
Leading part of the paths below the package or the directory that does not belong to the install path,
such as `lib/modules/7.2.12`. Each module must have it. Default: nothing.""",
        ),
    },
    provides = [KernelModulesInfo],
)
