# SPDX-License-Identifier: Apache-2.0
"""Providers of rules_modhash, for authors of rules that build or use kernel modules.

Everything else under `rules/private` may change at any time.
"""

load("//rules/private/providers:boot_toolchain_info.bzl", _BootToolchainInfo = "BootToolchainInfo")
load("//rules/private/providers:ipe_policy_info.bzl", _IpePolicyInfo = "IpePolicyInfo")
load("//rules/private/providers:kernel_build_info.bzl", _KernelBuildInfo = "KernelBuildInfo")
load("//rules/private/providers:kernel_config_info.bzl", _KernelConfigInfo = "KernelConfigInfo")
load("//rules/private/providers:kernel_module_build_info.bzl", _KernelModuleBuildInfo = "KernelModuleBuildInfo")
load(
    "//rules/private/providers:kernel_module_directory_info.bzl",
    _KernelModuleDirectoryInfo = "KernelModuleDirectoryInfo",
)
load("//rules/private/providers:kernel_module_info.bzl", _KernelModuleInfo = "KernelModuleInfo")
load("//rules/private/providers:kernel_modules_info.bzl", _KernelModulesInfo = "KernelModulesInfo")
load("//rules/private/providers:kernel_source_info.bzl", _KernelSourceInfo = "KernelSourceInfo")
load("//rules/private/providers:kernel_toolchain_info.bzl", _KernelToolchainInfo = "KernelToolchainInfo")
load("//rules/private/providers:modhash_toolchain_info.bzl", _ModhashToolchainInfo = "ModhashToolchainInfo")
load("//rules/private/providers:module_image_info.bzl", _ModuleImageInfo = "ModuleImageInfo")
load("//rules/private/providers:module_tree_info.bzl", _ModuleTreeInfo = "ModuleTreeInfo")
load("//rules/private/providers:patch_series_info.bzl", _PatchSeriesInfo = "PatchSeriesInfo")
load("//rules/private/providers:vmlinux_info.bzl", _VmlinuxInfo = "VmlinuxInfo")

BootToolchainInfo = _BootToolchainInfo
IpePolicyInfo = _IpePolicyInfo
KernelBuildInfo = _KernelBuildInfo
KernelConfigInfo = _KernelConfigInfo
KernelModuleBuildInfo = _KernelModuleBuildInfo
KernelModuleDirectoryInfo = _KernelModuleDirectoryInfo
KernelModuleInfo = _KernelModuleInfo
KernelModulesInfo = _KernelModulesInfo
KernelSourceInfo = _KernelSourceInfo
KernelToolchainInfo = _KernelToolchainInfo
ModhashToolchainInfo = _ModhashToolchainInfo
ModuleImageInfo = _ModuleImageInfo
ModuleTreeInfo = _ModuleTreeInfo
PatchSeriesInfo = _PatchSeriesInfo
VmlinuxInfo = _VmlinuxInfo
