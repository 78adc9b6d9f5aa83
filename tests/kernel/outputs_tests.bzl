# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of the kernel rules: their providers and outputs."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "initramfs", "kernel_boot_test", "kernel_build", "kernel_config_test", "kernel_modules_list", "load_attempt")
load(
    "//rules:providers.bzl",
    "KernelBuildInfo",
    "KernelConfigInfo",
    "KernelModuleBuildInfo",
    "KernelModuleInfo",
    "KernelModulesInfo",
    "KernelSourceInfo",
    "VmlinuxInfo",
)
load(":toolchains.bzl", "MANIFEST", "PATH", "WITH_TOOLCHAIN")

visibility("//...")

def _names(files):
    return [file.basename for file in files.to_list()]

def _source_test_impl(ctx):
    env = analysistest.begin(ctx)
    source = analysistest.target_under_test(env)[KernelSourceInfo]
    asserts.equals(env, "fixtures_source.tar.zst", source.archive.basename)
    asserts.equals(env, "7.2.12", source.version)
    return analysistest.end(env)

_source_test = analysistest.make(_source_test_impl, config_settings = WITH_TOOLCHAIN)

def _config_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    config = target[KernelConfigInfo]
    asserts.equals(env, ["arm64", "gcc"], [config.machine, config.compiler])
    asserts.equals(env, [config.config], target[DefaultInfo].files.to_list())
    asserts.equals(env, "fixtures_source.tar.zst", config.source.archive.basename)
    return analysistest.end(env)

_config_test = analysistest.make(_config_test_impl, config_settings = WITH_TOOLCHAIN)

_BUILD_GROUPS = {
    "lists": ["Module.symvers", "kernel.release", "modules.builtin", "modules.builtin.modinfo", "modules.order"],
    "log": ["build.log"],
    "modules": ["100%.ko", "ext4.ko"],
    "modules_order": ["modules.order"],
    "objects": ["fixtures_source.tar.zst", "objects.tar.zst"],
    "sign_file": [],
    "trees": ["devel.tar.zst", "objects.tar.zst"],
    "vmlinux": ["System.map", "vmlinux", "vmlinux.unstripped"],
}

def _build_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, target.label, target[KernelBuildInfo].label)
    asserts.equals(env, "x86_64", target[KernelBuildInfo].config.machine)
    provided = target[KernelModulesInfo]
    asserts.equals(env, [], provided.directories)
    asserts.equals(
        env,
        ["kernel/fs/ext4/ext4.ko ext4.ko error", "kernel/crypto/100%.ko 100%.ko error"],
        ["%s %s %s" % (module.install_path, module.module.basename, module.existing_signature) for module in provided.modules],
    )
    asserts.equals(
        env,
        [target[KernelBuildInfo].vmlinux] + [module.module for module in provided.modules],
        target[DefaultInfo].files.to_list(),
    )
    for group, names in _BUILD_GROUPS.items():
        asserts.equals(env, names, sorted(_names(getattr(target[OutputGroupInfo], group))), "output group " + group)
    return analysistest.end(env)

_build_test = analysistest.make(_build_test_impl, config_settings = WITH_TOOLCHAIN)

def _no_modules_test_impl(ctx):
    """kernel_build(modules = []) builds vmlinux, so that it prints the list of missing modules."""
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, [target[KernelBuildInfo].vmlinux], target[DefaultInfo].files.to_list())
    return analysistest.end(env)

_no_modules_test = analysistest.make(_no_modules_test_impl, config_settings = WITH_TOOLCHAIN)

def _one_file_test_impl(ctx):
    """A kernel_build with one module is a single file for an initramfs, although its outputs include vmlinux."""
    env = analysistest.begin(ctx)
    arguments = [action.argv for action in analysistest.target_actions(env) if action.mnemonic == "ModhashInitramfs"][0]
    [entry] = [argument for argument in arguments if argument.startswith("--entry=/one.ko=")]
    asserts.true(env, entry.endswith("/modules/fs/one.ko"), entry)
    return analysistest.end(env)

_one_file_test = analysistest.make(_one_file_test_impl, config_settings = WITH_TOOLCHAIN)

def _modules_list_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, [target.label.name + ".bzl"], _names(target[DefaultInfo].files))
    asserts.true(env, target[DefaultInfo].files.to_list()[0] in target[DefaultInfo].default_runfiles.files.to_list())
    actions = {action.mnemonic: action for action in analysistest.target_actions(env)}
    content = actions["FileWrite"].content
    asserts.true(env, "exec cat 'tests/kernel/%s.bzl'\n" % target.label.name in content, content)
    bin_dir = analysistest.target_bin_dir_path(env) + "/tests/kernel/"
    asserts.equals(env, [
        "modules",
        "--jobs=1",
        "--label=//tests/kernel:" + target.label.name,
        "--machine=x86_64",
        "--source=fixtures_source.tar.zst",
        "--config=fixtures_x86_64_config.config",
        "--out=%s.bzl" % target.label.name,
    ], [argument.replace(bin_dir, "") for argument in actions["ModhashKernelModulesList"].argv[1:]])
    return analysistest.end(env)

_modules_list_test = analysistest.make(_modules_list_test_impl, config_settings = WITH_TOOLCHAIN)

def _module_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    module = target[KernelModuleInfo]
    asserts.equals(env, [module], target[KernelModulesInfo].modules)
    asserts.equals(env, [module.module], target[DefaultInfo].files.to_list())
    asserts.equals(env, "updates/fixtures_x86_64_module.ko error", "%s %s" % (module.install_path, module.existing_signature))
    build = target[KernelModuleBuildInfo]
    asserts.equals(env, Label("//tests/kernel:fixtures_x86_64"), build.kernel)
    asserts.equals(env, [["api.h"], ["Module.symvers"]], [_names(build.hdrs), _names(build.symvers)])
    return analysistest.end(env)

_module_test = analysistest.make(_module_test_impl, config_settings = WITH_TOOLCHAIN)

def _vmlinux_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[VmlinuxInfo]
    asserts.equals(env, "arm64", info.machine)
    asserts.equals(env, "fixtures_arm64_tree.root.o", info.tree.root_object.basename)
    asserts.equals(env, ["kernel/crypto/100%.ko", "kernel/fs/ext4/ext4.ko"], [module.install_path for module in info.tree.modules])
    asserts.equals(env, Label("//tests/kernel:fixtures_arm64"), info.build.label)
    asserts.equals(env, MANIFEST.rpartition("/")[2], info.toolchain_manifest.basename)
    asserts.equals(env, [info.vmlinux, info.image], target[DefaultInfo].files.to_list())
    asserts.equals(env, ["vmlinux.unstripped"], _names(target[OutputGroupInfo].unstripped))
    return analysistest.end(env)

_vmlinux_test = analysistest.make(_vmlinux_test_impl, config_settings = WITH_TOOLCHAIN)

def _install_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    files = target[DefaultInfo].files.to_list()
    asserts.equals(env, [True], [file.is_directory for file in files])
    asserts.equals(env, [target.label.name + ".tar"], _names(target[OutputGroupInfo].tar))
    return analysistest.end(env)

_install_test = analysistest.make(_install_test_impl, config_settings = WITH_TOOLCHAIN)

def _launcher_test_impl(ctx):
    env = analysistest.begin(ctx)
    launchers = [
        action.content
        for action in analysistest.target_actions(env)
        if action.mnemonic == "FileWrite" and action.outputs.to_list()[0].extension == "sh"
    ]
    asserts.equals(env, 1, len(launchers))
    runfiles = analysistest.target_under_test(env)[DefaultInfo].default_runfiles.files.to_list()
    paths = [file.short_path for file in runfiles]
    for argument in ctx.attr.arguments + ctx.attr.files:
        asserts.true(env, "'%s'" % argument in launchers[0], "%s is not in %s" % (argument, launchers[0]))
    for argument in ctx.attr.files:
        path = argument.partition("=")[2]
        asserts.true(env, path in paths, "%s is not among the runfiles %s" % (path, paths))
    return analysistest.end(env)

_launcher_test = analysistest.make(
    _launcher_test_impl,
    doc = "Checks that a test runs its program with these arguments, and has the files that they name.",
    attrs = {
        "arguments": attr.string_list(doc = "Arguments."),
        "files": attr.string_list(doc = "Arguments FLAG=RUNFILE."),
    },
    config_settings = WITH_TOOLCHAIN,
)

def _toolchain_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[platform_common.ToolchainInfo].kernel_info
    asserts.equals(env, ["gcc"], info.compilers)
    asserts.equals(env, {"arm64": "aarch64-test-", "x86_64": ""}, info.cross_prefixes)
    asserts.equals(env, "manifest.tsv", info.manifest.basename)
    asserts.equals(env, PATH, info.path)
    return analysistest.end(env)

_toolchain_test = analysistest.make(_toolchain_test_impl)

def _tests_tests(name):
    kernel_config_test(
        name = name + "_checked",
        size = "small",
        config = "fixtures_x86_64_config",
        fragments = ["fixtures_fragments"],
        tags = ["manual"],
    )
    _launcher_test(
        name = name + "_checked_test",
        arguments = ["config-check", "--label=//tests/kernel:%s_checked" % name],
        files = [
            "--config=tests/kernel/fixtures_x86_64_config.config",
            "--fragment=tests/kernel/fixtures/2.config",
            "--fragment=tests/kernel/fixtures/1.config",
        ],
        target_under_test = name + "_checked",
    )
    kernel_boot_test(
        name = name + "_boot",
        size = "small",
        attempts = [load_attempt(name = "any", module = "/m.ko")],
        tags = ["manual"],
        vmlinux = "fixtures_arm64_vmlinux",
    )
    _launcher_test(
        name = name + "_boot_test",
        arguments = ["--machine=arm64"],
        files = ["--kernel=tests/kernel/fixtures_arm64_vmlinux/Image"],
        target_under_test = name + "_boot",
    )

def outputs_tests(name):
    """Tests of the providers and outputs of the kernel rules.

    Args:
      name: string, what the tests' names begin with.
    """
    _source_test(name = name + "_source_test", target_under_test = "fixtures_source")
    _config_test(name = name + "_config_test", target_under_test = "fixtures_arm64_config")
    kernel_build(
        name = name + "_no_modules",
        config = "fixtures_x86_64_config",
        tags = ["manual"],
    )
    _no_modules_test(
        name = name + "_no_modules_test",
        target_under_test = name + "_no_modules",
    )
    kernel_build(
        name = name + "_one",
        config = "fixtures_x86_64_config",
        modules = ["fs/one.ko"],
        tags = ["manual"],
    )
    initramfs(
        name = name + "_one_initramfs",
        files = {
            "fixtures_keys": "/init",
            name + "_one": "/one.ko",
        },
        machine = "x86_64",
        tags = ["manual"],
    )
    _one_file_test(
        name = name + "_one_file_test",
        target_under_test = name + "_one_initramfs",
    )
    kernel_modules_list(
        name = name + "_kernel.modules",
        config = "fixtures_x86_64_config",
        tags = ["manual"],
    )
    _modules_list_test(
        name = name + "_modules_list_test",
        target_under_test = name + "_kernel.modules",
    )
    _build_test(name = name + "_build_test", target_under_test = "fixtures_x86_64")
    _module_test(name = name + "_module_test", target_under_test = "fixtures_x86_64_module")
    _vmlinux_test(name = name + "_vmlinux_test", target_under_test = "fixtures_arm64_vmlinux")
    _install_test(name = name + "_install_test", target_under_test = "actions_tests_install")
    _toolchain_test(name = name + "_toolchain_test", target_under_test = "kernel_toolchains_info")
    _tests_tests(name)
