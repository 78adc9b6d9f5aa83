# SPDX-License-Identifier: Apache-2.0
"""How rules pass modules to the modhash program: one message for each (proto ModuleInput, in JSON).

The messages are lines of the parameter file. Bazel writes them when the action runs, so that they contain the paths
that the action uses, mapped (`--experimental_output_paths=strip`) or not.
"""

load("//rules/private:errors.bzl", "label_text")

visibility("//...")

def _is_directory(entry):
    return hasattr(entry, "directory")

def _file(entry):
    return entry.directory if _is_directory(entry) else entry.module

def _message(entry, **fields):
    """A message without empty fields."""
    fields["label"] = label_text(entry.label)
    if _is_directory(entry):
        fields["install_path"] = entry.install_prefix
        fields["strip_prefix"] = entry.strip_prefix
    else:
        fields["install_path"] = entry.install_path
    return json.encode({name: value for name, value in fields.items() if value})

def _input(entry):
    return _message(entry, existing_signature = entry.existing_signature, path = _file(entry).path)

def _runfile(entry):
    return _message(entry, path = _file(entry).short_path)

def _name(entry):
    return _message(entry)

def _add(args, modules, directories, message):
    args.add_all(modules + directories, format_each = "--module=%s", map_each = message)

def add_inputs(args, modules, directories):
    """Adds modules that an action reads.

    Args:
      args: Args.
      modules: list of KernelModuleInfo.
      directories: list of KernelModuleDirectoryInfo.
    """
    _add(args, modules, directories, _input)

def add_runfiles(args, modules, directories):
    """Adds modules from the runfiles of a test, whatever trailers they have.

    Args:
      args: Args.
      modules: list of KernelModuleInfo.
      directories: list of KernelModuleDirectoryInfo.
    """
    _add(args, modules, directories, _runfile)

def add_names(args, modules):
    """Adds modules that are not read: install paths and labels.

    Args:
      args: Args.
      modules: list of KernelModuleInfo.
    """
    _add(args, modules, [], _name)

def input_files(modules, directories):
    """The files of modules.

    Args:
      modules: list of KernelModuleInfo.
      directories: list of KernelModuleDirectoryInfo.

    Returns:
      list of File.
    """
    return [_file(entry) for entry in modules + directories]
