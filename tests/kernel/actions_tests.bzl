# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of the kernel rules: their actions."""

load("//rules:defs.bzl", "kernel_build", "kernel_config", "kernel_module", "kernel_source", "modules_install", "vmlinux")
load(":actions.bzl", "actions_test")

visibility("//...")

_FIXTURES = "tests/kernel/fixtures"

_SOURCE = "--source=%s_source.tar.zst" % _FIXTURES

_KCONFIG = "--source=%s_source.kconfig.tar.zst" % _FIXTURES

# The default of //rules:kernel_jobs.
_JOBS = "--jobs=2"

_X86_64 = ["--machine=x86_64", "--compiler=gcc", "--cross="]

_ARM64 = ["--machine=arm64", "--compiler=gcc", "--cross=aarch64-test-"]

def _label(target):
    return "--label=//tests/kernel:" + target

def _source_test(name):
    actions_test(
        name = name + "_source_test",
        arguments = {
            "ModhashKernelSource %s_source.tar.zst" % _FIXTURES: [
                "source",
                "--jobs=1",
                _label("fixtures_source"),
                "--tree=%s_source.unpacked.tar.zst" % _FIXTURES,
                "--tree-kconfig=%s_source.unpacked.kconfig.tar.zst" % _FIXTURES,
                "--patch=%s/b.patch" % _FIXTURES,
                "--patch=%s/a.patch" % _FIXTURES,
                "--out=%s_source.tar.zst" % _FIXTURES,
                "--kconfig=%s_source.kconfig.tar.zst" % _FIXTURES,
            ],
            "ModhashKernelUnpack %s_source.unpacked.tar.zst" % _FIXTURES: [
                "source",
                "--jobs=1",
                _label("fixtures_source"),
                "--archive=%s/linux.tar.xz" % _FIXTURES,
                "--out=%s_source.unpacked.tar.zst" % _FIXTURES,
                "--kconfig=%s_source.unpacked.kconfig.tar.zst" % _FIXTURES,
            ],
        },
        target_under_test = "fixtures_source",
    )
    kernel_source(
        name = name + "_unpatched",
        archive = "fixtures_archive",
        tags = ["manual"],
    )
    actions_test(
        name = name + "_unpatched_test",
        arguments = {"ModhashKernelUnpack tests/kernel/%s_unpatched.tar.zst" % name: [
            "source",
            "--jobs=1",
            _label(name + "_unpatched"),
            "--archive=%s/linux.tar.xz" % _FIXTURES,
            "--out=tests/kernel/%s_unpatched.tar.zst" % name,
            "--kconfig=tests/kernel/%s_unpatched.kconfig.tar.zst" % name,
        ]},
        target_under_test = name + "_unpatched",
    )

def _source_files_test(name):
    target = name + "_source_files"
    kernel_source(
        name = target,
        srcs = ["fixtures_sources"],
        listing = "fixtures_kbuild",
        patches = ["fixtures_patches"],
        strip_prefix = "fixtures",
        tags = ["manual"],
    )
    actions_test(
        name = target + "_test",
        arguments = {"ModhashKernelSource tests/kernel/%s.tar.zst" % target: [
            "source",
            "--jobs=1",
            _label(target),
            "--src=%s/main.c" % _FIXTURES,
            "--src=%s/entry.S" % _FIXTURES,
            "--top=" + _FIXTURES,
            "--top=" + _FIXTURES,
            "--listing=%s/Kbuild" % _FIXTURES,
            "--patch=%s/b.patch" % _FIXTURES,
            "--patch=%s/a.patch" % _FIXTURES,
            "--out=tests/kernel/%s.tar.zst" % target,
            "--kconfig=tests/kernel/%s.kconfig.tar.zst" % target,
        ]},
        target_under_test = target,
    )

def _config_tests(name):
    actions_test(
        name = name + "_config_test",
        arguments = {"ModhashKernelConfig %s_arm64_config.config" % _FIXTURES: [
            "config",
            _JOBS,
            _label("fixtures_arm64_config"),
        ] + _ARM64 + [
            _KCONFIG,
            "--base=defconfig",
            "--fragment=%s/2.config" % _FIXTURES,
            "--fragment=%s/1.config" % _FIXTURES,
            "--out=%s_arm64_config.config" % _FIXTURES,
            "--configuration=%s_arm64_config.tar.zst" % _FIXTURES,
        ]},
        target_under_test = "fixtures_arm64_config",
    )
    kernel_config(
        name = name + "_of_file",
        base_file = "fixtures_base",
        machine = "x86_64",
        source = "fixtures_source",
        tags = ["manual"],
    )
    actions_test(
        name = name + "_of_file_test",
        arguments = {"ModhashKernelConfig tests/kernel/%s_of_file.config" % name: [
            "config",
            _JOBS,
            _label(name + "_of_file"),
        ] + _X86_64 + [
            _KCONFIG,
            "--base-file=%s/base.config" % _FIXTURES,
            "--out=tests/kernel/%s_of_file.config" % name,
            "--configuration=tests/kernel/%s_of_file.tar.zst" % name,
        ]},
        target_under_test = name + "_of_file",
    )

def _build_arguments(target, target_flags, config, strip, keys = [], sign_file = []):
    directory = "tests/kernel/" + target
    return [
        "build",
        _JOBS,
        _label(target),
    ] + target_flags + [
        "--config=%s" % config,
        _SOURCE,
    ] + keys + [
        "--devel=%s/devel.tar.zst" % directory,
        "--log=%s/build.log" % directory,
        "--modules-builtin=%s/modules.builtin" % directory,
        "--modules-builtin-modinfo=%s/modules.builtin.modinfo" % directory,
        "--modules-order=%s/modules.order" % directory,
        "--objects=%s/objects.tar.zst" % directory,
        "--release=%s/kernel.release" % directory,
    ] + sign_file + [
        "--symvers=%s/Module.symvers" % directory,
        "--system-map=%s/System.map" % directory,
        "--vmlinux=%s/vmlinux" % directory,
        "--vmlinux-unstripped=%s/vmlinux.unstripped" % directory,
        "--strip=%s" % strip,
    ]

def _build_tests(name):
    config = "%s_x86_64_config.config" % _FIXTURES
    directory = "%s_x86_64" % _FIXTURES
    actions_test(
        name = name + "_build_test",
        arguments = {"ModhashKernelBuild %s/devel.tar.zst" % directory: _build_arguments("fixtures_x86_64", _X86_64, config, "debug") + [
            "--module=fs/ext4/ext4.ko=%s/modules/fs/ext4/ext4.ko" % directory,
            "--module=crypto/100%%.ko=%s/modules/crypto/100%%.ko" % directory,
        ]},
        target_under_test = "fixtures_x86_64",
    )
    kernel_build(
        name = name + "_signing",
        config = "fixtures_x86_64_config",
        sign_file = True,
        strip = "none",
        tags = ["manual"],
        trusted_keys = "fixtures_keys",
    )
    actions_test(
        name = name + "_signing_test",
        arguments = {"ModhashKernelBuild tests/kernel/%s_signing/devel.tar.zst" % name: _build_arguments(
            name + "_signing",
            _X86_64,
            config,
            "none",
            keys = ["--trusted-keys=%s/keys.pem" % _FIXTURES],
            sign_file = ["--sign-file=tests/kernel/%s_signing/sign-file" % name],
        )},
        target_under_test = name + "_signing",
    )

def _root_test(name, target, command, machine, target_flags, image, more = []):
    """Checks the action of a vmlinux, which makes a kernel of the fixtures with its root."""
    kernel = "%s_%s" % (_FIXTURES, machine)
    directory = "tests/kernel/" + target
    actions_test(
        name = name,
        arguments = {"ModhashKernel%s %s/vmlinux" % (command.title(), directory): [
            command,
            _JOBS,
            _label(target),
        ] + target_flags + [
            "--tree=%s_source.tar.zst" % _FIXTURES,
            "--tree=%s/objects.tar.zst" % kernel,
            "--vmlinux=%s/vmlinux" % directory,
            "--vmlinux-unstripped=%s/vmlinux.unstripped" % directory,
            "--image=%s/%s" % (directory, image),
        ] + more + ["--root-object=%s_tree.root.o" % kernel]},
        target_under_test = target,
    )

def _root_tests(name, machine, target_flags, image):
    target = "fixtures_%s_vmlinux" % machine
    _root_test("%s_link_%s_test" % (name, machine), target, "link", machine, target_flags, image)
    target = "%s_%s_overwritten" % (name, machine)
    vmlinux(
        name = target,
        kernel = "fixtures_" + machine,
        root = "overwrite",
        tags = ["manual"],
        tree = "fixtures_%s_tree" % machine,
    )
    blank = "--blank=%s_%s/vmlinux.unstripped" % (_FIXTURES, machine)
    _root_test(target + "_test", target, "overwrite", machine, target_flags, image, more = [blank])

def _module_test(name):
    target = "fixtures_arm64_module"
    directory = "tests/kernel/" + target
    actions_test(
        name = name + "_module_test",
        arguments = {"ModhashKernelModule %s/%s.ko" % (directory, target): [
            "module",
            _JOBS,
            _label(target),
        ] + _ARM64 + [
            "--devel=%s_arm64/devel.tar.zst" % _FIXTURES,
            "--name=" + target,
            "--dir=tests/kernel",
            "--src={0}/api.h={0}/api.h".format(_FIXTURES),
            "--src={0}/other/main.c={0}/other/main.c".format(_FIXTURES),
            "--include=.",
            "--include=tests/kernel",
            "--strip=debug",
            "--out=%s/%s.ko" % (directory, target),
            "--symvers-out=%s/Module.symvers" % directory,
        ]},
        target_under_test = target,
    )

def _dependent_module_test(name):
    target = name + "_dependent"
    directory = "tests/kernel/" + target
    kernel_module(
        name = target,
        srcs = ["fixtures_sources"],
        copts = ["-DX=1", "-O1"],
        kbuild = "fixtures_kbuild",
        kernel = "fixtures_x86_64",
        module_name = "over-it_2",
        strip = "none",
        tags = ["manual"],
        deps = ["fixtures_x86_64_module"],
    )
    actions_test(
        name = target + "_test",
        arguments = {"ModhashKernelModule %s/over-it_2.ko" % directory: [
            "module",
            _JOBS,
            _label(target),
        ] + _X86_64 + [
            "--devel=%s_x86_64/devel.tar.zst" % _FIXTURES,
            "--name=over-it_2",
            "--dir=tests/kernel",
            "--src={0}/api.h={0}/api.h".format(_FIXTURES),
            "--src={0}/main.c={0}/main.c".format(_FIXTURES),
            "--src={0}/entry.S={0}/entry.S".format(_FIXTURES),
            "--include=.",
            "--include=tests/kernel",
            "--copt=-DX=1",
            "--copt=-O1",
            "--symvers=%s_x86_64_module/Module.symvers" % _FIXTURES,
            "--strip=none",
            "--kbuild=%s/Kbuild" % _FIXTURES,
            "--out=%s/over-it_2.ko" % directory,
            "--symvers-out=%s/Module.symvers" % directory,
        ]},
        target_under_test = target,
    )

def _textual_test(name):
    target = name + "_textual"
    directory = "tests/kernel/" + target
    kernel_module(
        name = target,
        srcs = ["fixtures_main"],
        kernel = "fixtures_x86_64",
        module_name = "one",
        tags = ["manual"],
        textual_hdrs = ["fixtures_textual"],
    )
    actions_test(
        name = target + "_test",
        arguments = {"ModhashKernelModule %s/one.ko" % directory: [
            "module",
            _JOBS,
            _label(target),
        ] + _X86_64 + [
            "--devel=%s_x86_64/devel.tar.zst" % _FIXTURES,
            "--name=one",
            "--dir=tests/kernel",
            "--src={0}/other/main.c={0}/other/main.c".format(_FIXTURES),
            "--textual={0}/part.c={0}/part.c".format(_FIXTURES),
            "--include=.",
            "--include=tests/kernel",
            "--strip=debug",
            "--out=%s/one.ko" % directory,
            "--symvers-out=%s/Module.symvers" % directory,
        ]},
        target_under_test = target,
    )

def _install_test(name):
    kernel = "%s_x86_64" % _FIXTURES
    target = name + "_install"
    modules_install(
        name = target,
        compression = "xz",
        tags = ["manual"],
        vmlinux = "fixtures_x86_64_vmlinux",
    )
    arguments = [
        "install",
        _JOBS,
        _label(target),
        "--sealed=%s_tree.sealed" % kernel,
        "--release=%s/kernel.release" % kernel,
        "--modules-order=%s/modules.order" % kernel,
        "--modules-builtin=%s/modules.builtin" % kernel,
        "--modules-builtin-modinfo=%s/modules.builtin.modinfo" % kernel,
        "--system-map=%s/System.map" % kernel,
        "--compression=xz",
    ]
    actions_test(
        name = target + "_test",
        arguments = {
            "ModhashModulesInstall tests/kernel/" + target: arguments + ["--out=tests/kernel/" + target],
            "ModhashModulesInstall tests/kernel/%s.tar" % target: arguments + ["--tar=tests/kernel/%s.tar" % target],
        },
        target_under_test = target,
    )

def _install_boot_test(name):
    kernel = "%s_x86_64" % _FIXTURES
    target = name + "_install_boot"
    modules_install(
        name = target,
        boot = True,
        prefix = "usr",
        release = "7.2.12-test",
        tags = ["manual"],
        vmlinux = "fixtures_x86_64_vmlinux",
    )
    arguments = [
        "install",
        _JOBS,
        _label(target),
        "--sealed=%s_tree.sealed" % kernel,
        "--release=%s/kernel.release" % kernel,
        "--modules-order=%s/modules.order" % kernel,
        "--modules-builtin=%s/modules.builtin" % kernel,
        "--modules-builtin-modinfo=%s/modules.builtin.modinfo" % kernel,
        "--system-map=%s/System.map" % kernel,
        "--compression=none",
        "--prefix=usr",
        "--want-release=7.2.12-test",
        "--boot=System.map=%s/System.map" % kernel,
        "--boot=config=%s_config.config" % kernel,
        "--boot=vmlinuz=%s_vmlinux/bzImage" % kernel,
    ]
    actions_test(
        name = target + "_test",
        arguments = {
            "ModhashModulesInstall tests/kernel/" + target: arguments + ["--out=tests/kernel/" + target],
            "ModhashModulesInstall tests/kernel/%s.tar" % target: arguments + ["--tar=tests/kernel/%s.tar" % target],
        },
        target_under_test = target,
    )

def actions_tests(name):
    """All tests of the kernel rules' actions.

    Args:
      name: string, what the tests' names begin with.
    """
    _source_test(name)
    _source_files_test(name)
    _config_tests(name)
    _build_tests(name)
    _root_tests(name, "arm64", _ARM64, "Image")
    _root_tests(name, "x86_64", _X86_64, "bzImage")
    _module_test(name)
    _dependent_module_test(name)
    _textual_test(name)
    _install_test(name)
    _install_boot_test(name)
