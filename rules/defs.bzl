# SPDX-License-Identifier: Apache-2.0
"""Rules of rules_modhash: Merkle trees over Linux kernel modules.

Definitions outside this file and `providers.bzl` are private and may change at any time.
"""

load("//rules/private:initramfs.bzl", _initramfs = "initramfs")
load("//rules/private:kernel_boot_test.bzl", _kernel_boot = "kernel_boot", _kernel_boot_test = "kernel_boot_test")
load("//rules/private:kernel_module_import.bzl", _kernel_module_import = "kernel_module_import")
load("//rules/private:kernel_modules_import.bzl", _kernel_modules_import = "kernel_modules_import")
load("//rules/private:load_attempt.bzl", _load_attempt = "load_attempt")
load("//rules/private:module_tree.bzl", _module_tree = "module_tree")
load("//rules/private:module_verify_test.bzl", _module_verify_test = "module_verify_test")

initramfs = _initramfs
kernel_boot = _kernel_boot
kernel_boot_test = _kernel_boot_test
kernel_module_import = _kernel_module_import
kernel_modules_import = _kernel_modules_import
load_attempt = _load_attempt
module_tree = _module_tree
module_verify_test = _module_verify_test
