# SPDX-License-Identifier: Apache-2.0
"""Test modules, made by mkmodule."""

visibility("//...")

def _run(ctx, output, root, paths):
    args = ctx.actions.args()
    args.add("--machine", ctx.attr.machine)
    args.add("--shape", ctx.attr.shape)
    args.add("--trailer", ctx.attr.trailer)
    args.add("--out", root)
    args.add_all(paths)
    ctx.actions.run(
        mnemonic = "ModhashTestModule",
        executable = ctx.executable._mkmodule,
        arguments = [args],
        outputs = [output],
        env = {},
        progress_message = "Making test module %{label}",
    )
    return [DefaultInfo(files = depset([output]))]

def _test_module_impl(ctx):
    folder = ctx.attr.folder + "/" if ctx.attr.folder else ""
    file = ctx.actions.declare_file(folder + ctx.attr.path)
    return _run(ctx, file, file.path.removesuffix("/" + ctx.attr.path), [ctx.attr.path])

def _test_module_directory_impl(ctx):
    directory = ctx.actions.declare_directory(ctx.label.name)
    root = "%s/%s" % (directory.path, ctx.attr.prefix) if ctx.attr.prefix else directory.path
    return _run(ctx, directory, root, ctx.attr.paths)

_ATTRS = {
    "machine": attr.string(default = "x86_64"),
    "shape": attr.string(default = "module", values = ["empty", "executable", "module", "text"]),
    "trailer": attr.string(default = "none", values = ["malformed", "merkle", "none", "pkcs7"]),
    "_mkmodule": attr.label(cfg = "exec", default = "//tests/private/mkmodule", executable = True),
}

test_module = rule(
    implementation = _test_module_impl,
    doc = "One module, whose contents follow from its path.",
    attrs = {
        "folder": attr.string(doc = "Folder in the package that it goes to. No part of its contents."),
        "path": attr.string(
            doc = "File to make, with .gz, .xz or .zst behind it where compressed.",
            mandatory = True,
        ),
    } | _ATTRS,
)

test_module_directory = rule(
    implementation = _test_module_directory_impl,
    doc = "A directory of modules, the same as test_module makes for the same paths.",
    attrs = {
        "paths": attr.string_list(doc = "Files to make.", mandatory = True),
        "prefix": attr.string(doc = "Folder in the directory that they go to. No part of their contents."),
    } | _ATTRS,
)
