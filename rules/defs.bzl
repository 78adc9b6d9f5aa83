# SPDX-License-Identifier: Apache-2.0
"""Rules of rules_modhash: Merkle trees over Linux kernel modules.

Definitions outside this file and `providers.bzl` are private and may change at any time.
"""

load("//rules/private/rules:boot_volume.bzl", _boot_volume = "boot_volume")
load("//rules/private/rules:hashed_kernel.bzl", _hashed_kernel = "hashed_kernel")
load("//rules/private/rules:initramfs.bzl", _initramfs = "initramfs")
load("//rules/private/rules:ipe_policy.bzl", _ipe_policy = "ipe_policy")
load("//rules/private/rules:kernel_boot_test.bzl", _kernel_boot = "kernel_boot", _kernel_boot_test = "kernel_boot_test")
load("//rules/private/rules:kernel_build.bzl", _kernel_build = "kernel_build")
load("//rules/private/rules:kernel_config.bzl", _kernel_config = "kernel_config")
load("//rules/private/rules:kernel_config_test.bzl", _kernel_config_test = "kernel_config_test")
load("//rules/private/rules:kernel_module.bzl", _kernel_module = "kernel_module")
load("//rules/private/rules:kernel_module_import.bzl", _kernel_module_import = "kernel_module_import")
load("//rules/private/rules:kernel_modules_import.bzl", _kernel_modules_import = "kernel_modules_import")
load("//rules/private/rules:kernel_modules_list.bzl", _kernel_modules_list = "kernel_modules_list")
load("//rules/private/rules:kernel_source.bzl", _kernel_source = "kernel_source")
load("//rules/private/rules:load_attempt.bzl", _load_attempt = "load_attempt")
load("//rules/private/rules:module_attestation.bzl", _module_attestation = "module_attestation")
load("//rules/private/rules:module_image.bzl", _module_image = "module_image")
load("//rules/private/rules:module_report.bzl", _module_report = "module_report")
load("//rules/private/rules:module_tree.bzl", _module_tree = "module_tree")
load("//rules/private/rules:module_verify_test.bzl", _module_verify_test = "module_verify_test")
load("//rules/private/rules:modules_install.bzl", _modules_install = "modules_install")
load("//rules/private/rules:patch_series.bzl", _patch_series = "patch_series")
load("//rules/private/rules:vmlinux.bzl", _vmlinux = "vmlinux")

boot_volume = _boot_volume
hashed_kernel = _hashed_kernel
initramfs = _initramfs
ipe_policy = _ipe_policy
kernel_boot = _kernel_boot
kernel_boot_test = _kernel_boot_test
kernel_build = _kernel_build
kernel_config = _kernel_config
kernel_config_test = _kernel_config_test
kernel_module = _kernel_module
kernel_module_import = _kernel_module_import
kernel_modules_import = _kernel_modules_import
kernel_modules_list = _kernel_modules_list
kernel_source = _kernel_source
load_attempt = _load_attempt
module_attestation = _module_attestation
module_image = _module_image
module_report = _module_report
module_tree = _module_tree
module_verify_test = _module_verify_test
modules_install = _modules_install
patch_series = _patch_series
vmlinux = _vmlinux
