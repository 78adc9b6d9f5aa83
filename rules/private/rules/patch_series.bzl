# SPDX-License-Identifier: Apache-2.0
"""patch_series: kernel patches for several Linux versions."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private/providers:patch_series_info.bzl", "PatchSeriesInfo")
load("//toolchains/kernel:versions.bzl", "linux_series")

visibility("//...")

_DOC = """\
Patches for several Linux versions, with one label: `kernel_source` applies those for its `version`.

```starlark
load("@rules_modhash//rules:defs.bzl", "patch_series")

filegroup(
    name = "for_7.2",
    srcs = glob(["7.2/*.patch"]),
)

filegroup(
    name = "for_7.3",
    srcs = glob(["7.3/*.patch"]),
)

patch_series(
    name = "board_support",
    series = {
        ":for_7.2": "7.2",
        ":for_7.3": "7.3",
    },
)
```

**Outputs.** `PatchSeriesInfo`; the default outputs are the patches of all series.

**Failures.** A version that is not two numbers, and two targets for the same version, are analysis errors.
"""

def _check_series(ctx, by_series, series):
    if linux_series(series) != series:
        fail_attribute(ctx.label, "series", repr(series), "the first two numbers of a Linux version, such as 7.2")
    if series in by_series:
        fail_attribute(ctx.label, "series", "two targets for Linux %s" % series, "one. Next: combine their patches in one filegroup, in order")

def _patch_series_impl(ctx):
    by_series = {}
    for target, series in ctx.attr.series.items():
        _check_series(ctx, by_series, series)
        by_series[series] = target[DefaultInfo].files.to_list()
    return [
        DefaultInfo(files = depset(ctx.files.series)),
        PatchSeriesInfo(series = by_series),
    ]

patch_series = rule(
    implementation = _patch_series_impl,
    doc = _DOC,
    attrs = {
        "series": attr.label_keyed_string_dict(
            doc = """\
Targets with patches to apply in order, and the first two numbers of their Linux versions:
`{":for_7.2": "7.2"}`.""",
            allow_empty = False,
            allow_files = True,
            mandatory = True,
        ),
    },
    provides = [PatchSeriesInfo],
)

def choose_patches(label, patches, version):
    """The patches for one kernel source.

    Args:
      label: Label of the target with the attributes `patches` and `version`: named in errors.
      patches: list of Target, with files or with a PatchSeriesInfo.
      version: string, the source's version, or empty.

    Returns:
      list of File, in order.
    """
    chosen = []
    for target in patches:
        if PatchSeriesInfo in target:
            chosen += _of_version(label, target, version)
        else:
            chosen += target[DefaultInfo].files.to_list()
    return chosen

def _of_version(label, target, version):
    by_series = target[PatchSeriesInfo].series
    series = linux_series(version)
    if series in by_series:
        return by_series[series]
    return fail_attribute(
        label,
        "version",
        repr(version) if version else "none",
        "one that %s has patches for: %s. " % (label_text(target.label), ", ".join(sorted(by_series))) +
        "Next: use a source of one of these, or write a series for this one, as toolchains/kernel/patches/README.md describes",
    )
