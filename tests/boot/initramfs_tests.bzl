# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of initramfs."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load(
    "//rules:defs.bzl",
    "initramfs",
    "kernel_module_import",
    "kernel_modules_import",
    "module_tree",
)
load("//tests/analysis:declare.bzl", "declare", "failure_test")
load(":actions.bzl", "check_inputs", "single_action")

visibility("//...")

def _initramfs_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = single_action(env, "ModhashInitramfs")
    arguments = action.argv[1:]
    bin_dir = ctx.var["BINDIR"]
    want = [argument.replace("BIN", bin_dir + "/tests/boot") for argument in ctx.attr.arguments]
    asserts.equals(env, want, [argument for argument in arguments if "busybox" not in argument])
    check_inputs(env, action, [argument.split("=")[-1] for argument in arguments if argument.startswith("--entry=")])
    outputs = [file.basename for file in analysistest.target_under_test(env)[DefaultInfo].files.to_list()]
    asserts.equals(env, [ctx.attr.output], outputs)
    return analysistest.end(env)

_initramfs_test = analysistest.make(
    _initramfs_test_impl,
    doc = "Checks that the action has these arguments (BIN: the package's outputs), except those for busybox.",
    attrs = {
        "arguments": attr.string_list(mandatory = True),
        "output": attr.string(mandatory = True),
    },
)

def _busybox_test_impl(ctx):
    env = analysistest.begin(ctx)
    arguments = single_action(env, "ModhashInitramfs").argv
    entries = [argument for argument in arguments if argument.startswith("--entry=/bin/busybox=")]
    asserts.equals(env, 1, len(entries), "entries of busybox in %s" % arguments)
    asserts.true(env, "--symlink=/bin/sh=busybox" in arguments, "no shell in %s" % arguments)
    return analysistest.end(env)

_busybox_test = analysistest.make(
    _busybox_test_impl,
    doc = "Checks that the toolchain's busybox runs the script.",
)

def _failing(name, error, **kwargs):
    initramfs(name = name, machine = "x86_64", tags = ["manual"], **kwargs)
    failure_test(name = name + "_test", error = error, target_under_test = name)

def _failure_tests(name):
    init = {name + "_init": "/init"}
    for case, path in {"dots": "/a/../b", "equals": "/a=b", "relative": "a"}.items():
        _failing(
            name = "%s_path_%s" % (name, case),
            error = ["//tests/boot:%s_path_%s: attribute files: got the path \"%s\", want an absolute path" % (name, case, path)],
            files = init | {name + "_x": path},
        )
    _failing(
        name = name + "_several",
        error = ["_several: attribute files: got the path \"/x\" for", "which is not a single file, want a path that ends with a slash"],
        files = init | {name + "_x": "/x"},
    )
    _failing(
        name = name + "_directory",
        error = ["_directory: attribute files: got the path \"/x\" for", "which is not a single file"],
        files = init | {name + "_output_directory": "/x"},
    )
    _failing(
        name = name + "_unknown",
        error = ["_unknown: attribute files: got", "whose modules are in a directory with unknown contents, want a target with modules of known names"],
        files = init | {name + "_modules": "/m/"},
    )
    _failing(
        name = name + "_no_init",
        error = ["_no_init: attribute script: got neither script nor an /init in files, want one of them"],
        files = {name + "_init": "/sbin/init"},
    )
    _failing(
        name = name + "_two_inits",
        error = ["_two_inits: attribute script: got both script and an /init in files, want one of them"],
        files = init,
        script = ["sh"],
    )
    initramfs(name = name + "_no_busybox", machine = "riscv64", script = ["sh"], tags = ["manual"])
    failure_test(
        name = name + "_no_busybox_test",
        error = ["_no_busybox: attribute script: got a script for the architecture riscv64, for which the boot toolchain has no busybox"],
        target_under_test = name + "_no_busybox",
    )

def initramfs_tests(name):
    """All tests of initramfs.

    Args:
      name: string, the suite's name.
    """
    declare(name = name + "_init", files = [name + "/program"])
    declare(name = name + "_x", files = [name + "/x.ko.xz", name + "/y.txt"])
    declare(name = name + "_ko", files = [name + "/z.ko.xz"])
    declare(name = name + "_output_directory", directories = [name + "/output_directory"])
    kernel_module_import(name = name + "_module", install_path = "kernel/z.ko", module = name + "_ko", tags = ["manual"])
    kernel_modules_import(name = name + "_modules", srcs = [name + "_output_directory"], tags = ["manual"])
    module_tree(name = name + "_tree", machine = "x86_64", modules = [name + "_module"], tags = ["manual"])

    initramfs(
        name = name + "_files",
        compression = "zstd",
        files = {
            name + "_output_directory": "/",
            name + "_init": "/init",
            name + "_module": "/m/",
            name + "_tree": "/sealed/",
            name + "_x": "/x/",
        },
        symlinks = {"/linuxrc": "init"},
        tags = ["manual"],
    )
    _initramfs_test(
        name = name + "_files_test",
        arguments = [
            "--out=BIN/%s_files.cpio.zst" % name,
            "--compression=zstd",
            "--entry=/=BIN/%s/output_directory" % name,
            "--entry=/init=BIN/%s/program" % name,
            "--entry=/m/kernel/z.ko.xz=BIN/%s/z.ko.xz" % name,
            "--entry=/sealed=BIN/%s_tree.sealed" % name,
            "--entry=/x/x.ko.xz=BIN/%s/x.ko.xz" % name,
            "--entry=/x/y.txt=BIN/%s/y.txt" % name,
            "--symlink=/linuxrc=init",
        ],
        output = name + "_files.cpio.zst",
        target_under_test = name + "_files",
    )
    initramfs(name = name + "_script", machine = "x86_64", script = ["uname -a"], tags = ["manual"])
    _initramfs_test(
        name = name + "_script_test",
        arguments = [
            "--out=BIN/%s_script.cpio" % name,
            "--compression=none",
            "--entry=/init=BIN/%s_script.init" % name,
        ],
        output = name + "_script.cpio",
        target_under_test = name + "_script",
    )
    _busybox_test(
        name = name + "_busybox_test",
        target_under_test = name + "_script",
        target_compatible_with = ["@platforms//cpu:x86_64"],
    )
    _failure_tests(name)
