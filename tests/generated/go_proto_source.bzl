# SPDX-License-Identifier: Apache-2.0
"""go_proto_source: the generated Go code of a .proto file, to compare with the file in the source tree."""

visibility("//...")

def _go_proto_source_impl(ctx):
    source = ctx.file.src
    path = source.short_path.removesuffix(".proto") + ".pb.go"
    output = ctx.actions.declare_file("%s/%s" % (ctx.label.name, path))
    args = ctx.actions.args()
    args.add(ctx.executable._protoc_gen_go, format = "--plugin=protoc-gen-go=%s")
    args.add("--proto_path=.")
    args.add("--go_opt=paths=source_relative")
    args.add(output.path.removesuffix("/" + path), format = "--go_out=%s")
    args.add(source)
    ctx.actions.run(
        mnemonic = "ModhashGoProtoSource",
        executable = ctx.executable._protoc,
        arguments = [args],
        tools = [ctx.executable._protoc_gen_go],
        inputs = [source],
        outputs = [output],
        progress_message = "Generating Go code %{label}",
    )
    return [DefaultInfo(files = depset([output]))]

go_proto_source = rule(
    implementation = _go_proto_source_impl,
    attrs = {
        "src": attr.label(allow_single_file = [".proto"], mandatory = True),
        "_protoc": attr.label(cfg = "exec", default = "@protobuf//:protoc", executable = True),
        "_protoc_gen_go": attr.label(
            cfg = "exec",
            default = "@org_golang_google_protobuf//cmd/protoc-gen-go",
            executable = True,
        ),
    },
)
