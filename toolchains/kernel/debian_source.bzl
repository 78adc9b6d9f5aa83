# SPDX-License-Identifier: Apache-2.0
"""Which of the kernel sources that Debian offers is taken."""

load("//toolchains/kernel:versions.bzl", "linux_series", "linux_series_order")

visibility([
    "//tests/kernel/...",
    "//toolchains/kernel/...",
])

def source_series(source):
    """The series of a source.

    Args:
      source: as world_archives returns it; its name is `linux-source-7.2`.

    Returns:
      string such as `7.2`, or None where the name has none.
    """
    return linux_series(source.name.removeprefix("linux-source-"))

def choose_source(sources, suite, series, patched):
    """The source of a series, or without one the newest that there are patches for. The suite's own goes first.

    Args:
      sources: list, as world_archives returns it.
      suite: string, the suite that the world is made of.
      series: string such as `7.2`, or empty.
      patched: list of strings, the series that there are patches for.

    Returns:
      An element of sources, or None where there is no such source.
    """
    wanted = [series] if series else patched
    own = [source for source in sources if source.suite == suite]
    for candidates in [own, sources]:
        found = {source_series(source): source for source in reversed(candidates) if source_series(source) in wanted}
        if found:
            return found[sorted(found, key = linux_series_order)[-1]]
    return None

def release_of(version):
    """The release that a kernel built of a Debian source has, without a suffix of its own.

    Args:
      version: string, the package's version: `7.2.12-1`, or `7.3~rc7-1~exp1`.

    Returns:
      string such as `7.2.12` or `7.3.0-rc7`.
    """
    number, _, candidate = version.partition("-")[0].partition("~")
    if number.count(".") == 1:
        number += ".0"
    return number + ("-" + candidate if candidate else "")
