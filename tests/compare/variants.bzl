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

def base():
    """Declares the module that variants differ from.

    Returns:
      Its name.
    """
    _variant("base", _BASE)
    return "base"

def variants(tags = [], **kwargs):
    """Declares a variant of the module `base` for each further argument.

    Args:
      tags: list of strings, of the variants.
      **kwargs: what differs, by the variant's name.

    Returns:
      Their names.
    """
    for name, difference in kwargs.items():
        _variant(name, _BASE | difference, tags)
    return sorted(kwargs)
