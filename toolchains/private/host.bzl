# SPDX-License-Identifier: Apache-2.0
"""What repository rules ask the machine that they run on."""

load("//tools/arch:arch.bzl", "MACHINES_BY_HOST")

visibility("//toolchains/...")

def find_program(rctx, folders, name):
    """Path of a program in one of some folders, or None. The caller's PATH does not count.

    Args:
      rctx: repository context.
      folders: list of strings, absolute, the first one that has the program counts.
      name: string, the program's file name.

    Returns:
      path, or None.
    """
    for folder in folders:
        path = rctx.path("%s/%s" % (folder, name))
        if path.exists:
            return path
    return None

def host_machine(rctx):
    """The machine that programs of this one run on, as module_tree names it.

    Args:
      rctx: repository context.

    Returns:
      string such as "x86_64".
    """
    return MACHINES_BY_HOST.get(rctx.os.arch, rctx.os.arch)

def digest_files(rctx, files):
    """SHA-256 digests of files, which are watched: the repository is fetched again when one changes.

    Args:
      rctx: repository context.
      files: list of absolute paths, as strings.

    Returns:
      dictionary of path to digest in hexadecimal digits.
    """
    for file in files:
        rctx.watch(file)
    if not files:
        return {}
    result = rctx.execute(["sha256sum"] + files)
    if result.return_code != 0:
        fail("reading programs of this machine: %s" % result.stderr)
    return {line[66:]: line[:64] for line in result.stdout.splitlines()}
