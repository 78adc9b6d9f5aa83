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

def _matches(source, wanted, patched):
    if not wanted:
        return source_series(source) in patched
    return wanted in [source_series(source), release_of(source.version), source.version]

def choose_source(sources, suite, wanted, patched):
    """Selects a source: of a series, of a version, or by default the newest one with patches.

    Sources of the suite take precedence over those of other suites, and sources that the Debian archive offered when the
    world was made over those that the store kept from earlier worlds. Therefore the store changes no choice that is possible
    without it.

    Args:
      sources: list, as world_archives returns it.
      suite: string, the suite of the world.
      wanted: string, a series such as `7.2`, a release such as `7.2.12`, a version of the package such as `7.2.12-1`, or empty.
      patched: list of strings, the series with patches.

    Returns:
      An element of sources, or None if there is no such source.
    """
    matching = [source for source in sources if _matches(source, wanted, patched)]
    offered = [source for source in matching if not source.kept]
    for candidates in [[source for source in offered if source.suite == suite], offered, matching]:
        found = {source_series(source): source for source in reversed(candidates)}
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
