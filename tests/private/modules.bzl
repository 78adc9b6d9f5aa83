# SPDX-License-Identifier: Apache-2.0
"""Test modules that mkmodule writes."""

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
    directory = ctx.attr.directory + "/" if ctx.attr.directory else ""
    file = ctx.actions.declare_file(directory + ctx.attr.path)
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
    doc = "One module, whose contents depend on its path.",
    attrs = {
        "directory": attr.string(doc = "The directory of the file in the package. Does not change its contents."),
        "path": attr.string(
            doc = "The file to write, with the suffix .gz, .xz or .zst if compressed.",
            mandatory = True,
        ),
    } | _ATTRS,
)

test_module_directory = rule(
    implementation = _test_module_directory_impl,
    doc = "A directory of modules, the same as those of test_module for the same paths.",
    attrs = {
        "paths": attr.string_list(doc = "The files to write.", mandatory = True),
        "prefix": attr.string(doc = "The directory of the files in the output directory. Does not change their contents."),
    } | _ATTRS,
)
