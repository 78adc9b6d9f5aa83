# SPDX-License-Identifier: Apache-2.0
"""Module extensions that bring in what Debian packages. Only re-exports: the code is in private/."""

load("//toolchains/debian/private:debian.bzl", _debian = "debian")

debian = _debian
