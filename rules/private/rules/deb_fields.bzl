# SPDX-License-Identifier: Apache-2.0
"""deb_fields: the fields of a Debian package that depend on a kernel, for kernel_deb."""

load("//rules/private/actions:run_kbuild.bzl", "KBUILD_ATTRIBUTE", "KERNEL_TOOLCHAIN", "label_args", "run_kbuild")
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")
load("//tools/arch:arch.bzl", "DEBIAN_ARCHITECTURES")

visibility("//...")

def _deb_fields_impl(ctx):
    info = ctx.attr.vmlinux[VmlinuxInfo]
    ctx.actions.write(ctx.outputs.architecture, DEBIAN_ARCHITECTURES[info.machine] + "\n")
    args = label_args(ctx)
    args.add(info.build.release, format = "--release=%s")
    args.add(ctx.outputs.version, format = "--version-out=%s")
    args.add(ctx.file._script, format = "--script=%s")
    args.add(ctx.outputs.script, format = "--script-out=%s")
    run_kbuild(
        ctx,
        "ModhashDebFields",
        "deb-fields",
        args,
        [info.build.release, ctx.file._script],
        [ctx.outputs.version, ctx.outputs.script],
        "Reading the release",
        parallel = False,
    )

deb_fields = rule(
    implementation = _deb_fields_impl,
    doc = "Files with the architecture and version of a package, and its maintainer script.",
    attrs = {
        "architecture": attr.output(doc = "Debian's name of the architecture.", mandatory = True),
        "script": attr.output(doc = "The maintainer script, with the kernel's release in it.", mandatory = True),
        "version": attr.output(doc = "The kernel's release, as a Debian version.", mandatory = True),
        "vmlinux": attr.label(doc = "The kernel.", mandatory = True, providers = [VmlinuxInfo]),
        "_kbuild": KBUILD_ATTRIBUTE,
        "_script": attr.label(allow_single_file = True, default = "//rules/private/deb:maintainer_script.sh"),
    },
    toolchains = [KERNEL_TOOLCHAIN],
)
