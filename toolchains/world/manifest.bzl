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
      list of struct(name, version, path, sha256, suite, kept), in the manifest's order; empty outside a world. kept: an earlier
      world had the archive, and the store of `./bazelw` kept it for this one.
    """
    return [
        struct(
            name = fields[1],
            kept = fields[7:] == ["kept"],
            path = fields[3],
            sha256 = fields[4],
            suite = fields[5],
            version = fields[2],
        )
        for fields in _records(rctx, "archive")
        if fields[1].startswith(prefix)
    ]

def choose_archive(archives, sha256):
    """Selects one of several archives.

    Args:
      archives: list, as world_archives returns it.
      sha256: string, the requested digest, or empty.

    Returns:
      The archive with this digest. If there is none: the first one that the Debian archive offered when the world was made,
      or else the first one. None if archives is empty.
    """
    for candidates in [
        [archive for archive in archives if archive.sha256 == sha256],
        [archive for archive in archives if not archive.kept],
        archives,
    ]:
        if candidates:
            return candidates[0]
    return None

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
