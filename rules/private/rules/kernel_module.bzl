# SPDX-License-Identifier: Apache-2.0
"""kernel_module: a module of one's own, built against a kernel."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private:paths.bzl", "is_clean")
load("//rules/private/actions:run_kbuild.bzl", "JOBS_ATTRIBUTE", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "STRIP_ATTRIBUTE", "run_kbuild", "target_args")
load("//rules/private/providers:kernel_build_info.bzl", "KernelBuildInfo")
load("//rules/private/providers:kernel_module_build_info.bzl", "KernelModuleBuildInfo")
load("//rules/private/providers:kernel_module_info.bzl", "KernelModuleInfo")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")

visibility("//...")

_DOC = """\
A kernel module of one's own sources, built by Kbuild against a `kernel_build`.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_module")

kernel_module(
    name = "hello",
    srcs = ["hello.c"],
    kernel = ":kernel",
)
```

The Kbuild file is written for it; give one of your own with `kbuild` where objects need flags of their own.
Sources include headers by their path in the workspace, by their path below the package, and those of `deps`
likewise. Symbols that `deps` export can be used. A source that another one includes goes into `textual_hdrs`.

**Outputs.** `NAME/<module_name>.ko`. As a member of a `module_tree` it is installed as
`<install_dir>/<module_name>.ko`.

**Failures.** What the compiler or modpost find is shown first, with file and line. A module with several
sources cannot have one of its own name (Kbuild would take `<module_name>.o` for both), nor one outside of its
package, nor one among `textual_hdrs` too; a Kbuild file that builds anything but this module is an error.
"""

_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

_SOURCE_SUFFIXES = ("c", "S")

def _module_name(ctx):
    name = ctx.attr.module_name or ctx.label.name
    if [character for character in name.elems() if character not in _NAME_CHARACTERS]:
        fail_attribute(ctx.label, "module_name", repr(name), "letters, digits, '_' and '-' only")
    return name

def _root(label):
    """The folder that paths in the target's repository begin at; the main repository's holds all others."""
    return label.repo_name or "."

def _package_dir(label):
    """The target's package as a folder, as _workspace_path has it."""
    return "/".join([part for part in [label.repo_name, label.package] if part]) or "."

def _workspace_path(file):
    """A source's path in the workspace, generated or not; in another repository, below its name."""
    return file.short_path.removeprefix("../")

def _object(ctx, name, source):
    """What Kbuild compiles a source to, without its suffix: a path below the package."""
    folder = _package_dir(ctx.label)
    path = _workspace_path(source)
    if folder != "." and not path.startswith(folder + "/"):
        fail_attribute(
            ctx.label,
            "srcs",
            "%s, which is not below the package" % path,
            "sources of this package and those below it. Move the source, or make it a module of its own (deps of %s)" % name,
        )
    return path.removeprefix(folder + "/").rpartition(".")[0]

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
                "another name for one of the two: Kbuild makes %s.o of both" % object,
            )
        seen[object] = source.short_path
    if len(sources) > 1 and name in seen:
        fail_attribute(
            ctx.label,
            "srcs",
            "%s among several sources of the module %s" % (seen[name], name),
            "another name for one of the two: Kbuild makes %s.o of all sources. Rename the file, or set module_name" % name,
        )

def _check_textual(ctx):
    for file in ctx.files.textual_hdrs:
        if file in ctx.files.srcs:
            fail_attribute(
                ctx.label,
                "textual_hdrs",
                "%s, which is among srcs, too" % file.short_path,
                "each file once: in srcs what is compiled by itself, in textual_hdrs what is only included",
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
        "copts": attr.string_list(doc = "Options for the compiler, beside those of the kernel."),
        "deps": attr.label_list(
            doc = "Modules whose headers and exported symbols this one uses.",
            providers = [KernelModuleBuildInfo],
        ),
        "hdrs": attr.label_list(
            doc = "Headers that modules which depend on this one may include, too.",
            allow_files = [".h"],
        ),
        "install_dir": attr.string(
            doc = "Where the module is installed, relative to `lib/modules/RELEASE`.",
            default = "updates",
        ),
        "kbuild": attr.label(
            doc = "A Kbuild file that builds this module alone. Default: all of `srcs` make one module.",
            allow_single_file = True,
        ),
        "kernel": attr.label(
            doc = "The `kernel_build` that the module is for.",
            mandatory = True,
            providers = [KernelBuildInfo],
        ),
        "module_name": attr.string(doc = "The module's name, without `.ko`. Default: the target's name."),
        "srcs": attr.label_list(
            doc = "C and assembler sources, and headers that nobody else includes.",
            allow_files = [".c", ".S", ".h"],
            mandatory = True,
        ),
        "strip": STRIP_ATTRIBUTE,
        "textual_hdrs": attr.label_list(
            doc = """\
Files of any name that sources of this module include, and that are not compiled by themselves: a `.c` file that
another one includes. `deps` do not pass them on.""",
            allow_files = True,
        ),
        "_jobs": JOBS_ATTRIBUTE,
        "_kbuild": KBUILD_ATTRIBUTE,
    },
    provides = [KernelModuleInfo, KernelModulesInfo, KernelModuleBuildInfo],
    toolchains = [KERNEL_TOOLCHAIN],
)
