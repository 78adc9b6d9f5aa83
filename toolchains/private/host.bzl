# SPDX-License-Identifier: Apache-2.0
"""What repository rules read from the machine that they run on."""

load("//tools/arch:arch.bzl", "MACHINES_BY_HOST")

visibility("//toolchains/...")

def find_program(rctx, directories, name):
    """The path of a program in one of several directories, or None. Ignores the caller's PATH.

    Args:
      rctx: repository context.
      directories: list of strings, absolute paths, in order of preference.
      name: string, the program's file name.

    Returns:
      path, or None.
    """
    for directory in directories:
        path = rctx.path("%s/%s" % (directory, name))
        if path.exists:
            return path
    return None

def host_machine(rctx):
    """The architecture of this machine, as in module_tree.

    Args:
      rctx: repository context.

    Returns:
      string such as "x86_64".
    """
    return MACHINES_BY_HOST.get(rctx.os.arch, rctx.os.arch)

def digest_files(rctx, files):
    """SHA-256 digests of files. Watches the files: Bazel fetches the repository again if one changes.

    Args:
      rctx: repository context.
      files: list of absolute paths, as strings.

    Returns:
      dict of path to digest, in hexadecimal digits.
    """
    for file in files:
        rctx.watch(file)
    if not files:
        return {}
    result = rctx.execute(["sha256sum"] + files)
    if result.return_code != 0:
        fail("reading programs of this machine: %s" % result.stderr)
    return {line[66:]: line[:64] for line in result.stdout.splitlines()}
