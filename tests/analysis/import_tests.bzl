# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of kernel_module_import and kernel_modules_import."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "kernel_module_import", "kernel_modules_import")
load("//rules:providers.bzl", "KernelModuleInfo", "KernelModulesInfo")
load(":declare.bzl", "declare", "failure_test")

visibility("//...")

def _describe_module(module):
    return "%s %s %s" % (module.install_path, module.module.basename, module.existing_signature)

def _describe_directory(entry):
    return "%s %s-%s %s" % (
        entry.directory.basename,
        entry.strip_prefix,
        entry.install_prefix,
        entry.existing_signature,
    )

def _provides_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    provided = target[KernelModulesInfo]
    asserts.equals(env, ctx.attr.modules, [_describe_module(module) for module in provided.modules])
    asserts.equals(env, ctx.attr.directories, [_describe_directory(entry) for entry in provided.directories])
    for entry in provided.modules + provided.directories:
        asserts.equals(env, target.label, entry.label)
    asserts.equals(env, ctx.attr.single, KernelModuleInfo in target)
    if ctx.attr.single:
        asserts.equals(env, provided.modules, [target[KernelModuleInfo]])
    asserts.equals(env, [], [action.mnemonic for action in analysistest.target_actions(env)])
    asserts.equals(
        env,
        [module.module for module in provided.modules] + [entry.directory for entry in provided.directories],
        target[DefaultInfo].files.to_list(),
    )
    return analysistest.end(env)

_provides_test = analysistest.make(
    _provides_test_impl,
    doc = "Checks that the target provides these modules and directories, and builds nothing.",
    attrs = {
        "directories": attr.string_list(doc = "BASENAME STRIP_PREFIX-INSTALL_PREFIX EXISTING_SIGNATURE each."),
        "modules": attr.string_list(doc = "INSTALL_PATH BASENAME EXISTING_SIGNATURE each."),
        "single": attr.bool(doc = "Whether the target also provides KernelModuleInfo."),
    },
)

def _module_import_tests(name):
    declare(name = name + "_file", files = ["one/kernel/fs/ext4.ko.xz"])
    declare(name = name + "_directory", directories = ["one/directory.ko"])

    kernel_module_import(name = name + "_default", module = name + "_file", tags = ["manual"])
    _provides_test(
        name = name + "_default_test",
        modules = ["one/kernel/fs/ext4.ko ext4.ko.xz strip"],
        single = True,
        target_under_test = name + "_default",
    )

    kernel_module_import(
        name = name + "_explicit",
        existing_signature = "keep",
        install_path = "updates/ext4.ko",
        module = name + "_file",
        tags = ["manual"],
    )
    _provides_test(
        name = name + "_explicit_test",
        modules = ["updates/ext4.ko ext4.ko.xz keep"],
        single = True,
        target_under_test = name + "_explicit",
    )

    kernel_module_import(name = name + "_of_directory", module = name + "_directory", tags = ["manual"])
    failure_test(
        name = name + "_of_directory_test",
        error = [
            "//tests/analysis:%s_of_directory: attribute module: got the directory" % name,
            "tests/analysis/one/directory.ko, want one module file",
            "use kernel_modules_import",
        ],
        target_under_test = name + "_of_directory",
    )

    bad_paths = {
        "absolute": "/kernel/ext4.ko",
        "compressed": "kernel/ext4.ko.xz",
        "current": "./ext4.ko",
        "empty_part": "kernel//ext4.ko",
        "slash_at_end": "kernel/",
        "line_end": "kernel/a\n--out=b.ko",
        "nameless": "kernel/.ko",
        "object": "kernel/ext4.o",
        "parent": "kernel/../../ext4.ko",
    }
    for case, path in bad_paths.items():
        target = "%s_%s" % (name, case)
        kernel_module_import(
            name = target,
            install_path = path,
            module = name + "_file",
            tags = ["manual"],
        )
        failure_test(
            name = target + "_test",
            error = [
                "//tests/analysis:%s: attribute install_path: got %s, want" % (target, repr(path)),
                "a path relative to lib/modules/RELEASE without empty, '.' or '..' parts that ends in .ko",
            ],
            target_under_test = target,
        )

    return [
        name + "_default_test",
        name + "_explicit_test",
        name + "_of_directory_test",
    ] + ["%s_%s_test" % (name, case) for case in bad_paths]

def _modules_import_failure(name, error, **kwargs):
    kernel_modules_import(name = name, tags = ["manual"], **kwargs)
    failure_test(
        name = name + "_test",
        error = ["//tests/analysis:%s: attribute %s" % (name, error[0])] + error[1:],
        target_under_test = name,
    )
    return name + "_test"

def _modules_import_tests(name):
    declare(
        name = name + "_files",
        directories = ["many/tree"],
        files = ["many/lib/kernel/b.ko", "many/lib/kernel/a.ko.zst"],
    )
    declare(name = name + "_twins", files = ["twins/a.ko", "twins/a.ko.gz"])
    declare(name = name + "_nameless", files = ["nameless/.ko"])
    declare(name = name + "_other", files = ["other/README"])
    native.filegroup(name = name + "_empty", srcs = [])

    kernel_modules_import(
        name = name + "_prefixes",
        srcs = [name + "_files"],
        existing_signature = "error",
        install_prefix = "updates",
        strip_prefix = "many/lib",
        tags = ["manual"],
    )
    _provides_test(
        name = name + "_prefixes_test",
        directories = ["tree many/lib-updates error"],
        modules = ["updates/kernel/b.ko b.ko error", "updates/kernel/a.ko a.ko.zst error"],
        target_under_test = name + "_prefixes",
    )

    kernel_modules_import(name = name + "_default", srcs = [name + "_files"], tags = ["manual"])
    _provides_test(
        name = name + "_default_test",
        directories = ["tree - strip"],
        modules = ["many/lib/kernel/b.ko b.ko strip", "many/lib/kernel/a.ko a.ko.zst strip"],
        target_under_test = name + "_default",
    )

    return [
        name + "_prefixes_test",
        name + "_default_test",
        _modules_import_failure(
            name + "_no_files",
            srcs = [name + "_empty"],
            error = ["srcs: got no files, want at least one module or directory"],
        ),
        _modules_import_failure(
            name + "_no_module",
            srcs = [name + "_other"],
            error = [
                "srcs: got the file tests/analysis/other/README, want modules (.ko, .ko.gz, .ko.xz, .ko.zst)",
                "use glob([\"other/README/**/*.ko*\"])",
            ],
        ),
        _modules_import_failure(
            name + "_no_name",
            srcs = [name + "_nameless"],
            error = ["srcs: got a module with the install path \"nameless/.ko\", want a file name before .ko"],
        ),
        _modules_import_failure(
            name + "_same_path",
            srcs = [name + "_twins"],
            error = [
                "srcs: got the install path twins/a.ko for both tests/analysis/twins/a.ko and " +
                "tests/analysis/twins/a.ko.gz, want a different path for each module",
            ],
        ),
        _modules_import_failure(
            name + "_half_a_part",
            srcs = [name + "_twins"],
            strip_prefix = "tw",
            error = ["strip_prefix: got \"tw\" for the module twins/a.ko, want a parent directory"],
        ),
        _modules_import_failure(
            name + "_bad_strip_prefix",
            srcs = [name + "_twins"],
            strip_prefix = "twins/",
            error = ["strip_prefix: got \"twins/\", want a relative path without empty, '.' or '..' parts"],
        ),
        _modules_import_failure(
            name + "_bad_install_prefix",
            srcs = [name + "_twins"],
            install_prefix = "/updates",
            error = ["install_prefix: got \"/updates\", want a relative path without empty"],
        ),
    ]

def import_tests(name):
    """All tests of the import rules.

    Args:
      name: string, the suite's name.
    """
    native.test_suite(
        name = name,
        tests = _module_import_tests(name + "_one") + _modules_import_tests(name + "_many"),
    )
