# SPDX-License-Identifier: Apache-2.0
"""module_attestation: a statement of what was built, for others to sign and check."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private:tree_of.bzl", "TREE_ATTRIBUTES", "tree_of")
load("//rules/private/actions:params.bzl", "add_paths")
load("//rules/private/actions:run_modhash.bzl", "MODHASH_TOOLCHAIN", "modhash_args", "run_modhash")
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")

visibility("//...")

_DOC = """\
A statement of what was built: an unsigned in-toto Statement and an SPDX document. `docs/howto/attest.md` describes
them.

```starlark
load("@rules_modhash//rules:defs.bzl", "module_attestation")

module_attestation(
    name = "attestation",
    vmlinux = ":vmlinux",
)
```

Subjects of the statement are the modules of the tree, the sealed modules, and `vmlinux` with its boot image. Its
predicate contains the root and the leaves. With `vmlinux`, it also contains digests of the kernel's source, its
configuration, and the list of programs that built it.

**Outputs.** `NAME.intoto.json` and `NAME.spdx.json`; output groups `statement` and `spdx`. The same inputs give
the same bytes, so that two parties with the same build can sign the same statement.

**Failures.** A `tree` without modules, and a date that SPDX cannot represent, are analysis errors. A kernel that does
not contain the root is a build error.
"""

# SPDX has years of four digits: 9999-12-31T23:59:59Z.
_LAST_SECOND = 253402300799

def _check(ctx, tree):
    if not ctx.attr.vmlinux and not tree.modules and not tree.directories:
        fail_attribute(
            ctx.label,
            "tree",
            "%s, a tree without modules" % label_text(tree.label),
            "one with modules, or a vmlinux: there is nothing to attest",
        )
    seconds = ctx.attr.source_date_epoch
    if not seconds.isdigit() or int(seconds) > _LAST_SECOND:
        fail_attribute(ctx.label, "source_date_epoch", repr(seconds), "seconds, 0 to %d" % _LAST_SECOND)

def _add_kernel(ctx, args):
    """Adds the kernel and the inputs of its build. Returns the files."""
    if not ctx.attr.vmlinux:
        return []
    info = ctx.attr.vmlinux[VmlinuxInfo]
    config = info.build.config
    args.add(info.vmlinux, format = "--vmlinux=%s")
    args.add(info.image, format = "--image=%s")
    args.add(info.toolchain_manifest, format = "--toolchain=%s")
    args.add(config.source.archive, format = "--source=%s")
    args.add(config.config, format = "--source=%s")
    return [info.vmlinux, info.image, info.toolchain_manifest, config.source.archive, config.config]

def _add_sealed(ctx, args, tree):
    """Adds the directory of sealed modules. Returns the files."""
    if not ctx.attr.sealed:
        return []
    add_paths(args, "--sealed", [tree.sealed])
    return [tree.sealed]

def _module_attestation_impl(ctx):
    tree = tree_of(ctx)
    _check(ctx, tree)
    statement = ctx.actions.declare_file(ctx.label.name + ".intoto.json")
    spdx = ctx.actions.declare_file(ctx.label.name + ".spdx.json")
    args = modhash_args(ctx, "attest")
    args.add(tree.tree, format = "--tree=%s")
    args.add(statement, format = "--out=%s")
    args.add(spdx, format = "--spdx=%s")
    args.add(ctx.attr.source_date_epoch, format = "--source-date-epoch=%s")
    inputs = [tree.tree] + _add_kernel(ctx, args) + _add_sealed(ctx, args, tree) + ctx.files.srcs
    args.add_all(ctx.files.srcs, format_each = "--source=%s")
    run_modhash(ctx, "ModhashAttest", args, inputs, [statement, spdx], "Attesting the modules")
    return [
        DefaultInfo(files = depset([statement, spdx])),
        OutputGroupInfo(spdx = depset([spdx]), statement = depset([statement])),
    ]

module_attestation = rule(
    implementation = _module_attestation_impl,
    doc = _DOC,
    attrs = {
        "sealed": attr.bool(
            doc = "Whether the sealed modules, which a system installs, are subjects too.",
            default = True,
        ),
        "source_date_epoch": attr.string(
            doc = """\
The creation time in the SPDX document, in seconds since 1970. It is never the current time, so that the same build
gives the same document.""",
            default = "0",
        ),
        "srcs": attr.label_list(
            doc = "More input files of the build, whose digests the statement contains.",
            allow_files = True,
        ),
    } | TREE_ATTRIBUTES,
    toolchains = [MODHASH_TOOLCHAIN],
)
