# SPDX-License-Identifier: Apache-2.0
"""Providers of rules_modhash, for those who write rules that make or use kernel modules.

Everything else under `rules/private` may change at any time.
"""

load("//rules/private/providers:boot_toolchain_info.bzl", _BootToolchainInfo = "BootToolchainInfo")
load(
    "//rules/private/providers:kernel_module_directory_info.bzl",
    _KernelModuleDirectoryInfo = "KernelModuleDirectoryInfo",
)
load("//rules/private/providers:kernel_module_info.bzl", _KernelModuleInfo = "KernelModuleInfo")
load("//rules/private/providers:kernel_modules_info.bzl", _KernelModulesInfo = "KernelModulesInfo")
load("//rules/private/providers:modhash_toolchain_info.bzl", _ModhashToolchainInfo = "ModhashToolchainInfo")
load("//rules/private/providers:module_tree_info.bzl", _ModuleTreeInfo = "ModuleTreeInfo")

BootToolchainInfo = _BootToolchainInfo
KernelModuleDirectoryInfo = _KernelModuleDirectoryInfo
KernelModuleInfo = _KernelModuleInfo
KernelModulesInfo = _KernelModulesInfo
ModhashToolchainInfo = _ModhashToolchainInfo
ModuleTreeInfo = _ModuleTreeInfo
