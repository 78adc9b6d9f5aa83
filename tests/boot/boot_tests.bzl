# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of kernel_boot_test, load_attempt, boot_volume and boot_toolchain."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "boot_volume", "kernel_boot_test", "load_attempt")
load("//tests/analysis:declare.bzl", "declare", "failure_test")
load("//toolchains/boot:toolchain.bzl", "boot_toolchain")
load(":actions.bzl", "check_inputs", "single_action")

visibility("//...")

_ATTEMPTS = [
    load_attempt(name = "sealed", module = "/m.ko"),
    load_attempt(
        name = "every argument",
        cmdline = "lockdown=integrity",
        copy = {"/volumes/modules/m.ko": "/m.ko"},
        exists = ["/sys/kernel/btf/m"],
        flags = ["ignore_vermagic"],
        fresh = True,
        loaded = ["m"],
        log = ["a line"],
        module = "/m.ko",
        no_log = ["no line"],
        parameters = "n=1",
        result = "ok",
        taint = "F",
        via = "finit_module",
        write = {
            "/sys/kernel/security/ipe/enforce": ("0", "EACCES"),
            "/sys/kernel/security/ipe/success_audit": "1",
        },
    ),
]

_VOLUMES = [
    boot_volume(name = "modules", image = "/modules.img"),
    boot_volume(
        name = "every_argument",
        image = "/changed.img",
        options = ["ignore_corruption"],
        plain = False,
        table = "/modules.img",
    ),
]

_PLAN = [
    {
        "cmdline": "",
        "copy": [],
        "expect": {"exists": [], "log": [], "no_log": [], "result": "ok", "taint": ""},
        "flags": [],
        "fresh": False,
        "module": "/m.ko",
        "name": "sealed",
        "parameters": "",
        "via": "finit_module",
        "write": [],
    },
    {
        "cmdline": "lockdown=integrity",
        "copy": [{"from": "/volumes/modules/m.ko", "to": "/m.ko"}],
        "expect": {
            "exists": ["/sys/kernel/btf/m"],
            "loaded": ["m"],
            "log": ["a line"],
            "no_log": ["no line"],
            "result": "ok",
            "taint": "F",
        },
        "flags": ["ignore_vermagic"],
        "fresh": True,
        "module": "/m.ko",
        "name": "every argument",
        "parameters": "n=1",
        "via": "finit_module",
        "write": [
            {"path": "/sys/kernel/security/ipe/enforce", "result": "EACCES", "text": "0"},
            {"path": "/sys/kernel/security/ipe/success_audit", "result": "ok", "text": "1"},
        ],
    },
]

_PLAN_VOLUMES = [
    {"image": "/modules.img", "name": "modules", "options": [], "plain": False, "table": ""},
    {
        "image": "/changed.img",
        "name": "every_argument",
        "options": ["ignore_corruption"],
        "plain": False,
        "table": "/modules.img",
    },
]

def _written(env, extension):
    """The contents that the target's action writes to the file with this extension."""
    for action in analysistest.target_actions(env):
        output = action.outputs.to_list()[0]
        if action.mnemonic == "FileWrite" and output.extension == extension:
            return action.content
    return None

def _plan_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, {"attempts": _PLAN, "volumes": _PLAN_VOLUMES}, json.decode(_written(env, "json")))
    return analysistest.end(env)

_plan_test = analysistest.make(
    _plan_test_impl,
    doc = "Checks that the plan contains all values of the attempts and volumes.",
)

def _boot_test_impl(ctx):
    env = analysistest.begin(ctx)
    name = analysistest.target_under_test(env).label.name
    launcher = _written(env, "sh")
    arguments = [line.strip("\\ ") for line in launcher.splitlines()[2:]]
    asserts.true(env, "boottest' \\\n" in launcher, launcher)
    for argument in ctx.attr.arguments:
        asserts.true(env, argument.replace("NAME", name) in arguments, "%s is not in %s" % (argument, arguments))
    runfiles = analysistest.target_under_test(env)[DefaultInfo].default_runfiles.files.to_list()
    paths = [file.short_path for file in runfiles]
    for argument in arguments:
        if argument.split("=")[0] in ["'--kernel", "'--initramfs", "'--plan"]:
            path = argument.split("=")[1].strip("'")
            asserts.true(env, path in paths, "%s is not among the runfiles %s" % (path, paths))
    asserts.true(env, "manifest.tsv" in [file.basename for file in runfiles], "the emulator's digest is not an input")
    return analysistest.end(env)

_boot_test = analysistest.make(
    _boot_test_impl,
    doc = "Checks that the test runs the program with these arguments (NAME: the test's name), and has all files that they name.",
    attrs = {"arguments": attr.string_list(mandatory = True)},
)

def _initramfs_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = single_action(env, "ModhashInitramfs")
    plan = [argument for argument in action.argv if argument.startswith("--plan=")]
    init = [argument for argument in action.argv if argument.startswith("--entry=/init=")]
    asserts.equals(env, [1, 1], [len(plan), len(init)], "plan and /init in %s" % action.argv)
    asserts.true(env, ctx.attr.machine in init[0], init[0])
    check_inputs(env, action, [argument.split("=")[-1] for argument in plan + init])
    return analysistest.end(env)

_initramfs_test = analysistest.make(
    _initramfs_test_impl,
    doc = "Checks that the initramfs contains the plan and the program for this architecture.",
    attrs = {"machine": attr.string(doc = "A part of the program's path.", mandatory = True)},
)

def _failing(name, error, **kwargs):
    kernel_boot_test(name = name, size = "small", tags = ["manual"], **kwargs)
    failure_test(name = name + "_test", error = error, target_under_test = name)

def _failure_tests(name):
    _failing(
        name = name + "_kernels",
        attempts = _ATTEMPTS,
        error = ["_kernels: attribute kernel: got 2 files, want one boot image"],
        kernel = name + "_two",
        machine = "x86_64",
    )
    _failing(
        name = name + "_machine",
        attempts = _ATTEMPTS,
        error = ["_machine: attribute kernel: got a kernel for the architecture arm, want one for an architecture that boot tests support: arm64, ppc64le, riscv64, s390x, x86_64"],
        kernel = name + "_kernel",
        machine = "arm",
    )
    _failing(
        name = name + "_attempts",
        attempts = [],
        error = ["_attempts: attribute attempts: got none, want at least one load_attempt"],
        kernel = name + "_kernel",
        machine = "x86_64",
    )

def _toolchain_tests(name):
    boot_toolchain(
        name = name + "_vax",
        emulators = {"vax": "/usr/bin/qemu-system-vax"},
        manifest = name + "_kernel",
        tags = ["manual"],
    )
    failure_test(
        name = name + "_vax_test",
        error = ["_vax: attribute emulators: got the architecture \"vax\", want one of arm64, ppc64le, riscv64, s390x, x86_64"],
        target_under_test = name + "_vax",
    )
    boot_toolchain(
        name = name + "_busybox",
        busybox = {name + "_kernel": "arm"},
        manifest = name + "_kernel",
        tags = ["manual"],
    )
    failure_test(
        name = name + "_busybox_test",
        error = ["_busybox: attribute busybox: got the architecture \"arm\", want one of arm64, ppc64le, riscv64, s390x, x86_64"],
        target_under_test = name + "_busybox",
    )

def boot_tests(name):
    """All tests of kernel_boot_test, load_attempt, boot_volume and boot_toolchain.

    Args:
      name: string, the suite's name.
    """
    declare(name = name + "_kernel", files = [name + "/bzImage"])
    declare(name = name + "_two", files = [name + "/one", name + "/two"])
    kernel_boot_test(
        name = name + "_full",
        size = "small",
        attempts = _ATTEMPTS,
        boot_timeout = 7,
        cmdline = "quiet 'x'",
        kernel = name + "_kernel",
        machine = "arm64",
        memory = 300,
        tags = ["manual"],
        volumes = _VOLUMES,
    )
    _plan_test(name = name + "_plan_test", target_under_test = name + "_full")
    _boot_test(
        name = name + "_full_test",
        arguments = [
            "'--title=//tests/boot:NAME'",
            "'--machine=arm64'",
            "'--memory=300'",
            "'--kernel=tests/boot/%s/bzImage'" % name,
            "'--initramfs=tests/boot/NAME.cpio'",
            "'--plan=tests/boot/NAME.plan.json'",
            "'--cmdline=quiet '\\''x'\\'''",
            "'--timeout=7s' \"$@\"",
        ],
        target_under_test = name + "_full",
    )
    _initramfs_test(name = name + "_arm64_test", machine = "arm64", target_under_test = name + "_full")
    _failure_tests(name)
    _toolchain_tests(name)
