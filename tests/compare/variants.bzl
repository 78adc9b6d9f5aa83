# SPDX-License-Identifier: Apache-2.0
"""A module, and variants of it."""

load("@bazel_skylib//rules:expand_template.bzl", "expand_template")
load("//rules:defs.bzl", "kernel_module")

visibility("//...")

_BASE = {
    "BUILT": "Nov 24 2026 10:00:00",
    "PLACE": "/usr/src/linux/drivers/note.c",
    "VERSION": "1",
    "define": "NUMBER=41",
    "kernel": "//examples/kernel:kernel",
    "strip": "debug",
}

def _variant(name, values, tags = []):
    expand_template(
        name = name + "_source",
        out = name + "/note.c",
        tags = tags,
        substitutions = {"@%s@" % key: value for key, value in values.items() if key.isupper()},
        template = "note.c.in",
    )
    kernel_module(
        name = name,
        srcs = [name + "/note.c"],
        copts = ["-D" + values["define"]],
        kernel = values["kernel"],
        module_name = "note",
        strip = values["strip"],
        tags = tags,
    )

def base(name):
    """Declares the module that variants differ from.

    Args:
      name: string.
    """
    _variant(name, _BASE)

def variants(tags = [], **kwargs):
    """Declares a variant of the module `base` for each further argument.

    Args:
      tags: list of strings, of the variants.
      **kwargs: the name of each variant, and a dict of the values that differ.

    Returns:
      list of strings, the names.
    """
    for name, difference in kwargs.items():
        _variant(name, _BASE | difference, tags)
    return sorted(kwargs)
