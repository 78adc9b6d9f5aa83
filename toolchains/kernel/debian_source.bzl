# SPDX-License-Identifier: Apache-2.0
"""The choice among the kernel sources that Debian packages."""

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
      string such as `7.2`, or None if the name has none.
    """
    return linux_series(source.name.removeprefix("linux-source-"))

def choose_source(sources, suite, series, patched):
    """The source of a series, or without a series the newest source with patches. Prefers sources of the suite.

    Args:
      sources: list, as world_archives returns it.
      suite: string, the suite of the world.
      series: string such as `7.2`, or empty.
      patched: list of strings, the series with patches.

    Returns:
      An element of sources, or None if there is no such source.
    """
    accepted = [series] if series else patched
    own = [source for source in sources if source.suite == suite]
    for candidates in [own, sources]:
        found = {source_series(source): source for source in reversed(candidates) if source_series(source) in accepted}
        if found:
            return found[sorted(found, key = linux_series_order)[-1]]
    return None

def source_configurations(configurations, source):
    """The configurations of a source: of its series, its version and its suite.

    Args:
      configurations: list, as world_archives returns it; a name is `linux-config-7.2/cloud-amd64`.
      source: an element of what world_archives returns.

    Returns:
      dict of flavor, such as `cloud-amd64`, to an element of configurations.
    """
    prefix = "linux-config-%s/" % source_series(source)
    return {
        config.name.removeprefix(prefix): config
        for config in configurations
        if config.name.startswith(prefix) and (config.version, config.suite) == (source.version, source.suite)
    }

def release_of(version):
    """The release of a kernel that is built from a Debian source, without a local version suffix.

    Args:
      version: string, the package's version: `7.2.12-1`, or `7.3~rc7-1~exp1`.

    Returns:
      string such as `7.2.12` or `7.3.0-rc7`.
    """
    number, _, candidate = version.partition("-")[0].partition("~")
    if number.count(".") == 1:
        number += ".0"
    return number + ("-" + candidate if candidate else "")
