# SPDX-License-Identifier: Apache-2.0
"""The contents of initramfs archives, and the action that writes them."""

load("//rules/private:errors.bzl", "fail_attribute")
load("//rules/private:paths.bzl", "is_clean")
load("//rules/private/actions:params.bzl", "params")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")
load("//rules/private/providers:module_tree_info.bzl", "ModuleTreeInfo")
load("//tools/archive/codec:compressions.bzl", "INITRAMFS_SUFFIXES")

visibility("//...")

BOOT_TOOLCHAIN = "//toolchains/boot:toolchain_type"

# The path of busybox in an initramfs.
BUSYBOX = "/bin/busybox"

FILES_ATTRIBUTE = attr.label_keyed_string_dict(
    doc = """\
The contents of the initramfs: `{label: path}`, with absolute paths.

A path that ends with a slash is a directory. Into it go the sealed modules of a `module_tree` at their install
paths; the modules of a `kernel_module_import`, or another target that provides modules, at their install paths;
and of any other target each file by its base name, and the contents of each directory.

Any other path is the path of the target's only file.""",
    allow_files = True,
)

COMPRESSION_ATTRIBUTE = attr.string(
    doc = """\
How the archive is compressed: `none`, `gzip` (the kernel needs `CONFIG_RD_GZIP`) or `zstd`
(`CONFIG_RD_ZSTD`).""",
    default = "none",
    values = INITRAMFS_SUFFIXES.keys(),
)

MKINITRAMFS_ATTRIBUTE = attr.label(
    cfg = "exec",
    default = "//tools/boot/cmd/mkinitramfs",
    executable = True,
)

def _entry(path, file):
    return struct(file = file, path = path)

def _module_path(module):
    """The path of a module in an initramfs: compressed modules keep their suffix."""
    suffix = module.module.basename.rpartition(".ko")[2]
    return module.install_path + suffix

def _module_entries(ctx, directory, target):
    info = target[KernelModulesInfo]
    if info.directories:
        fail_attribute(
            ctx.label,
            "files",
            "%s, whose modules are in a directory with unknown contents" % target.label,
            "a target with modules of known names, or a module_tree over them",
        )
    return [_entry(directory + _module_path(module), module.module) for module in info.modules]

def _other_entry(directory, file):
    return _entry(directory if file.is_directory else directory + file.basename, file)

def _directory_entries(ctx, directory, target):
    if ModuleTreeInfo in target:
        return [_entry(directory, target[ModuleTreeInfo].sealed)]
    if KernelModulesInfo in target:
        return _module_entries(ctx, directory, target)
    return [_other_entry(directory, file) for file in target[DefaultInfo].files.to_list()]

def _file_entry(ctx, path, target):
    if KernelModulesInfo in target and not target[KernelModulesInfo].directories:
        # The files of a kernel_build include vmlinux, which is not a module.
        files = [module.module for module in target[KernelModulesInfo].modules]
    else:
        files = target[DefaultInfo].files.to_list()
    if len(files) != 1 or files[0].is_directory:
        fail_attribute(
            ctx.label,
            "files",
            "the path %s for %s, which is not a single file" % (repr(path), target.label),
            "a path that ends with a slash: a directory for several files",
        )
    return _entry(path, files[0])

def _check_path(ctx, path):
    inner = path.removeprefix("/").removesuffix("/")
    if path != "/" and (not path.startswith("/") or not is_clean(inner) or "=" in path):
        fail_attribute(
            ctx.label,
            "files",
            "the path %s" % repr(path),
            "an absolute path without empty, '.' or '..' parts and without '='; it may end with a slash",
        )

def initramfs_entries(ctx):
    """The entries that the attribute `files` adds to an initramfs.

    Args:
      ctx: rule context, with FILES_ATTRIBUTE as `files`.

    Returns:
      list of struct(path, file): string and File. If file is a directory, path is the directory for its contents.
    """
    entries = []
    for target, path in ctx.attr.files.items():
        _check_path(ctx, path)
        if path.endswith("/"):
            entries.extend(_directory_entries(ctx, path, target))
        else:
            entries.append(_file_entry(ctx, path, target))
    return entries

def busybox_entries(ctx, machine):
    """The entries for the busybox of the toolchain.

    Args:
      ctx: rule context, of a rule with BOOT_TOOLCHAIN.
      machine: string, an architecture that boot tests support.

    Returns:
      list of struct(path, file), empty if the toolchain has no busybox for the architecture.
    """
    busybox = ctx.toolchains[BOOT_TOOLCHAIN].boot_info.busybox.get(machine)
    return [_entry(BUSYBOX, busybox)] if busybox else []

def write_initramfs(ctx, output, entries, symlinks = {}, plan = None):
    """Declares the action that writes an initramfs.

    Args:
      ctx: rule context, with COMPRESSION_ATTRIBUTE and MKINITRAMFS_ATTRIBUTE as `compression` and
        `_mkinitramfs`.
      output: File to write.
      entries: list of struct(path, file), as initramfs_entries returns.
      symlinks: dict of path to target, both strings.
      plan: File with a boot plan, or None.
    """
    args = params(ctx)
    args.add(output, format = "--out=%s")
    args.add(ctx.attr.compression, format = "--compression=%s")
    for entry in entries:
        _add_entry(args, entry)
    for path, target in symlinks.items():
        args.add("--symlink=%s=%s" % (path, target))
    if plan:
        args.add(plan, format = "--plan=%s")
    ctx.actions.run(
        mnemonic = "ModhashInitramfs",
        executable = ctx.executable._mkinitramfs,
        arguments = [args],
        inputs = [entry.file for entry in entries] + ([plan] if plan else []),
        outputs = [output],
        env = {},
        progress_message = "Writing the initramfs of %{label}",
    )

def _add_entry(args, entry):
    """Adds the path of a file or directory. A directory is one argument, not the files in it."""
    path = entry.path if entry.path == "/" else entry.path.removesuffix("/")
    args.add_all([entry.file], expand_directories = False, format_each = "--entry=%s=%%s" % path.replace("%", "%%"))
