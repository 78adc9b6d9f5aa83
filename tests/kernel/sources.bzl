# SPDX-License-Identifier: Apache-2.0
"""The `linux_sources` module extension: the kernel sources that Debian offers, for tests of patches."""

load("//toolchains/world:manifest.bzl", "world_archives")

visibility("//...")

_BUILD = """\
package(default_visibility = ["//visibility:public"])

exports_files(["sources.tsv"])

filegroup(
    name = "archives",
    srcs = {archives},
)
"""

def _linux_sources_repository_impl(rctx):
    lines = []
    archives = []
    for archive in world_archives(rctx, "linux-source-"):
        # Archives of earlier worlds differ from machine to machine: they would make the test depend on it.
        if archive.kept:
            continue

        # A link, because a copy takes time and space, and a test unpacks each source once.
        file = "%s_%s.tar.xz" % (archive.name, archive.version)
        rctx.symlink(archive.path, file)
        archives.append(file)
        lines.append("\t".join([archive.name, archive.version, archive.suite, file]) + "\n")
    rctx.file("sources.tsv", "".join(lines), executable = False)
    rctx.file("BUILD.bazel", _BUILD.format(archives = repr(archives)), executable = False)

_linux_sources_repository = repository_rule(
    implementation = _linux_sources_repository_impl,
    doc = "Kernel sources as `archives`, and `sources.tsv` with name, version, suite and file of each.",
    environ = ["RULES_MODHASH_WORLD"],
)

def _linux_sources_impl(_module_ctx):
    _linux_sources_repository(name = "rules_modhash_linux_sources")

linux_sources = module_extension(
    doc = "The kernel sources that Debian offered when `./bazelw` made its world, for tests of patches. None outside a world.",
    implementation = _linux_sources_impl,
)
