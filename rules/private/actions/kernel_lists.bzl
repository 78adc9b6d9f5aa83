# SPDX-License-Identifier: Apache-2.0
"""What an installation of modules has of its kernel: release, lists of modules, symbols."""

visibility("//rules/...")

def kernel_lists(build):
    """The files of a kernel that `kbuild install` reads.

    Args:
      build: KernelBuildInfo.

    Returns:
      list of File.
    """
    return _by_flag(build).values()

def add_kernel_lists(args, build):
    """Adds the files of a kernel that `kbuild install` reads.

    Args:
      args: Args.
      build: KernelBuildInfo.
    """
    for flag, file in _by_flag(build).items():
        args.add(file, format = flag + "=%s")

def _by_flag(build):
    return {
        "--release": build.release,
        "--modules-order": build.modules_order,
        "--modules-builtin": build.modules_builtin,
        "--modules-builtin-modinfo": build.modules_builtin_modinfo,
        "--system-map": build.system_map,
    }
