# SPDX-License-Identifier: Apache-2.0
"""Reads the manifest of the world that `./bazelw` creates (toolchains/world/provision.sh)."""

visibility("//...")

# The path of the manifest in a world. Outside a world the file does not exist.
MANIFEST = "/etc/rules_modhash/manifest.tsv"

def _records(rctx, kind):
    manifest = rctx.path(MANIFEST)
    if not manifest.exists:
        return []
    lines = [line.split("\t") for line in rctx.read(manifest).splitlines()]
    return [fields for fields in lines if fields[0] == kind]

def world_archives(rctx, prefix):
    """Finds build inputs in the world.

    Args:
      rctx: the repository_ctx.
      prefix: string, the prefix of the archives' names, such as `linux-source-`.

    Returns:
      list of struct(name, version, path, sha256, suite), in the manifest's order; empty outside a world.
    """
    return [
        struct(name = fields[1], version = fields[2], path = fields[3], sha256 = fields[4], suite = fields[5])
        for fields in _records(rctx, "archive")
        if fields[1].startswith(prefix)
    ]

def world_archive(rctx, prefix):
    """Finds one build input in the world.

    Args:
      rctx: the repository_ctx.
      prefix: string, the prefix of the archive's name, such as `linux-modules-`.

    Returns:
      The first element of world_archives, or None if it is empty.
    """
    archives = world_archives(rctx, prefix)
    return archives[0] if archives else None

def world_suite(rctx):
    """The Debian suite of the world.

    Args:
      rctx: the repository_ctx.

    Returns:
      string such as `forky`, or None outside a world.
    """
    for fields in _records(rctx, "note"):
        if fields[1] == "suite":
            return fields[2]
    return None
