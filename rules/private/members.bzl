# SPDX-License-Identifier: Apache-2.0
"""The members of a tree: the modules of several targets."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private/providers:kernel_modules_info.bzl", "KernelModulesInfo")

visibility("//...")

def declared_modules(label, targets):
    """All modules with known names.

    Args:
      label: Label of the target that combines them: named in errors.
      targets: list of Target with KernelModulesInfo.

    Returns:
      list of KernelModuleInfo in bytewise order of install paths. No two have the same install path.
    """
    by_path = {}
    for target in targets:
        for module in target[KernelModulesInfo].modules:
            other = by_path.get(module.install_path)
            if other:
                _fail_duplicate(label, other, module)
            by_path[module.install_path] = module
    return [by_path[path] for path in sorted(by_path)]

def _fail_duplicate(label, first, second):
    fail_attribute(
        label,
        "modules",
        "the install path %s for both %s (%s) and %s (%s)" % (
            first.install_path,
            label_text(first.label),
            first.module.short_path,
            label_text(second.label),
            second.module.short_path,
        ),
        "a different path for each module. Next: remove one, or set another install_path",
    )

def directories_of(targets):
    """All directories of modules with unknown names.

    Args:
      targets: list of Target with KernelModulesInfo.

    Returns:
      list of KernelModuleDirectoryInfo, in the targets' order.
    """
    return [entry for target in targets for entry in target[KernelModulesInfo].directories]
