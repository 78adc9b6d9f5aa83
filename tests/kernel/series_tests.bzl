# SPDX-License-Identifier: Apache-2.0
"""Tests of the selection of patches and sources by Linux version."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts", "unittest")
load("//rules:defs.bzl", "kernel_source", "patch_series")
load("//rules:providers.bzl", "PatchSeriesInfo")
load("//tests/analysis:declare.bzl", "declare")
load("//toolchains/kernel:debian_source.bzl", "choose_source", "release_of", "source_configurations")
load("//toolchains/kernel:versions.bzl", "linux_series", "linux_series_order", "makefile_version")
load("//toolchains/kernel/patches:series.bzl", "SERIES")
load("//toolchains/world:manifest.bzl", "choose_archive")
load(":actions.bzl", "actions_test")
load(":toolchains.bzl", "analysis_failure_test")

visibility("//...")

# The series of each version.
_VERSIONS = {
    "": None,
    "7": None,
    "7.": None,
    "7..2": None,
    "7.1": "7.1",
    "7.1.10": "7.1",
    "7.10": "7.10",
    "7.10.1": "7.10",
    "7.2+dirty": "7.2",
    "7.2.12": "7.2",
    "7.2.12+deb14-amd64": "7.2",
    "7.2.12-1": "7.2",
    "7.2rc1": None,
    "7.3-rc7": "7.3",
    "7.3.0-rc7": "7.3",
    "7.3.4-1~bpo13+1": "7.3",
    "7.3~rc7-1~exp1": "7.3",
    "7.x": None,
    "next-20261030": None,
    "v7.2": None,
}

_RELEASES = {
    "7.10-1": "7.10.0",
    "7.2.12": "7.2.12",
    "7.2.12-1": "7.2.12",
    "7.3.4-1~bpo13+1": "7.3.4",
    "7.3~rc7-1~exp1": "7.3.0-rc7",
}

# The version that each Makefile has.
_MAKEFILES = {
    "# SPDX\nVERSION = 7\nPATCHLEVEL = 2\nSUBLEVEL = 12\nEXTRAVERSION =\nNAME = x\n": "7.2.12",
    "VERSION = 7\n": None,
    "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\nEXTRAVERSION = -rc3\n": "7.3.0-rc3",
    "VERSION=7\nPATCHLEVEL=3\n": "7.3.0",
    "all:\n\techo\n": None,
}

def _versions_test_impl(ctx):
    env = unittest.begin(ctx)
    for version, series in _VERSIONS.items():
        asserts.equals(env, series, linux_series(version), "series of %r" % version)
    for version, release in _RELEASES.items():
        asserts.equals(env, release, release_of(version), "release of %r" % version)
    for text, version in _MAKEFILES.items():
        asserts.equals(env, version, makefile_version(text), "version of %r" % text)
    asserts.equals(env, ["6.12", "7.1", "7.2", "7.10"], sorted(["7.10", "7.2", "6.12", "7.1"], key = linux_series_order))
    for series in SERIES:
        asserts.equals(env, series, linux_series(series), "a line of toolchains/kernel/patches/series.bzl")
    return unittest.end(env)

_versions_test = unittest.make(_versions_test_impl)

def _source(version, suite, kept = ""):
    return struct(name = "linux-source-" + linux_series(version), kept = kept == "kept", suite = suite, version = version)

# Sources in a world of forky, the requested series or version, and the version and suite of the selected source.
_CHOICES = [
    # The source of the suite takes precedence, even if it is older.
    (["7.2.13-1 sid", "7.2.12-1 forky", "7.3.4-1 backports"], "", "7.2.12-1 forky"),
    (["7.2.13-1 sid", "7.2.12-1 forky", "7.3.4-1 backports"], "7.2", "7.2.12-1 forky"),
    (["7.2.13-1 sid", "7.2.12-1 forky", "7.3.4-1 backports"], "7.3", "7.3.4-1 backports"),
    # The suite has the next series, with patches and without.
    (["7.2.12-1 forky", "7.3.4-1 forky"], "", "7.3.4-1 forky"),
    (["7.10.1-1 forky", "7.2.12-1 forky"], "", "7.2.12-1 forky"),
    (["7.10.1-1 forky", "7.3.4-1 backports"], "", "7.3.4-1 backports"),
    (["7.10.1-1 forky", "7.3.4-1 backports"], "7.10", "7.10.1-1 forky"),
    # A version, of the package or without Debian's revision.
    (["7.2.13-1 sid", "7.2.12-1 forky"], "7.2.13", "7.2.13-1 sid"),
    (["7.2.13-1 sid", "7.2.12-1 forky", "7.2.12-1~bpo13+1 backports"], "7.2.12", "7.2.12-1 forky"),
    (["7.2.13-1 sid", "7.2.12-1 forky", "7.2.12-1~bpo13+1 backports"], "7.2.12-1~bpo13+1", "7.2.12-1~bpo13+1 backports"),
    # Sources of earlier worlds change no choice among the others.
    (["7.2.13-1 forky", "7.2.12-1 forky kept", "7.2.11-1 forky kept"], "7.2.11", "7.2.11-1 forky"),
    (["7.2.13-1 forky", "7.2.12-1 forky kept", "7.2.11-1 forky kept"], "7.2", "7.2.13-1 forky"),
    (["7.2.13-1 sid", "7.2.12-1 forky kept"], "7.2", "7.2.13-1 sid"),
    (["7.2.12-1 forky", "7.3.4-1 forky kept"], "", "7.2.12-1 forky"),
    (["7.10.1-1 forky", "7.2.12-1 forky kept", "7.2.11-1 forky kept"], "7.2", "7.2.12-1 forky"),
    (["7.10.1-1 forky", "7.3.4-1 sid kept", "7.2.12-1 forky kept"], "", "7.3.4-1 sid"),
    # No source matches.
    (["7.2.13-1 forky"], "7.2.12", None),
    (["7.10.1-1 forky"], "", None),
    (["7.10.1-1 forky"], "7.1", None),
    ([], "", None),
]

def _choices_test_impl(ctx):
    env = unittest.begin(ctx)
    for kept, series, want in _CHOICES:
        sources = [_source(*words.split(" ")) for words in kept]
        got = choose_source(sources, "forky", series, ["7.2", "7.3"])
        asserts.equals(env, want, "%s %s" % (got.version, got.suite) if got else None, "of %s for %r" % (kept, series))
    return unittest.end(env)

_choices_test = unittest.make(_choices_test_impl)

def _archives_test_impl(ctx):
    """Archives of earlier worlds are selected by their digest only."""
    env = unittest.begin(ctx)
    earlier, today = struct(kept = True, sha256 = "e"), struct(kept = False, sha256 = "f")
    for archives, sha256, want in [
        ([earlier, today], "", today),
        ([today, earlier], "e", earlier),
        ([today, earlier], "0", today),
        ([earlier], "", earlier),
        ([], "", None),
    ]:
        asserts.equals(env, want, choose_archive(archives, sha256), "of %s for %r" % (archives, sha256))
    return unittest.end(env)

_archives_test = unittest.make(_archives_test_impl)

def _configurations_test_impl(ctx):
    """A source has the configurations of its series, version and suite: another version may have other options."""
    env = unittest.begin(ctx)
    kept = [
        struct(name = "linux-config-7.2/amd64", version = "7.2.13-1", suite = "sid"),
        struct(name = "linux-config-7.2/cloud-amd64", version = "7.2.12-1", suite = "forky"),
        struct(name = "linux-config-7.2/rt-amd64", version = "7.2.12-1", suite = "stable"),
        struct(name = "linux-config-7.20/amd64", version = "7.2.12-1", suite = "forky"),
    ]
    got = source_configurations(kept, _source("7.2.12-1", "forky"))
    asserts.equals(env, {"cloud-amd64": kept[1]}, got)
    asserts.equals(env, {}, source_configurations(kept, _source("7.3.4-1", "forky")))
    return unittest.end(env)

_configurations_test = unittest.make(_configurations_test_impl)

def _series_info_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    got = {series: [file.basename for file in files] for series, files in target[PatchSeriesInfo].series.items()}
    asserts.equals(env, {"7.1": ["one.patch"], "7.10": ["b.patch", "a.patch"]}, got)
    asserts.equals(env, ["one.patch", "b.patch", "a.patch"], [file.basename for file in target[DefaultInfo].files.to_list()])
    return analysistest.end(env)

_series_info_test = analysistest.make(_series_info_test_impl)

def _chosen_patches_tests(name):
    """A source for each version: its action gets the patches for that version, and those for all versions."""
    ten = ["b.patch", "a.patch"]
    cases = {
        "7.1": ["one.patch"],
        "7.1.12-1": ["one.patch"],
        "7.10.1": ten,
        "7.10~rc7-1~exp1": ten,
    }
    for version, patches in cases.items():
        target = "%s_of_%s" % (name, version)
        kernel_source(
            name = target,
            archive = "fixtures_archive",
            patches = ["fixtures_patches", name + "_series"],
            tags = ["manual"],
            version = version,
        )
        chosen = ["fixtures/b.patch", "fixtures/a.patch"] + ["%s/%s" % (name, patch) for patch in patches]
        actions_test(
            name = target + "_test",
            arguments = {
                "ModhashKernelSource tests/kernel/%s.tar.zst" % target: [
                    "source",
                    "--jobs=1",
                    "--label=//tests/kernel:" + target,
                    "--tree=tests/kernel/%s.unpacked.tar.zst" % target,
                    "--tree-kconfig=tests/kernel/%s.unpacked.kconfig.tar.zst" % target,
                ] + ["--patch=tests/kernel/" + patch for patch in chosen] + [
                    "--out=tests/kernel/%s.tar.zst" % target,
                    "--kconfig=tests/kernel/%s.kconfig.tar.zst" % target,
                ],
                "ModhashKernelUnpack tests/kernel/%s.unpacked.tar.zst" % target: [
                    "source",
                    "--jobs=1",
                    "--label=//tests/kernel:" + target,
                    "--archive=tests/kernel/fixtures/linux.tar.xz",
                    "--out=tests/kernel/%s.unpacked.tar.zst" % target,
                    "--kconfig=tests/kernel/%s.unpacked.kconfig.tar.zst" % target,
                ],
            },
            target_under_test = target,
        )

def _failure_tests(name):
    series = "//tests/kernel:%s_series" % name
    versions = {
        "": "none",
        "7.2.12": "\"7.2.12\"",
        "7.11": "\"7.11\"",
        "linux": "\"linux\"",
    }
    for version, got in versions.items():
        analysis_failure_test(
            name = "%s_version_%s" % (name, version or "none"),
            archive = "fixtures_archive",
            attribute = "version",
            error = [
                "%s, want one that %s has patches for: 7.1, 7.10. Next: use a source of one of these, or write a series" % (got, series),
            ],
            patches = [name + "_series"],
            rule = kernel_source,
            version = version,
        )
    for bad in ["7", "7.2.12", "7.2-rc1", "v7.2", ""]:
        analysis_failure_test(
            name = "%s_series_%s" % (name, bad),
            attribute = "series",
            error = ["%r, want the first two numbers of a Linux version, such as 7.2" % bad],
            rule = patch_series,
            series = {name + "_one": bad},
        )
    analysis_failure_test(
        name = name + "_twice",
        attribute = "series",
        error = ["two targets for Linux 7.1, want one. Next: combine their patches in one filegroup, in order"],
        rule = patch_series,
        series = {name + "_one": "7.1", name + "_ten": "7.1"},
    )

def series_tests(name):
    """Tests of patch_series, of kernel_source with a patch_series, and of the selection of Debian's sources.

    Args:
      name: string, what the tests' names begin with.
    """
    _versions_test(name = name + "_versions_test")
    _choices_test(name = name + "_choices_test")
    _archives_test(name = name + "_archives_test")
    _configurations_test(name = name + "_configurations_test")
    declare(name = name + "_one", files = [name + "/one.patch"])
    declare(name = name + "_ten", files = [name + "/b.patch", name + "/a.patch"])
    patch_series(
        name = name + "_series",
        series = {name + "_one": "7.1", name + "_ten": "7.10"},
        tags = ["manual"],
    )
    _series_info_test(name = name + "_info_test", target_under_test = name + "_series")
    _chosen_patches_tests(name)
    _failure_tests(name)
