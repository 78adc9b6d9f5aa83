# SPDX-License-Identifier: Apache-2.0
"""Reads the manifest of the world that `./bazelw` makes (toolchains/world/provision.sh)."""

# Where the manifest lies inside a world; nowhere else.
MANIFEST = "/etc/rules_modhash/manifest.tsv"

def world_archive(rctx, prefix):
    """Finds a file that the world keeps as a build input.

    Args:
      rctx: the repository_ctx.
      prefix: what the archive's name begins with, such as `linux-modules-`.

    Returns:
      struct(name, version, path, sha256), or None outside a world or where it has no such archive.
    """
    manifest = rctx.path(MANIFEST)
    if not manifest.exists:
        return None
    for line in rctx.read(manifest).splitlines():
        fields = line.split("\t")
        if fields[0] == "archive" and fields[1].startswith(prefix):
            return struct(name = fields[1], version = fields[2], path = fields[3], sha256 = fields[4])
    return None
