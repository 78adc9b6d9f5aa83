# SPDX-License-Identifier: Apache-2.0
"""Modules that a program of the kernel or of the binary tools changed."""

load("//rules:providers.bzl", "KernelBuildInfo", "ModuleTreeInfo")

visibility("//...")

_TOOLCHAIN = "//toolchains/kernel:toolchain_type"

def _signed_module_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".ko")
    sign_file = ctx.attr.kernel[OutputGroupInfo].sign_file.to_list()[0]
    inputs = [ctx.file.key, ctx.file.certificate, ctx.file.module]
    toolchain = ctx.toolchains[_TOOLCHAIN].kernel_info
    ctx.actions.run(
        mnemonic = "ModhashTestSign",
        executable = sign_file,
        arguments = ["sha256"] + [file.path for file in inputs] + [output.path],
        inputs = inputs + [toolchain.manifest],
        outputs = [output],
        env = {},
        progress_message = "Signing %{label}",
        toolchain = _TOOLCHAIN,
    )
    return [DefaultInfo(files = depset([output]))]

signed_module = rule(
    implementation = _signed_module_impl,
    doc = "A module NAME.ko with a PKCS#7 signature of the kernel's sign-file.",
    attrs = {
        "certificate": attr.label(doc = "X.509, PEM.", allow_single_file = True, mandatory = True),
        "kernel": attr.label(doc = "A kernel_build with sign_file.", mandatory = True, providers = [KernelBuildInfo]),
        "key": attr.label(doc = "The private key, PEM.", allow_single_file = True, mandatory = True),
        "module": attr.label(doc = "The module without a signature.", allow_single_file = True, mandatory = True),
    },
    toolchains = [_TOOLCHAIN],
)

def _stripped_module_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".ko")
    sealed = ctx.attr.tree[ModuleTreeInfo].sealed
    toolchain = ctx.toolchains[_TOOLCHAIN].kernel_info
    args = ctx.actions.args()
    args.add("--strip-debug")
    args.add("-o", output)
    args.add_all([sealed], expand_directories = False, format_each = "%%s/%s" % ctx.attr.module)
    ctx.actions.run(
        mnemonic = "ModhashTestStrip",
        executable = "strip",
        arguments = [args],
        inputs = [sealed, toolchain.manifest],
        outputs = [output],
        env = {"PATH": toolchain.path},
        progress_message = "Stripping %{label}",
        toolchain = _TOOLCHAIN,
    )
    return [DefaultInfo(files = depset([output]))]

stripped_module = rule(
    implementation = _stripped_module_impl,
    doc = "A sealed module NAME.ko, stripped after sealing, as initramfs generators do.",
    attrs = {
        "module": attr.string(doc = "Install path.", mandatory = True),
        "tree": attr.label(doc = "The tree.", mandatory = True, providers = [ModuleTreeInfo]),
    },
    toolchains = [_TOOLCHAIN],
)
