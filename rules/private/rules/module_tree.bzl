# SPDX-License-Identifier: Apache-2.0
"""module_tree: a Merkle tree over kernel modules."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private:machine.bzl", "has_machine", "machine_attributes", "machine_of")
load("//rules/private:members.bzl", "declared_modules", "directories_of")
load("//rules/private/actions:modules.bzl", "add_inputs", "add_names", "input_files")
load("//rules/private/actions:params.bzl", "add_paths")
load("//rules/private/actions:run_modhash.bzl", "MODHASH_TOOLCHAIN", "modhash_args", "run_modhash")
load("//rules/private/providers:kernel_build_info.bzl", "KernelBuildInfo")
load("//rules/private/providers:kernel_module_build_info.bzl", "KernelModuleBuildInfo")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")
load("//rules/private/providers:module_tree_info.bzl", "ModuleTreeInfo")

visibility("//...")

_DOC = """\
A Merkle tree over kernel modules: its root for vmlinux, and each module's proof.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_modules_import", "module_tree")

kernel_modules_import(
    name = "modules",
    srcs = glob(["kernel/**/*.ko.xz"]),
)

module_tree(
    name = "tree",
    modules = [":modules"],
)
```

**Outputs.** By default the tree (`tree.tree.pb`, a `modhash.v1.ModuleTree`) and the root object
(`tree.root.o`). Each output is also an output group. A separate action writes each, so that Bazel builds only those
that a build needs:

| output group | content |
| --- | --- |
| `tree` | `NAME.tree.pb`: root, levels, and the modules in order |
| `root_object` | `NAME.root.o`: the section `.module_hashes` for vmlinux |
| `proofs` | `NAME.proofs/`: `<install path>.proof.pb` for each module |
| `sealed` | `NAME.sealed/`: each module at its install path, uncompressed, its proof appended |

`bazel build //:tree --output_groups=sealed` builds the sealed modules. Rules access all outputs through
`ModuleTreeInfo`.

**Actions.** Actions hash modules whose names are known in shards of `granularity` modules, so that a change costs
one shard. If one of the members is a directory with unknown contents, one action hashes everything, in parallel.
Actions run in a persistent worker that handles several at once, or in a sandbox, or remotely
(`docs/howto/remote.md`). The bytes are the same in each case.

**Positions.** A module's position is its line in `order`. Without `order`, a tree over a `kernel_build` uses
the `modules.order` of that kernel, as plain make does, followed by all other modules in bytewise order of install
paths. A tree without a `kernel_build` has all modules in bytewise order of install paths.

**Failures.** These are errors that name the file and its target: two modules with one install path; a module that
`order` does not list, or lists twice; a listed module that does not exist; a module that is empty, malformed, built
for another architecture or already sealed; a signature on a module with `existing_signature = "error"`. An error
leaves no output. A tree without modules is valid: it has 0 levels, and no module verifies.
"""

# An action costs about as much as hashing this many modules.
_MAX_SHARD = 64

def shard_size(granularity, count):
    """The number of modules that one leaf action hashes.

    Args:
      granularity: int, the attribute; 0: automatic.
      count: int, modules in the tree.

    Returns:
      int, at least 1. If automatic, small enough for about _MAX_SHARD actions, at most _MAX_SHARD.
    """
    if granularity:
        return granularity
    return min(_MAX_SHARD, max(1, (count + _MAX_SHARD - 1) // _MAX_SHARD))

def _shards(modules, size):
    return [
        struct(first = first, modules = modules[first:first + size])
        for first in range(0, len(modules), size)
    ]

def _add_members(args, tree):
    if not tree.modules and not tree.directories:
        args.add("--allow-empty")
    add_inputs(args, tree.modules, tree.directories)

def _known_machines(ctx):
    """The architectures of members that are built from source, each with one of them: {machine: Label}."""
    known = {}
    for target in ctx.attr.modules:
        if KernelBuildInfo in target:
            known.setdefault(target[KernelBuildInfo].config.machine, target.label)
        elif KernelModuleBuildInfo in target:
            known.setdefault(target[KernelModuleBuildInfo].machine, target.label)
    return known

def _machine(ctx):
    """The tree's architecture. None: that of its modules, which the tree's actions read."""
    known = _known_machines(ctx)
    members = " and ".join(["%s for %s" % (label_text(label), machine) for machine, label in known.items()])
    if len(known) > 1:
        fail_attribute(ctx.label, "modules", members, "modules for one architecture, because a root object is for one")
    if has_machine(ctx) and ctx.attr.machine not in known and known:
        fail_attribute(ctx.label, "machine", "%s together with the member %s" % (ctx.attr.machine, members), "no machine: the members set it")
    if known:
        return known.keys()[0]
    return machine_of(ctx) if has_machine(ctx) or not ctx.attr.modules else None

def _add_machine(args, tree):
    if tree.machine:
        args.add(tree.machine, format = "--machine=%s")

def _order_of(ctx):
    """The file that sets positions, or None."""
    if ctx.file.order:
        return ctx.file.order
    kernels = [target for target in ctx.attr.modules if KernelBuildInfo in target]
    if len(kernels) > 1:
        fail_attribute(
            ctx.label,
            "modules",
            "the kernels %s, each with its own order" % " and ".join([label_text(kernel.label) for kernel in kernels]),
            "one kernel_build, or the attribute order with the positions of all modules",
        )
    return kernels[0][KernelBuildInfo].modules_order if kernels else None

def _add_order(ctx, args, tree):
    """Adds the file that sets positions, if there is one. Returns the files to read."""
    if not tree.order:
        return []
    args.add(tree.order, format = "--order=%s")
    if not ctx.attr.order:
        # modules.order lists only modules of the kernel.
        args.add("--append-unlisted")
    return [tree.order]

def _positions_files(ctx, tree, size):
    """Files with the positions of the modules of each shard.

    A shard depends only on its own part of the order, so that another change of the order does not hash the shard
    again.
    """
    files = [
        ctx.actions.declare_file("%s.leaves/%d.positions.pb" % (ctx.label.name, first))
        for first in range(0, len(tree.modules), size)
    ]
    args = modhash_args(ctx, "positions")
    inputs = _add_order(ctx, args, tree)
    args.add(size, format = "--shard-size=%s")
    add_names(args, tree.modules)
    args.add_all(files, format_each = "--out=%s")
    run_modhash(ctx, "ModhashPositions", args, inputs, files, "Reading positions from the order")
    return files

def _hash_shard(ctx, tree, shard, positions):
    leaves = ctx.actions.declare_file("%s.leaves/%d.pb" % (ctx.label.name, shard.first))
    args = modhash_args(ctx, "leaf")
    if positions:
        args.add(positions, format = "--positions=%s")
    else:
        args.add(shard.first, format = "--position=%s")
    _add_machine(args, tree)
    args.add(leaves, format = "--out=%s")
    add_inputs(args, shard.modules, [])
    run_modhash(
        ctx,
        "ModhashLeaf",
        args,
        input_files(shard.modules, []) + ([positions] if positions else []),
        [leaves],
        "Hashing modules %d to %d" % (shard.first, shard.first + len(shard.modules) - 1),
    )
    return leaves

def _hash_modules(ctx, tree):
    """The leaves of all modules, in shards."""
    size = shard_size(ctx.attr.granularity, len(tree.modules))
    shards = _shards(tree.modules, size)
    positions = _positions_files(ctx, tree, size) if tree.order else [None for _ in shards]
    return [_hash_shard(ctx, tree, shard, file) for shard, file in zip(shards, positions)]

def _make_tree(ctx, tree):
    args = modhash_args(ctx, "tree")
    args.add("--quiet")
    _add_machine(args, tree)
    args.add(tree.tree, format = "--out=%s")
    args.add(tree.root_object, format = "--root-object=%s")
    order = _add_order(ctx, args, tree)
    if tree.directories or not tree.modules:
        inputs = input_files(tree.modules, tree.directories)
        _add_members(args, tree)
    else:
        inputs = _hash_modules(ctx, tree)
        args.add_all(inputs, format_each = "--leaves=%s")
    outputs = [tree.tree, tree.root_object]
    run_modhash(ctx, "ModhashTree", args, inputs + order, outputs, "Building the tree")

def _make_proofs(ctx, tree):
    args = modhash_args(ctx, "proof")
    args.add(tree.tree, format = "--tree=%s")
    add_paths(args, "--out", [tree.proofs])
    run_modhash(ctx, "ModhashProof", args, [tree.tree], [tree.proofs], "Writing the proofs")

def _seal(ctx, tree):
    args = modhash_args(ctx, "seal")
    args.add(tree.tree, format = "--tree=%s")
    add_paths(args, "--out", [tree.sealed])
    _add_members(args, tree)
    inputs = [tree.tree] + input_files(tree.modules, tree.directories)
    run_modhash(ctx, "ModhashSeal", args, inputs, [tree.sealed], "Sealing the modules")

def _module_tree_impl(ctx):
    if ctx.attr.granularity < 0:
        fail_attribute(ctx.label, "granularity", ctx.attr.granularity, "0 (automatic) or a number of modules")
    name = ctx.label.name
    tree = ModuleTreeInfo(
        directories = directories_of(ctx.attr.modules),
        label = ctx.label,
        machine = _machine(ctx),
        modules = declared_modules(ctx.label, ctx.attr.modules),
        order = _order_of(ctx),
        proofs = ctx.actions.declare_directory(name + ".proofs"),
        root_object = ctx.actions.declare_file(name + ".root.o"),
        sealed = ctx.actions.declare_directory(name + ".sealed"),
        tree = ctx.actions.declare_file(name + ".tree.pb"),
    )
    _make_tree(ctx, tree)
    _make_proofs(ctx, tree)
    _seal(ctx, tree)
    return [
        tree,
        DefaultInfo(files = depset([tree.tree, tree.root_object])),
        OutputGroupInfo(
            proofs = depset([tree.proofs]),
            root_object = depset([tree.root_object]),
            sealed = depset([tree.sealed]),
            tree = depset([tree.tree]),
        ),
    ]

module_tree = rule(
    implementation = _module_tree_impl,
    doc = _DOC,
    attrs = {
        "granularity": attr.int(
            doc = """\
The number of modules that one action hashes, if all names are known. 0: 1 in a tree of up to 64 modules, growing
with the tree to at most 64. It changes the speed of a build, never its outputs.""",
            default = 0,
        ),
        "modules": attr.label_list(
            doc = "The members, in any order: targets such as `kernel_module_import`. May be empty.",
            mandatory = True,
            providers = [KernelModulesInfo],
        ),
        "order": attr.label(
            doc = """\
A `modules.order` that sets the position of each module: one path per line, `.o` or `.ko`, with or without
`kernel/` before it. It lists exactly the members. Default: that of the `kernel_build` in `modules`, followed by
the others in bytewise order of install paths.""",
            allow_single_file = True,
        ),
    } | machine_attributes(
        "modules and root object are for",
        "that of the members, as their rules or files state; for a tree without members that of the target platform",
    ),
    provides = [ModuleTreeInfo],
    toolchains = [MODHASH_TOOLCHAIN],
)
