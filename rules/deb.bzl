# SPDX-License-Identifier: Apache-2.0
"""Packages for Debian and its derivatives. Not in defs.bzl, because this file loads rules_pkg."""

load("//rules/private/rules:kernel_deb.bzl", _kernel_deb = "kernel_deb")

kernel_deb = _kernel_deb
