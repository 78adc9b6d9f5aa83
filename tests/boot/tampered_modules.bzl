# SPDX-License-Identifier: Apache-2.0
"""Modules that a kernel must reject, made from sealed modules."""

load("//rules:providers.bzl", "ModuleTreeInfo")

visibility("//...")

def _tampered_modules_impl(ctx):
    sealed = ctx.attr.tree[ModuleTreeInfo].sealed
    outputs = []
    for kind in ctx.attr.kinds:
        output = ctx.actions.declare_file("%s/%s.ko" % (ctx.label.name, kind))
        args = ctx.actions.args()
        args.add(kind, format = "--kind=%s")
        args.add_all([sealed], expand_directories = False, format_each = "--in=%%s/%s" % ctx.attr.module)
        args.add(output, format = "--out=%s")
        ctx.actions.run(
            mnemonic = "ModhashTestTamper",
            executable = ctx.executable._tamper,
            arguments = [args],
            inputs = [sealed],
            outputs = [output],
            env = {},
            progress_message = "Tampering (%s) for %%{label}" % kind,
        )
        outputs.append(output)
    return [DefaultInfo(files = depset(outputs))]

tampered_modules = rule(
    implementation = _tampered_modules_impl,
    doc = "One file KIND.ko for each kind of tampering with a sealed module.",
    attrs = {
        "kinds": attr.string_list(doc = "Names of the program tamper.", mandatory = True),
        "module": attr.string(doc = "Install path of the module.", mandatory = True),
        "tree": attr.label(doc = "The tree that the module is sealed with.", mandatory = True, providers = [ModuleTreeInfo]),
        "_tamper": attr.label(cfg = "exec", default = "//tests/boot/tamper", executable = True),
    },
)
