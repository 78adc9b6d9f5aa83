# SPDX-License-Identifier: Apache-2.0
"""The `linux` module extension: kernel source."""

load("//toolchains/kernel:debian_source.bzl", "choose_source", "release_of", "source_configurations")
load("//toolchains/kernel/patches:series.bzl", "SERIES")
load("//toolchains/world:manifest.bzl", "world_archives", "world_suite")
load(":local_source.bzl", "local_source")

visibility("//toolchains/kernel/...")

# Selects Debian's source if no tag does: `--repo_env=RULES_MODHASH_LINUX=7.3`, or `=7.2.12`.
_SERIES_VARIABLE = "RULES_MODHASH_LINUX"

# Debian's kernel images: a configuration of another name is a target only if the package has it.
_FLAVORS = [
    "amd64",
    "cloud-amd64",
    "rt-amd64",
]

_BUILD = """\
load("@rules_modhash//rules:defs.bzl", "kernel_source")
load("@rules_modhash//toolchains/kernel:absent_config.bzl", "absent_config")

package(default_visibility = ["//visibility:public"])

exports_files({files})

[
    absent_config(
        name = name,
        message = {absent},
        tags = ["manual"],
    )
    for name in {absent_names}
]

alias(
    name = "archive",
    actual = {archive},
)

kernel_source(
    name = "source",
    archive = {archive},
    patches = {patches},
    version = "{version}",
)
"""

def _apparent_name(rctx):
    return rctx.name.replace("+", "~").rpartition("~")[2]

def _debian_source(rctx):
    """Selects one of the sources in the world."""
    sources = world_archives(rctx, "linux-source-")
    if not sources:
        fail("linux.source(name = %r): got neither urls nor archive, and no ./bazelw world with a source. " % _apparent_name(rctx) +
             "Next: build with ./bazelw (BAZELW=world), or set version, urls and sha256, or archive")
    wanted = rctx.attr.version or rctx.attr.series or rctx.os.environ.get(_SERIES_VARIABLE, "")
    pinned = [source for source in sources if source.sha256 == rctx.attr.sha256]
    source = choose_source(pinned or sources, world_suite(rctx), wanted, SERIES)
    if not source:
        fail("linux.source(name = %r): got no source of Linux %s in the world, want one of %s. Next: select one by series, version or --repo_env=%s, or set version, urls and sha256" % (
            _apparent_name(rctx),
            wanted or " or ".join(SERIES),
            ", ".join(["%s %s (%s)" % (source.name, source.version, source.suite) for source in sources]),
            _SERIES_VARIABLE,
        ))
    return source

def _configurations(rctx, source):
    """Copies the configurations of a source from the world. Returns the names of the files."""
    names = []
    for flavor, archive in source_configurations(world_archives(rctx, "linux-config-"), source).items():
        name = "config_" + flavor
        rctx.download(url = ["file://" + archive.path], output = name, sha256 = archive.sha256)
        names.append(name)
    return names

def _debian_archive(rctx):
    """Copies a source and its configurations from the world. Returns struct(label, version, configurations, absent)."""
    archive = _debian_source(rctx)
    if rctx.attr.sha256 and rctx.attr.sha256 != archive.sha256:
        fail("linux.source(name = %r): got %s with SHA-256 %s from the world, want %s" %
             (_apparent_name(rctx), archive.name, archive.sha256, rctx.attr.sha256))
    rctx.download(url = ["file://" + archive.path], output = "linux.tar.xz", sha256 = archive.sha256)
    return struct(
        absent = "no configurations of %s %s in the world" % (archive.name, archive.version),
        configurations = _configurations(rctx, archive),
        label = "linux.tar.xz",
        version = release_of(archive.version),
    )

def _download(rctx):
    """Downloads an archive. Returns struct(label, version, configurations, absent)."""
    if not rctx.attr.sha256:
        fail("linux.source(name = %r): got urls without sha256. " % _apparent_name(rctx) +
             "Next: add the archive's SHA-256 digest, so that the build stays the same")
    name = "linux.tar." + rctx.attr.urls[0].rpartition(".")[2]
    rctx.download(url = rctx.attr.urls, output = name, sha256 = rctx.attr.sha256)
    return struct(absent = "a source by urls", configurations = [], label = name, version = rctx.attr.version)

def _check_sources(rctx):
    """Checks that the attributes name one source."""
    sources = [name for name in ["urls", "archive", "path"] if getattr(rctx.attr, name)]
    if len(sources) > 1:
        fail("linux.source(name = %r): got both %s and %s, want one of them" % (_apparent_name(rctx), sources[0], sources[1]))
    if rctx.attr.series and sources:
        fail("linux.source(name = %r): got series with urls, archive or path, want series only for Debian's source. " % _apparent_name(rctx) +
             "Next: remove series, and set version, which selects the patches")
    if rctx.attr.sha256 and rctx.attr.path:
        fail("linux.source(name = %r): got sha256 with path, want sha256 only for an archive" % _apparent_name(rctx))

def _archived_source(rctx):
    """Writes a repository whose `:source` is an archive. Returns the version."""
    if rctx.attr.archive:
        source = struct(
            absent = "a source by archive",
            configurations = [],
            label = str(rctx.attr.archive),
            version = rctx.attr.version,
        )
    elif rctx.attr.urls:
        source = _download(rctx)
    else:
        source = _debian_archive(rctx)
    version = source.version
    rctx.file("BUILD.bazel", _BUILD.format(
        absent = repr("linux.source(name = %r): got %s, want a source of Debian, whose package linux-config has this file. " %
                      (_apparent_name(rctx), source.absent) +
                      "Next: set base_file to a file of your own, or remove urls and archive and build with ./bazelw"),
        absent_names = ["config_" + flavor for flavor in _FLAVORS if "config_" + flavor not in source.configurations],
        archive = repr(source.label),
        files = ["version.bzl"] + source.configurations,
        patches = [str(label) for label in rctx.attr.patches],
        version = version,
    ), executable = False)
    return version

def _linux_repository_impl(rctx):
    _check_sources(rctx)
    if rctx.attr.path:
        version = local_source(
            rctx,
            lambda message: fail("linux.source(name = %r): %s" % (_apparent_name(rctx), message)),
        )
    else:
        version = _archived_source(rctx)
    rctx.file("version.bzl", '"""What this source is."""\n\nVERSION = %r\n' % version, executable = False)

_ATTRIBUTES = {
    "archive": attr.label(doc = "A local source archive: tar, compressed by xz, gzip or zstd. Not with `urls` or `path`."),
    "patches": attr.label_list(doc = "Patches to apply with `patch -p1`, in order. A patch that does not apply exactly is an error. A `patch_series` provides those for `version`."),
    "path": attr.string(doc = """\
The directory of an unpacked Linux tree that you edit: absolute, or relative to the directory of `MODULE.bazel` of the main
repository. Not with `urls` or `archive`. Builds see changed files without any command; a changed mode alone, only with
`bazel fetch --force`. `.git`, and backups and locks of editors, are left out. `make` must not have run in the
directory: build with `make O=DIRECTORY`. The repository has no target `archive`."""),
    "series": attr.string(doc = """\
The series of Debian's source, such as `7.3`, if there are no `urls`, `archive` or `path`. Default: the value of
`--repo_env=RULES_MODHASH_LINUX=7.3`, or else the newest series of the world's Debian suite that this repository
has patches for."""),
    "sha256": attr.string(doc = "SHA-256 digest of the archive, 64 hex digits. Mandatory with `urls`. Without `urls` and `archive`, it selects a source in the world."),
    "urls": attr.string_list(doc = """\
URLs of the archive. Without `urls`, `archive` and `path`: the `linux-source` package of Debian that
`./bazelw` pinned when it created its world."""),
    "version": attr.string(doc = """\
The version, such as `7.2.12`: it selects patches of a `patch_series`. For Debian's source it also selects the source, and
can be the version of the package, such as `7.2.12-1`: the world has the newest versions, and those that earlier worlds of
this machine had. Default: that of Debian's package, or of the `Makefile` in `path`."""),
}

_linux_repository = repository_rule(
    implementation = _linux_repository_impl,
    doc = "A kernel_source target `source`. See `linux.source`.",
    attrs = _ATTRIBUTES,
    environ = [
        "RULES_MODHASH_WORLD",
        _SERIES_VARIABLE,
    ],
)

_source = tag_class(
    doc = """Linux source, as a `kernel_source` target `@NAME//:source`; `@NAME//:archive` is the original
archive, `@NAME//:version.bzl` has the `VERSION`.

Debian's source also has the configurations of Debian's kernels, of the same version, as files: `@NAME//:config_amd64`,
`@NAME//:config_cloud-amd64`, and `@NAME//:config_rt-amd64`, each for the attribute `base_file` of `kernel_config`. The
names are those of the package `linux-config-7.2`, without `config.amd64_none_` and the compression. A source by `urls` or
`archive` has none: such a target is an error.

```starlark
linux = use_extension("@rules_modhash//toolchains/kernel:extensions.bzl", "linux")
linux.source(
    name = "linux",
    patches = ["@rules_modhash//toolchains/kernel/patches:module_hashes"],
    sha256 = "...",  # 64 hex digits
    urls = ["https://mirror.example.org/linux-7.2.12.tar.xz"],
    version = "7.2.12",
)
use_repo(linux, "linux")
```

With `path`, the source is a directory that you edit:

```starlark
linux = use_extension("@rules_modhash//toolchains/kernel:extensions.bzl", "linux")
linux.source(
    name = "linux",
    patches = ["@rules_modhash//toolchains/kernel/patches:module_hashes"],
    path = "../linux",
)
use_repo(linux, "linux")
```
""",
    attrs = _ATTRIBUTES | {"name": attr.string(mandatory = True, doc = "Name of the repository.")},
)

def _linux_impl(module_ctx):
    for module in module_ctx.modules:
        for tag in module.tags.source:
            _linux_repository(
                name = tag.name,
                archive = tag.archive,
                patches = tag.patches,
                path = tag.path,
                series = tag.series,
                sha256 = tag.sha256,
                urls = tag.urls,
                version = tag.version,
            )

linux = module_extension(
    doc = "Provides Linux source: from URLs, from a local archive, from a local directory, or from Debian.",
    implementation = _linux_impl,
    tag_classes = {"source": _source},
)
