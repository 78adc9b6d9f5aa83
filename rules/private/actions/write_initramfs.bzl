# SPDX-License-Identifier: Apache-2.0
"""What is in a virtual machine: initramfs archives, and where their files come from."""

load("//rules/private:errors.bzl", "fail_attribute")
load("//rules/private:paths.bzl", "is_clean")
load("//rules/private/actions:params.bzl", "params")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")
load("//rules/private/providers:module_tree_info.bzl", "ModuleTreeInfo")
load("//tools/archive/codec:compressions.bzl", "INITRAMFS_SUFFIXES")

visibility("//...")

BOOT_TOOLCHAIN = "//toolchains/boot:toolchain_type"

# Where busybox lies.
BUSYBOX = "/bin/busybox"

FILES_ATTRIBUTE = attr.label_keyed_string_dict(
    doc = """\
What is in the initramfs: `{label: path}`, with absolute paths.

A path with a slash at its end is a folder to put into: of a `module_tree`, the sealed modules at their
install paths; of `kernel_module_import` and other targets that offer modules, the modules at their install
paths; of a target with other files, each under its base name, and what is in each directory.

A path without one is where the target's only file goes.""",
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
    """Where a module goes: compressed ones keep their suffix."""
    suffix = module.module.basename.rpartition(".ko")[2]
    return module.install_path + suffix

def _module_entries(ctx, folder, target):
    info = target[KernelModulesInfo]
    if info.directories:
        fail_attribute(
            ctx.label,
            "files",
            "%s, whose modules are in a directory with unknown contents" % target.label,
            "a target with modules of known names, or a module_tree over them",
        )
    return [_entry(folder + _module_path(module), module.module) for module in info.modules]

def _directory_or_file(folder, file):
    return _entry(folder if file.is_directory else folder + file.basename, file)

def _folder_entries(ctx, folder, target):
    if ModuleTreeInfo in target:
        return [_entry(folder, target[ModuleTreeInfo].sealed)]
    if KernelModulesInfo in target:
        return _module_entries(ctx, folder, target)
    return [_directory_or_file(folder, file) for file in target[DefaultInfo].files.to_list()]

def _file_entry(ctx, path, target):
    if KernelModulesInfo in target and not target[KernelModulesInfo].directories:
        # A kernel_build has its vmlinux among the files, which is not meant.
        files = [module.module for module in target[KernelModulesInfo].modules]
    else:
        files = target[DefaultInfo].files.to_list()
    if len(files) != 1 or files[0].is_directory:
        fail_attribute(
            ctx.label,
            "files",
            "the path %s for %s, which is no single file" % (repr(path), target.label),
            "a path with a slash at its end, which is a folder to put into",
        )
    return _entry(path, files[0])

def _check_path(ctx, path):
    inner = path.removeprefix("/").removesuffix("/")
    if path != "/" and (not path.startswith("/") or not is_clean(inner) or "=" in path):
        fail_attribute(
            ctx.label,
            "files",
            "the path %s" % repr(path),
            "an absolute path without empty, '.' or '..' parts and without '=', maybe with a slash at its end",
        )

def initramfs_entries(ctx):
    """What the attribute `files` puts into an initramfs.

    Args:
      ctx: rule context, with FILES_ATTRIBUTE as `files`.

    Returns:
      list of struct(path, file): string and File. A directory's contents go below the path.
    """
    entries = []
    for target, path in ctx.attr.files.items():
        _check_path(ctx, path)
        if path.endswith("/"):
            entries.extend(_folder_entries(ctx, path, target))
        else:
            entries.append(_file_entry(ctx, path, target))
    return entries

def busybox_entries(ctx, machine):
    """The busybox of the toolchain, and the shell that it offers.

    Args:
      ctx: rule context, of a rule with BOOT_TOOLCHAIN.
      machine: string, one that can be booted.

    Returns:
      list of struct(path, file), empty if the toolchain has none for the machine.
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
    """Adds the path of a file or directory, which is handed over as such, not as the files in it."""
    path = entry.path if entry.path == "/" else entry.path.removesuffix("/")
    args.add_all([entry.file], expand_directories = False, format_each = "--entry=%s=%%s" % path.replace("%", "%%"))
