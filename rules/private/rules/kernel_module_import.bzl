# SPDX-License-Identifier: Apache-2.0
"""kernel_module_import: one prebuilt kernel module."""

load("//rules/private:attributes.bzl", "existing_signature_attribute")
load("//rules/private:errors.bzl", "fail_attribute")
load("//rules/private:paths.bzl", "drop_compression", "is_install_path", "path_below_package")
load("//rules/private/providers:kernel_module_info.bzl", "KernelModuleInfo")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")
load("//tools/archive/codec:compressions.bzl", "MODULE_SUFFIXES")

visibility("//...")

_DOC = """\
One prebuilt kernel module, as a member of a `module_tree`.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_module_import")

kernel_module_import(
    name = "ext4",
    module = "kernel/fs/ext4/ext4.ko.xz",
)
```

**Outputs.** The unchanged module file; nothing is built. The install path in the example is
`kernel/fs/ext4/ext4.ko`.

**Failures.** An install path that is not clean is an analysis error. A `module_tree` with this member rejects the
file if it is empty, not an ELF relocatable file, built for another architecture, or signed with
`existing_signature = "error"`. The error names this target.
"""

def _kernel_module_import_impl(ctx):
    file = ctx.file.module
    if file.is_directory:
        fail_attribute(
            ctx.label,
            "module",
            "the directory %s" % file.short_path,
            "one module file. For a directory of modules use kernel_modules_import",
        )
    path = ctx.attr.install_path or drop_compression(path_below_package(file))
    if not is_install_path(path):
        fail_attribute(
            ctx.label,
            "install_path",
            repr(path),
            "a path relative to lib/modules/RELEASE without empty, '.' or '..' parts that ends in .ko, " +
            "such as \"kernel/fs/ext4/ext4.ko\"",
        )
    module = KernelModuleInfo(
        existing_signature = ctx.attr.existing_signature,
        install_path = path,
        label = ctx.label,
        module = file,
    )
    return [
        DefaultInfo(files = depset([file])),
        module,
        KernelModulesInfo(directories = [], modules = [module]),
    ]

kernel_module_import = rule(
    implementation = _kernel_module_import_impl,
    doc = _DOC,
    attrs = {
        "existing_signature": existing_signature_attribute("strip"),
        "install_path": attr.string(
            doc = """\
Where the module is installed, relative to `lib/modules/RELEASE`, without a compression suffix. Default:
the module's path relative to its package, without its compression suffix.""",
        ),
        "module": attr.label(
            doc = "The module: `.ko`, or compressed as `.ko.gz`, `.ko.xz` or `.ko.zst`.",
            allow_single_file = MODULE_SUFFIXES,
            mandatory = True,
        ),
    },
    provides = [KernelModuleInfo, KernelModulesInfo],
)
