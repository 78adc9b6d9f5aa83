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

Each file is one module. A `module_tree` hashes it in a shard with its neighbours, so that a changed file
only costs its shard. In a directory that a rule builds (an unpacked distribution package), each `.ko`,
`.ko.gz`, `.ko.xz` and `.ko.zst` is a module; the tree ignores other files. An install path is the path
relative to the package or the directory, without `strip_prefix` and the compression suffix, with
`install_prefix` before it.

**Outputs.** The unchanged files and directories; nothing is built.

**Failures.** A file that is not a module or is not below `strip_prefix`, two files with one install path,
and prefixes that are not clean are analysis errors. A `module_tree` with these members rejects invalid
modules and directories, and names this target.
"""

def _check_prefix(ctx, attribute, prefix):
    if prefix and not is_clean(prefix):
        fail_attribute(
            ctx.label,
            attribute,
            repr(prefix),
            "a relative path without empty, '.' or '..' parts, such as \"kernel/drivers\", or an empty string",
        )

def _install_path(ctx, file):
    path = path_below_package(file)
    if not is_module_path(path):
        fail_attribute(
            ctx.label,
            "srcs",
            "the file %s" % file.short_path,
            "modules (.ko, .ko.gz, .ko.xz, .ko.zst) and directories that rules build. For a directory of " +
            "the source tree use glob([\"%s/**/*.ko*\"])" % path,
        )
    prefix = ctx.attr.strip_prefix
    if prefix and not path.startswith(prefix + "/"):
        fail_attribute(
            ctx.label,
            "strip_prefix",
            "%s for the module %s" % (repr(prefix), path),
            "a parent directory of all modules in srcs",
        )
    path = join_paths(ctx.attr.install_prefix, drop_compression(path.removeprefix(prefix + "/")))
    if not is_install_path(path):
        fail_attribute(ctx.label, "srcs", "a module with the install path %s" % repr(path), "a file name before .ko")
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
                "a different path for each module. Next: remove one, or import them with different prefixes",
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
            doc = "A path to add before each install path, such as `updates`. Default: empty.",
        ),
        "srcs": attr.label_list(
            doc = """\
The modules: files (`.ko`, `.ko.gz`, `.ko.xz`, `.ko.zst`), and directories that rules build. For directories
of the source tree use `glob`, because Bazel does not detect changes in them.""",
            allow_files = True,
            mandatory = True,
        ),
        "strip_prefix": attr.string(
            doc = """\
The leading directories to remove from paths relative to the package or the directory, such as
`lib/modules/7.2.12`. Each module must be below it. Default: empty.""",
        ),
    },
    provides = [KernelModulesInfo],
)
