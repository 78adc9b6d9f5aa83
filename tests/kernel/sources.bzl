# SPDX-License-Identifier: Apache-2.0
"""The `linux_sources` module extension: the kernel sources that Debian offers, for tests of patches and of versions."""

load("//toolchains/kernel:debian_source.bzl", "choose_source", "release_of")
load("//toolchains/kernel/patches:series.bzl", "SERIES")
load("//toolchains/world:manifest.bzl", "world_archives", "world_suite")

visibility("//...")

_BUILD = """\
package(default_visibility = ["//visibility:public"])

exports_files(["sources.tsv"] + {archives})

filegroup(
    name = "archives",
    srcs = {archives},
)
"""

_SOURCES = """\
\"\"\"The source of each series with patches that this world has.\"\"\"

# {{series: {{"archive": label, "version": string}}}}
SOURCES = {sources}
"""

def _file(source):
    return "%s_%s.tar.xz" % (source.name, source.version)

def _chosen(rctx, sources):
    """The source of each series that builds select by the series' name."""
    chosen = {series: choose_source(sources, world_suite(rctx), series, SERIES) for series in SERIES}
    return {
        series: {
            "archive": "@rules_modhash_linux_sources//:" + _file(source),
            "version": release_of(source.version),
        }
        for series, source in chosen.items()
        if source
    }

def _linux_sources_repository_impl(rctx):
    # Archives of earlier worlds differ from machine to machine: they would make the tests depend on it.
    sources = [source for source in world_archives(rctx, "linux-source-") if not source.kept]
    lines = []
    for source in sources:
        # A link, because a copy takes time and space, and a test unpacks each source once.
        rctx.symlink(source.path, _file(source))
        lines.append("\t".join([source.name, source.version, source.suite, _file(source)]) + "\n")
    rctx.file("sources.tsv", "".join(lines), executable = False)
    rctx.file("sources.bzl", _SOURCES.format(sources = repr(_chosen(rctx, sources))), executable = False)
    rctx.file("BUILD.bazel", _BUILD.format(archives = repr([_file(source) for source in sources])), executable = False)

_linux_sources_repository = repository_rule(
    implementation = _linux_sources_repository_impl,
    doc = "Kernel sources as `archives`, `sources.tsv` with name, version, suite and file of each, and `sources.bzl`.",
    environ = ["RULES_MODHASH_WORLD"],
)

def _linux_sources_impl(_module_ctx):
    _linux_sources_repository(name = "rules_modhash_linux_sources")

linux_sources = module_extension(
    doc = "The kernel sources that Debian offered when `./bazelw` made its world, for tests. None outside a world.",
    implementation = _linux_sources_impl,
)
