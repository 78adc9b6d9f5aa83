# SPDX-License-Identifier: Apache-2.0
"""Module extension for a modhash that was built before. Only re-exports: the code is in private/."""

load("//toolchains/modhash/private:prebuilt.bzl", _modhash = "modhash")

modhash = _modhash
