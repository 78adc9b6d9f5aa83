# SPDX-License-Identifier: Apache-2.0
"""Packages for Debian and its relatives. Apart from defs.bzl, because it loads rules_pkg."""

load("//rules/private/rules:kernel_deb.bzl", _kernel_deb = "kernel_deb")

kernel_deb = _kernel_deb
