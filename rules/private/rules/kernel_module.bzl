# SPDX-License-Identifier: Apache-2.0
"""kernel_module: an out-of-tree module, built against a kernel."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private:paths.bzl", "is_clean")
load("//rules/private/actions:run_kbuild.bzl", "JOBS_ATTRIBUTE", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "STRIP_ATTRIBUTE", "run_kbuild", "target_args")
load("//rules/private/providers:kernel_build_info.bzl", "KernelBuildInfo")
load("//rules/private/providers:kernel_module_build_info.bzl", "KernelModuleBuildInfo")
load("//rules/private/providers:kernel_module_info.bzl", "KernelModuleInfo")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")

visibility("//...")

_DOC = """\
An out-of-tree kernel module, built by Kbuild against a `kernel_build`.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_module")

kernel_module(
    name = "hello",
    srcs = ["hello.c"],
    kernel = ":kernel",
)
```

The rule writes the Kbuild file. If objects need different flags, set `kbuild` to your own.
Sources include headers, those of `deps` too, by their path in the workspace or in the package. They can use symbols
that `deps` export. A source that another one includes goes into `textual_hdrs`.

**Outputs.** `NAME/<module_name>.ko`. As a member of a `module_tree` it is installed as
`<install_dir>/<module_name>.ko`.

**Failures.** Errors of the compiler and modpost come first, with file and line. These are errors: a source with the
module's name among several sources (Kbuild would use `<module_name>.o` for both); a source outside the package; a
source that is in `textual_hdrs` too; a Kbuild file that builds anything but this module.
"""

_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

_SOURCE_SUFFIXES = ("c", "S")

def _module_name(ctx):
    name = ctx.attr.module_name or ctx.label.name
    if [character for character in name.elems() if character not in _NAME_CHARACTERS]:
        fail_attribute(ctx.label, "module_name", repr(name), "letters, digits, '_' and '-' only")
    return name

def _root(label):
    """The root directory of the target's repository. That of the main repository contains all others."""
    return label.repo_name or "."

def _package_dir(label):
    """The directory of the target's package, in the form of _workspace_path."""
    return "/".join([part for part in [label.repo_name, label.package] if part]) or "."

def _workspace_path(file):
    """The path in the workspace of a source, generated or not. In another repository, it starts with its name."""
    return file.short_path.removeprefix("../")

def _object(ctx, name, source):
    """The object file that Kbuild compiles a source to, without suffix: a path relative to the package."""
    package = _package_dir(ctx.label)
    path = _workspace_path(source)
    if package != "." and not path.startswith(package + "/"):
        fail_attribute(
            ctx.label,
            "srcs",
            "%s, which is not below the package" % path,
            "sources in this package and below it. Next: move the source, or build a separate module from it, for deps of %s" % name,
        )
    return path.removeprefix(package + "/").rpartition(".")[0]

def _compiled(ctx):
    return [file for file in ctx.files.srcs if file.extension in _SOURCE_SUFFIXES]

def _check_sources(ctx, name):
    sources = _compiled(ctx)
    if not sources:
        fail_attribute(ctx.label, "srcs", "no .c or .S file", "at least one")
    if ctx.file.kbuild:
        return
    seen = {}
    for source in sources:
        object = _object(ctx, name, source)
        if object in seen:
            fail_attribute(
                ctx.label,
                "srcs",
                "%s and %s" % (seen[object], source.short_path),
                "different names: Kbuild compiles both to %s.o" % object,
            )
        seen[object] = source.short_path
    if len(sources) > 1 and name in seen:
        fail_attribute(
            ctx.label,
            "srcs",
            "%s among several sources of the module %s" % (seen[name], name),
            "different names: Kbuild links all sources to %s.o. Next: rename the file, or set module_name" % name,
        )

def _check_textual(ctx):
    for file in ctx.files.textual_hdrs:
        if file in ctx.files.srcs:
            fail_attribute(
                ctx.label,
                "textual_hdrs",
                "%s, which is also in srcs" % file.short_path,
                "each file once: files to compile in srcs, files that are only included in textual_hdrs",
            )

def _check_install_dir(ctx):
    if not is_clean(ctx.attr.install_dir):
        fail_attribute(ctx.label, "install_dir", repr(ctx.attr.install_dir), "a clean relative path such as \"updates\"")

def _check_dependencies(ctx, kernel):
    for dependency in ctx.attr.deps:
        other = dependency[KernelModuleBuildInfo].kernel
        if other != kernel.label:
            fail_attribute(
                ctx.label,
                "deps",
                "%s, which is built against %s" % (label_text(dependency.label), label_text(other)),
                "modules for the same kernel, %s" % label_text(kernel.label),
            )

def _path_and_file(file):
    return "%s=%s" % (_workspace_path(file), file.path)

def _build_info(ctx, kernel, symvers):
    dependencies = [dependency[KernelModuleBuildInfo] for dependency in ctx.attr.deps]
    return KernelModuleBuildInfo(
        hdrs = depset(ctx.files.hdrs, transitive = [dependency.hdrs for dependency in dependencies]),
        includes = depset(
            [_root(ctx.label), _package_dir(ctx.label)],
            transitive = [dependency.includes for dependency in dependencies],
        ),
        kernel = kernel.label,
        machine = kernel.config.machine,
        symvers = depset([symvers], transitive = [dependency.symvers for dependency in dependencies]),
    )

def _declare_module(ctx, kernel, info, name, module, symvers):
    args = target_args(ctx, kernel.config, "kernel")
    args.add(kernel.devel, format = "--devel=%s")
    args.add(name, format = "--name=%s")
    args.add(_package_dir(ctx.label), format = "--dir=%s")
    sources = depset(ctx.files.srcs, transitive = [info.hdrs])
    args.add_all(sources, format_each = "--src=%s", map_each = _path_and_file)
    args.add_all(ctx.files.textual_hdrs, format_each = "--textual=%s", map_each = _path_and_file)
    args.add_all(info.includes, format_each = "--include=%s")
    args.add_all(ctx.attr.copts, format_each = "--copt=%s")
    dependencies = [file for file in info.symvers.to_list() if file != symvers]
    args.add_all(dependencies, format_each = "--symvers=%s")
    args.add(ctx.attr.strip, format = "--strip=%s")
    inputs = [kernel.devel] + sources.to_list() + ctx.files.textual_hdrs + dependencies
    if ctx.file.kbuild:
        args.add(ctx.file.kbuild, format = "--kbuild=%s")
        inputs.append(ctx.file.kbuild)
    args.add(module, format = "--out=%s")
    args.add(symvers, format = "--symvers-out=%s")
    run_kbuild(ctx, "ModhashKernelModule", "module", args, inputs, [module, symvers], "Building the module %s.ko" % name)

def _kernel_module_impl(ctx):
    kernel = ctx.attr.kernel[KernelBuildInfo]
    name = _module_name(ctx)
    _check_sources(ctx, name)
    _check_textual(ctx)
    _check_install_dir(ctx)
    _check_dependencies(ctx, kernel)
    module = ctx.actions.declare_file("%s/%s.ko" % (ctx.label.name, name))
    symvers = ctx.actions.declare_file(ctx.label.name + "/Module.symvers")
    info = _build_info(ctx, kernel, symvers)
    _declare_module(ctx, kernel, info, name, module, symvers)
    module_info = KernelModuleInfo(
        existing_signature = "error",
        install_path = "%s/%s.ko" % (ctx.attr.install_dir, name),
        label = ctx.label,
        module = module,
    )
    return [
        info,
        module_info,
        KernelModulesInfo(directories = [], modules = [module_info]),
        DefaultInfo(files = depset([module])),
        OutputGroupInfo(symvers = depset([symvers])),
    ]

kernel_module = rule(
    implementation = _kernel_module_impl,
    doc = _DOC,
    attrs = {
        "copts": attr.string_list(doc = "Options for the compiler, in addition to those of the kernel."),
        "deps": attr.label_list(
            doc = "Modules whose headers and exported symbols this one uses.",
            providers = [KernelModuleBuildInfo],
        ),
        "hdrs": attr.label_list(
            doc = "Headers that this module and modules that depend on it may include.",
            allow_files = [".h"],
        ),
        "install_dir": attr.string(
            doc = "Where the module is installed, relative to `lib/modules/RELEASE`.",
            default = "updates",
        ),
        "kbuild": attr.label(
            doc = "A Kbuild file that builds this module alone. Default: one that links all `srcs` into the module.",
            allow_single_file = True,
        ),
        "kernel": attr.label(
            doc = "The `kernel_build` that the module is for.",
            mandatory = True,
            providers = [KernelBuildInfo],
        ),
        "module_name": attr.string(doc = "The module's name, without `.ko`. Default: the target's name."),
        "srcs": attr.label_list(
            doc = "C and assembler sources, and headers that only this module includes.",
            allow_files = [".c", ".S", ".h"],
            mandatory = True,
        ),
        "strip": STRIP_ATTRIBUTE,
        "textual_hdrs": attr.label_list(
            doc = """\
Files of any name that sources of this module include, and that Kbuild does not compile separately: for example, a
`.c` file that another one includes. Modules that depend on this one cannot include them.""",
            allow_files = True,
        ),
        "_jobs": JOBS_ATTRIBUTE,
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    provides = [KernelModuleInfo, KernelModulesInfo, KernelModuleBuildInfo],
    toolchains = [KERNEL_TOOLCHAIN],
)
