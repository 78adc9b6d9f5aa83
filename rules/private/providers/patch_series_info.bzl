# SPDX-License-Identifier: Apache-2.0
"""PatchSeriesInfo: patches for several series of Linux versions."""

visibility("//...")

DOC = "Patches for the kernel, for each series of Linux versions."

FIELDS = {
    "series": "dict of string to list of File: a series such as `7.2`, and its patches in the order to apply.",
}

PatchSeriesInfo = provider(doc = DOC, fields = FIELDS)
