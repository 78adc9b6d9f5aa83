# SPDX-License-Identifier: Apache-2.0
"""The actions that build a kernel: one, or a graph of them."""

load("//rules/private/actions:params.bzl", "add_pairs")
load("//rules/private/actions:run_kbuild.bzl", "run_kbuild", "target_args")
load("//rules/private/actions:shards.bzl", "shard_of", "shards_for")
load("//rules/private/providers:ipe_policy_info.bzl", "IpePolicyInfo")

visibility("//rules/...")

# How a kernel is built: values of the attribute `graph` and of the field of KernelBuildInfo.
ONE = "one"
SHARDS = "shards"

# Where the kernel finds the policy that is compiled in.
_POLICY_DIRECTORY = "security/ipe/"

def policy_of(ctx):
    """The policy of IPE that is compiled into a kernel.

    Args:
      ctx: rule context of a kernel_build.

    Returns:
      File, or None.
    """
    return ctx.attr.boot_policy[IpePolicyInfo].blank if ctx.attr.boot_policy else None

def _args(ctx, config, flags):
    """Arguments with a flag for each file: those without a file are left out."""
    args = target_args(ctx, config, "config")
    for flag, file in flags.items():
        if file:
            args.add(file, format = flag + "=%s")
    return args

def _files(flags):
    return [file for file in flags.values() if file]

def _file_name(shard):
    return "rest" if shard == "." else shard

def build_in_one(ctx, build, modules, sign_file, log):
    """Declares the one action that builds a kernel.

    Args:
      ctx: rule context of a kernel_build.
      build: KernelBuildInfo with the files to write.
      modules: dict of string to File, the modules by their paths in the tree.
      sign_file: File to write, or None.
      log: File to write, the output of Kbuild.
    """
    outputs = {
        "--devel": build.devel,
        "--log": log,
        "--modules-builtin": build.modules_builtin,
        "--modules-builtin-modinfo": build.modules_builtin_modinfo,
        "--modules-order": build.modules_order,
        "--objects": build.objects,
        "--release": build.release,
        "--sign-file": sign_file,
        "--symvers": build.symvers,
        "--system-map": build.system_map,
        "--vmlinux": build.vmlinux,
        "--vmlinux-unstripped": build.vmlinux_unstripped,
    }
    config = build.config
    inputs = {
        "--config": config.config,
        "--source": config.source.archive,
        "--boot-policy": policy_of(ctx),
        "--trusted-keys": ctx.file.trusted_keys,
    }
    args = _args(ctx, config, inputs | outputs)
    args.add(ctx.attr.strip, format = "--strip=%s")
    add_pairs(args, "--module", modules)
    run_kbuild(
        ctx,
        "ModhashKernelBuild",
        "build",
        args,
        _files(inputs),
        _files(outputs) + modules.values(),
        "Building the kernel and %d modules" % len(modules),
    )

def _split(ctx, build, graph, shards, declare):
    """Declares the action that cuts the source. Returns struct(prepare, link, finish, shards)."""
    config = build.config
    parts = struct(
        finish = declare("source/finish.tar.zst"),
        link = graph.link_source,
        prepare = declare("source/prepare.tar.zst"),
        shards = {name: declare("source/shards/%s.tar.zst" % _file_name(name)) for name in shards},
    )
    inputs = {"--configuration": config.configuration, "--source": config.source.archive}
    outputs = {"--finish": parts.finish, "--link": parts.link, "--prepare": parts.prepare}
    args = _args(ctx, config, inputs | outputs)
    add_pairs(args, "--shard", parts.shards)
    run_kbuild(
        ctx,
        "ModhashKernelSplit",
        "split",
        args,
        _files(inputs),
        _files(outputs) + parts.shards.values(),
        "Splitting the source for %d shards" % len(shards),
    )
    return parts

def _prepare(ctx, build, graph, parts, sign_file):
    inputs = {"--configuration": build.config.configuration, "--source": parts.prepare}
    outputs = {"--out": graph.prepared, "--release": build.release, "--sign-file": sign_file}
    args = _args(ctx, build.config, inputs | outputs)
    run_kbuild(ctx, "ModhashKernelPrepare", "prepare", args, _files(inputs), _files(outputs), "Preparing the build")

def _compile(ctx, build, graph, parts, name, declare, log):
    """Declares the action that compiles a shard. Returns struct(builtin, modules, symbols)."""
    objects = struct(
        builtin = graph.builtin[name],
        modules = declare("objects/%s.modules.tar.zst" % _file_name(name)),
        symbols = declare("objects/%s.symbols.tar.zst" % _file_name(name)),
    )
    inputs = {
        "--prepared": graph.prepared,
        "--source": parts.shards[name],
        "--boot-policy": policy_of(ctx) if name == shard_of(graph.builtin.keys(), _POLICY_DIRECTORY) else None,
        # The directory certs is in this shard.
        "--trusted-keys": ctx.file.trusted_keys if name == "." else None,
    }
    outputs = {"--builtin": objects.builtin, "--log": log, "--modules": objects.modules, "--symbols": objects.symbols}
    args = _args(ctx, build.config, inputs | outputs)
    args.add(name, format = "--name=%s")
    run_kbuild(ctx, "ModhashKernelCompile", "compile", args, _files(inputs), _files(outputs), "Compiling shard %s" % name)
    return objects

def _blank(ctx, build, graph, parts, objects, declare, log):
    """Declares the link of vmlinux. Returns struct(symbols, types)."""
    kernel = struct(symbols = declare("vmlinux.symbols.tar.zst"), types = declare("vmlinux.types"))
    inputs = {
        "--configuration": build.config.configuration,
        "--prepared": graph.prepared,
        "--source": parts.link,
        # For options that need the whole kernel at once.
        "--boot-policy": policy_of(ctx),
        "--trusted-keys": ctx.file.trusted_keys,
    }
    outputs = {
        "--log": log,
        "--modules-builtin": build.modules_builtin,
        "--modules-builtin-modinfo": build.modules_builtin_modinfo,
        "--objects": build.objects,
        "--symbols": kernel.symbols,
        "--system-map": build.system_map,
        "--types": kernel.types,
        "--vmlinux": build.vmlinux,
        "--vmlinux-unstripped": build.vmlinux_unstripped,
    }
    builtin = [o.builtin for o in objects.values()]
    args = _args(ctx, build.config, inputs | outputs)
    args.add_all(builtin, format_each = "--shard=%s")
    run_kbuild(ctx, "ModhashKernelBlank", "blank", args, _files(inputs) + builtin, _files(outputs), "Linking vmlinux")
    return kernel

def _modpost(ctx, build, graph, parts, objects, kernel, modules, finish, log):
    inputs = {
        "--configuration": build.config.configuration,
        "--kernel": kernel.symbols,
        "--prepared": graph.prepared,
        "--source": parts.link,
    }
    outputs = {"--log": log, "--modules-order": build.modules_order, "--symvers": build.symvers}
    symbols = [o.symbols for o in objects.values()]
    args = _args(ctx, build.config, inputs | outputs)
    args.add_all(symbols, format_each = "--shard=%s")
    args.add_all(modules.keys(), format_each = "--declared=%s")
    add_pairs(args, "--finish", finish)
    run_kbuild(
        ctx,
        "ModhashKernelModpost",
        "modpost",
        args,
        _files(inputs) + symbols,
        _files(outputs) + finish.values(),
        "Checking the symbols of %d modules" % len(modules),
    )

def _finish(ctx, build, graph, parts, name, objects, kernel, modpost, modules, log):
    inputs = {
        "--modpost": modpost,
        "--objects": objects.modules,
        "--prepared": graph.prepared,
        "--source": parts.finish,
        "--types": kernel.types,
    }
    args = _args(ctx, build.config, inputs | {"--log": log})
    args.add(name, format = "--name=%s")
    args.add(ctx.attr.strip, format = "--strip=%s")
    add_pairs(args, "--module", modules)
    run_kbuild(
        ctx,
        "ModhashKernelFinish",
        "finish",
        args,
        _files(inputs),
        modules.values() + [log],
        "Linking %d modules of shard %s" % (len(modules), name),
    )

def _devel(ctx, build, graph, parts):
    inputs = {
        "--configuration": build.config.configuration,
        "--prepared": graph.prepared,
        "--source": parts.prepare,
        "--symvers": build.symvers,
        "--vmlinux": build.vmlinux,
    }
    args = _args(ctx, build.config, inputs | {"--out": build.devel})
    run_kbuild(ctx, "ModhashKernelDevel", "devel", args, _files(inputs), [build.devel], "Packing the files for further modules")

def declare_graph(ctx, config, modules):
    """Declares the files of a kernel in shards that its link reads.

    Args:
      ctx: rule context of a kernel_build.
      config: KernelConfigInfo.
      modules: list of strings, the modules as paths in the tree.

    Returns:
      struct(builtin, link_source, prepared): dict of the shards' names to File, and two File.
    """
    declare = _declarer(ctx)
    return struct(
        builtin = {
            name: declare("objects/%s.builtin.tar.zst" % _file_name(name))
            for name in shards_for(config.machine, modules)
        },
        link_source = declare("source/link.tar.zst"),
        prepared = declare("prepared.tar.zst"),
    )

def _declarer(ctx):
    return lambda name: ctx.actions.declare_file("%s/graph/%s" % (ctx.label.name, name))

def build_in_shards(ctx, build, graph, modules, sign_file, logs):
    """Declares the actions that build a kernel in shards.

    Args:
      ctx: rule context of a kernel_build.
      build: KernelBuildInfo with the files to write.
      graph: struct, as declare_graph returns it. Its files are part of build.link_trees.
      modules: dict of string to File, the modules by their paths in the tree.
      sign_file: File to write, or None.
      logs: function of a name to a File: declares a log.

    Returns:
      list of File, the logs; and list of File, the objects of modules.
    """
    declare = _declarer(ctx)
    shards = graph.builtin.keys()
    parts = _split(ctx, build, graph, shards, declare)
    _prepare(ctx, build, graph, parts, sign_file)
    compile_logs = {name: logs("compile/%s.log" % _file_name(name)) for name in shards}
    objects = {name: _compile(ctx, build, graph, parts, name, declare, compile_logs[name]) for name in shards}
    link_log, modpost_log = logs("vmlinux.log"), logs("modpost.log")
    kernel = _blank(ctx, build, graph, parts, objects, declare, link_log)
    by_shard = {}
    for path, file in modules.items():
        by_shard.setdefault(shard_of(shards, path), {})[path] = file
    modpost = {name: declare("objects/%s.modpost.tar.zst" % _file_name(name)) for name in by_shard}
    _modpost(ctx, build, graph, parts, objects, kernel, modules, modpost, modpost_log)
    finish_logs = {name: logs("modules/%s.log" % _file_name(name)) for name in by_shard}
    for name, own in by_shard.items():
        _finish(ctx, build, graph, parts, name, objects[name], kernel, modpost[name], own, finish_logs[name])
    _devel(ctx, build, graph, parts)
    handed = [file for o in objects.values() for file in [o.modules, o.symbols]]
    return compile_logs.values() + [link_log, modpost_log] + finish_logs.values(), handed
