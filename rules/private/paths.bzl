# SPDX-License-Identifier: Apache-2.0
"""Install paths of modules: how rules derive and check them."""

load("//tools/archive/codec:compressions.bzl", "MODULE_SUFFIXES")

visibility("//...")

def is_module_path(path):
    """Whether a path has the name of a module, compressed or not.

    Args:
      path: string.

    Returns:
      bool.
    """
    return any([path.endswith(suffix) for suffix in MODULE_SUFFIXES])

def drop_compression(path):
    """The path of the uncompressed module.

    Args:
      path: string, for which is_module_path returns True.

    Returns:
      string, ends in `.ko`.
    """
    return path[:path.rindex(".ko")] + ".ko"

def is_clean(path):
    """Whether a path is relative, without empty, '.' or '..' parts and line ends.

    Args:
      path: string.

    Returns:
      bool.
    """

    # A line of a parameter file is one argument, so no path may contain a line end.
    if "\n" in path or "\r" in path:
        return False
    parts = "/%s/" % path
    return "//" not in parts and "/./" not in parts and "/../" not in parts

def is_install_path(path):
    """Whether a path can be an install path of a module.

    Args:
      path: string.

    Returns:
      bool.
    """
    return is_clean(path) and path.endswith(".ko") and not ("/" + path).endswith("/.ko")

def path_below_package(file):
    """A file's path relative to the package of its target.

    Args:
      file: File, a source file or an output of a rule, from any repository.

    Returns:
      string, a clean relative path.
    """
    path = file.short_path
    if path.startswith("../"):
        path = path.split("/", 2)[2]
    package = file.owner.package
    return path.removeprefix(package + "/") if package else path

def join_paths(prefix, path):
    """Adds a prefix to a path.

    Args:
      prefix: string, a clean relative path, or empty.
      path: string, a clean relative path.

    Returns:
      string, a clean relative path.
    """
    return prefix + "/" + path if prefix else path
