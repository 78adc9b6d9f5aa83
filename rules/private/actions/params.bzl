# SPDX-License-Identifier: Apache-2.0
"""Arguments that programs read from a file."""

visibility("//...")

def params(ctx):
    """Arguments that the program reads from a file, one per line.

    Args:
      ctx: rule context.

    Returns:
      Args.
    """
    args = ctx.actions.args()
    args.set_param_file_format("multiline")
    args.use_param_file("@%s", use_always = True)
    return args

def add_paths(args, flag, files):
    """Adds a flag with its path for each file or directory.

    Args:
      args: Args.
      flag: string, with its dashes.
      files: list of File. A directory is one argument, not the files in it.
    """
    args.add_all(files, expand_directories = False, format_each = flag + "=%s")

def add_pairs(args, flag, files):
    """Adds a flag with KEY=PATH for each item of a dict.

    Args:
      args: Args.
      flag: string, with its dashes.
      files: dict of string to File.
    """
    for key, file in files.items():
        args.add(file, format = "%s=%s=%%s" % (flag, key.replace("%", "%%")))
