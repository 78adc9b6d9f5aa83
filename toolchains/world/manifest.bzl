# SPDX-License-Identifier: Apache-2.0
"""Reads the manifest of the world that `./bazelw` makes (toolchains/world/provision.sh)."""

visibility("//...")

# Where the manifest lies inside a world; nowhere else.
MANIFEST = "/etc/rules_modhash/manifest.tsv"

def _records(rctx, kind):
    manifest = rctx.path(MANIFEST)
    if not manifest.exists:
        return []
    lines = [line.split("\t") for line in rctx.read(manifest).splitlines()]
    return [fields for fields in lines if fields[0] == kind]

def world_archives(rctx, prefix):
    """Finds files that the world keeps as build inputs.

    Args:
      rctx: the repository_ctx.
      prefix: what the archives' names begin with, such as `linux-source-`.

    Returns:
      list of struct(name, version, path, sha256, suite), in the manifest's order; empty outside a world.
    """
    return [
        struct(name = fields[1], version = fields[2], path = fields[3], sha256 = fields[4], suite = fields[5])
        for fields in _records(rctx, "archive")
        if fields[1].startswith(prefix)
    ]

def world_archive(rctx, prefix):
    """Finds a file that the world keeps as a build input.

    Args:
      rctx: the repository_ctx.
      prefix: what the archive's name begins with, such as `linux-modules-`.

    Returns:
      The first one as world_archives returns it, or None where there is none.
    """
    archives = world_archives(rctx, prefix)
    return archives[0] if archives else None

def world_suite(rctx):
    """The Debian suite that the world is made of.

    Args:
      rctx: the repository_ctx.

    Returns:
      string such as `forky`, or None outside a world.
    """
    for fields in _records(rctx, "note"):
        if fields[1] == "suite":
            return fields[2]
    return None
