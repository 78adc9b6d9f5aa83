# SPDX-License-Identifier: Apache-2.0
"""Module extensions for Debian packages. Re-exports only: the code is in private/."""

load("//toolchains/debian/private:debian.bzl", _debian = "debian")

debian = _debian
