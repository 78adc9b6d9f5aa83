# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of module images, policies of IPE, and kernels with them."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "hashed_kernel", "ipe_policy", "kernel_build", "module_image", "modules_install", "vmlinux")
load("//rules:providers.bzl", "VmlinuxInfo")
load(":actions.bzl", "arguments_of", "paths_of")
load(":toolchains.bzl", "WITH_TOOLCHAIN", "analysis_failure_test")

visibility("//...")

def _actions_test_impl(ctx):
    env = analysistest.begin(ctx)
    got = {}
    for action in analysistest.target_actions(env):
        key = "%s %s" % (action.mnemonic, paths_of(env, action.outputs)[0])
        got[key] = arguments_of(env, action)
    asserts.equals(env, sorted(ctx.attr.actions), sorted(got))
    for key, words in ctx.attr.actions.items():
        for word in words:
            asserts.true(env, word in got.get(key, []), "%s: got no argument %s in %s" % (key, word, got.get(key)))
    return analysistest.end(env)

_actions_test = analysistest.make(
    _actions_test_impl,
    doc = "Checks that the target has exactly these actions, and some of their arguments.",
    attrs = {
        "actions": attr.string_list_dict(
            doc = "`MNEMONIC FIRST_OUTPUT` to arguments, without the output directory.",
            mandatory = True,
        ),
    },
    config_settings = WITH_TOOLCHAIN,
)

def _policy_test(name, directory):
    _actions_test(
        name = name + "_policy_test",
        actions = {"ModhashPolicy %s_policy.txt" % directory: [
            "policy",
            "write",
            "--blank",
            "--name=modules",
            "--policy-version=2.0.0",
            "--allow=KMODULE=image,initramfs",
            "--allow=KEXEC_IMAGE=",
            "--out=%s_policy.txt" % directory,
        ]},
        target_under_test = name + "_policy",
    )

def _image_test(name, directory):
    kernel = directory + "_kernel"
    _actions_test(
        name = name + "_image_test",
        actions = {
            "ModhashImage %s_image.img" % directory: [
                "image",
                "write",
                "--install-root=%s_image.installed" % directory,
                "--out=%s_image.img" % directory,
                "--root-hash=%s_image.root_hash.txt" % directory,
            ],
            "ModhashModulesInstall %s_image.installed" % directory: [
                "--module=kernel/crypto/100%.ko={0}/modules/crypto/100%.ko".format(kernel),
                "--modules-order=%s/modules.order" % kernel,
                "--compression=xz",
                "--out=%s_image.installed" % directory,
            ],
        },
        target_under_test = name + "_image",
    )

def _kernel_tests(name, directory):
    kernel = directory + "_kernel"
    _actions_test(
        name = name + "_kernel_test",
        actions = {"ModhashKernelBuild %s/devel.tar.zst" % kernel: ["--boot-policy=%s_policy.txt" % directory]},
        target_under_test = name + "_kernel",
    )
    fill = [
        "policy",
        "fill",
        "--root-hash-file=%s_image.root_hash.txt" % directory,
        directory + "_policy.txt",
    ]
    _actions_test(
        name = name + "_vmlinux_test",
        actions = {
            "ModhashKernelOverwrite %s_vmlinux/vmlinux" % directory: [
                "--blank=%s/vmlinux.unstripped" % kernel,
                "--blank-policy=%s_policy.txt" % directory,
                "--policy=%s_vmlinux/policy.txt" % directory,
            ],
            "ModhashPolicy %s_vmlinux/policy.txt" % directory: fill,
        },
        target_under_test = name + "_vmlinux",
    )
    _actions_test(
        name = name + "_both_test",
        actions = {
            "ModhashKernelLink %s_both/with_root/vmlinux" % directory: ["--root-object=tests/kernel/fixtures_x86_64_tree.root.o"],
            "ModhashKernelOverwrite %s_both/vmlinux" % directory: [
                "--blank=%s_both/with_root/vmlinux.unstripped" % directory,
                "--policy=%s_both/policy.txt" % directory,
            ],
            "ModhashPolicy %s_both/policy.txt" % directory: fill,
        },
        target_under_test = name + "_both",
    )

def _provider_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[VmlinuxInfo]
    asserts.true(env, info.module_image and "kernel" in dir(info.module_image), "got no ModuleImageInfo")
    asserts.equals(env, None, info.tree)
    asserts.equals(env, "policy.txt", info.policy.basename)
    return analysistest.end(env)

_provider_test = analysistest.make(_provider_test_impl, config_settings = WITH_TOOLCHAIN)

def _failure_tests(name):
    analysis_failure_test(
        name = name + "_no_image_for_modules",
        allow = {"FIRMWARE": ["image"]},
        attribute = "allow",
        error = ["no image for KMODULE, want the module image as a source of modules: {\"KMODULE\": [\"image\"]}"],
        rule = ipe_policy,
    )
    analysis_failure_test(
        name = name + "_unknown_source",
        allow = {"KMODULE": ["image", "disk"]},
        attribute = "allow",
        error = ["KMODULE from disk, want sources among image, initramfs"],
        rule = ipe_policy,
    )
    analysis_failure_test(
        name = name + "_no_kernel",
        attribute = "modules",
        error = ["no kernel_build, want one kernel_build, whose release and lists the image has"],
        modules = ["fixtures_x86_64_module"],
        rule = module_image,
    )
    analysis_failure_test(
        name = name + "_two_kernels",
        attribute = "modules",
        error = ["//tests/kernel:fixtures_arm64 and //tests/kernel:fixtures_x86_64, want one kernel_build"],
        modules = [
            "fixtures_arm64",
            "fixtures_x86_64",
        ],
        rule = module_image,
    )
    analysis_failure_test(
        name = name + "_neither",
        attribute = "tree",
        error = ["neither tree nor module_image, want one of them, or both"],
        kernel = "fixtures_x86_64",
        rule = vmlinux,
    )
    analysis_failure_test(
        name = name + "_another_kernel",
        attribute = "module_image",
        error = [
            "//tests/kernel:%s_image with the modules of //tests/kernel:%s_kernel, want an image with the modules of the kernel, " % (name, name) +
            "//tests/kernel:fixtures_x86_64",
        ],
        kernel = "fixtures_x86_64",
        module_image = name + "_image",
        rule = vmlinux,
    )
    module_image(
        name = name + "_without_policy",
        modules = ["fixtures_x86_64"],
        tags = ["manual"],
    )
    analysis_failure_test(
        name = name + "_no_policy",
        attribute = "module_image",
        error = [
            "//tests/kernel:%s_without_policy together with //tests/kernel:fixtures_x86_64, which has no policy, " % name +
            "want a kernel_build with an ipe_policy. Next: set its attribute boot_policy",
        ],
        kernel = "fixtures_x86_64",
        module_image = name + "_without_policy",
        rule = vmlinux,
    )
    analysis_failure_test(
        name = name + "_install",
        attribute = "vmlinux",
        error = [
            "//tests/kernel:%s_vmlinux, whose modules are in a module_image, want a vmlinux with a tree. " % name +
            "The module_image installs the modules",
        ],
        rule = modules_install,
        vmlinux = name + "_vmlinux",
    )

def ipe_tests(name):
    """Tests, and the targets that they examine.

    Args:
      name: string, the prefix of all names.
    """
    directory = "tests/kernel/" + name
    ipe_policy(
        name = name + "_policy",
        allow = {
            "KEXEC_IMAGE": [],
            "KMODULE": [
                "image",
                "initramfs",
            ],
        },
        policy_name = "modules",
        tags = ["manual"],
        version = "2.0.0",
    )
    kernel_build(
        name = name + "_kernel",
        boot_policy = name + "_policy",
        config = "fixtures_x86_64_config",
        modules = ["crypto/100%.ko"],
        tags = ["manual"],
    )
    module_image(
        name = name + "_image",
        compression = "xz",
        modules = [name + "_kernel"],
        tags = ["manual"],
    )
    vmlinux(
        name = name + "_vmlinux",
        kernel = name + "_kernel",
        module_image = name + "_image",
        tags = ["manual"],
    )
    vmlinux(
        name = name + "_both",
        kernel = name + "_kernel",
        module_image = name + "_image",
        tags = ["manual"],
        tree = "fixtures_x86_64_tree",
    )
    _policy_test(name, directory)
    _image_test(name, directory)
    _kernel_tests(name, directory)
    _provider_test(
        name = name + "_provider_test",
        target_under_test = name + "_vmlinux",
    )
    hashed_kernel(
        name = name + "_macro",
        config = "fixtures_x86_64_config",
        integrity = "ipe",
        modules = ["crypto/100%.ko"],
        tags = ["manual"],
    )
    _provider_test(
        name = name + "_macro_test",
        target_under_test = name + "_macro",
    )
    _failure_tests(name)
