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

def add_paths(args, flag, files, runfile = False):
    """Adds a flag with its path for each file or directory.

    Args:
      args: Args.
      flag: string, with its dashes.
      files: list of File. A directory is handed over as such, not as the files in it.
      runfile: bool, whether the program finds them among the runfiles of a test, not in an action.
    """
    args.add_all(
        files,
        expand_directories = False,
        format_each = flag + "=%s",
        map_each = _runfile_path if runfile else None,
    )

def add_inputs(args, modules, directories, runfile = False):
    """Adds modules, by flags that the program wants the same number of times; the n-th of each is the n-th module's.

    Args:
      args: Args.
      modules: list of KernelModuleInfo.
      directories: list of KernelModuleDirectoryInfo.
      runfile: bool, as in add_paths.
    """
    add_paths(args, "--input", input_files(modules, directories), runfile)
    args.add_all(
        [module.install_path for module in modules] + [entry.install_prefix for entry in directories],
        format_each = "--install-path=%s",
    )
    if any([entry.strip_prefix for entry in directories]):
        args.add_all(
            ["" for _ in modules] + [entry.strip_prefix for entry in directories],
            format_each = "--strip-prefix=%s",
        )
    args.add_all([label_text(entry.label) for entry in modules + directories], format_each = "--label=%s")

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
