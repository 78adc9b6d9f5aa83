# SPDX-License-Identifier: Apache-2.0
"""How modules are handed to the modhash program."""

load("//rules/private:errors.bzl", "label_text")

visibility("//...")

def params(ctx):
    """Arguments that the program reads from a file, one a line.

    Args:
      ctx: rule context.

    Returns:
      Args.
    """
    args = ctx.actions.args()
    args.set_param_file_format("multiline")
    args.use_param_file("@%s", use_always = True)
    return args

def _runfile_path(file):
    return file.short_path

def add_path(args, flag, file, runfile = False):
    """Adds a flag with the path of a file or directory.

    Args:
      args: Args.
      flag: string, with its dashes.
      file: File. A directory is handed over as such, not as the files in it.
      runfile: bool, whether the program finds it among the runfiles of a test, not in an action.
    """
    args.add_all(
        [file],
        expand_directories = False,
        format_each = flag + "=%s",
        map_each = _runfile_path if runfile else None,
    )

def add_inputs(args, modules, directories, runfile = False):
    """Adds modules.

    Args:
      args: Args.
      modules: list of KernelModuleInfo.
      directories: list of KernelModuleDirectoryInfo.
      runfile: bool, as in add_path.
    """
    strip = any([directory.strip_prefix for directory in directories])
    for module in modules:
        _add_input(args, module.module, module.install_path, module.label, "" if strip else None, runfile)
    for entry in directories:
        prefix = entry.strip_prefix if strip else None
        _add_input(args, entry.directory, entry.install_prefix, entry.label, prefix, runfile)

def _add_input(args, file, install_path, label, strip_prefix, runfile):
    """Adds the flags that the program wants the same number of times; strip_prefix None: it is not there."""
    add_path(args, "--input", file, runfile)
    args.add(install_path, format = "--install-path=%s")
    if strip_prefix != None:
        args.add(strip_prefix, format = "--strip-prefix=%s")
    args.add(label_text(label), format = "--label=%s")

def add_signatures(args, entries):
    """Adds what to do with a signature that is there already, for each of the inputs added.

    Args:
      args: Args.
      entries: list of KernelModuleInfo and KernelModuleDirectoryInfo, in the order they were added.
    """
    policies = [entry.existing_signature for entry in entries]
    if len({policy: None for policy in policies}) == 1:
        policies = policies[:1]
    args.add_all(policies, format_each = "--existing-signature=%s")

def input_files(modules, directories):
    """The files behind modules.

    Args:
      modules: list of KernelModuleInfo.
      directories: list of KernelModuleDirectoryInfo.

    Returns:
      list of File.
    """
    return [module.module for module in modules] + [entry.directory for entry in directories]
