# SPDX-License-Identifier: Apache-2.0
"""hashed_kernel: a macro that declares all targets of a kernel that recognizes its modules."""

load("//rules/private:errors.bzl", "fail_attribute")
load("//rules/private/rules:ipe_policy.bzl", "ipe_policy")
load("//rules/private/rules:kernel_boot_test.bzl", "kernel_boot_test")
load("//rules/private/rules:kernel_build.bzl", "kernel_build")
load("//rules/private/rules:kernel_config.bzl", "kernel_config")
load("//rules/private/rules:kernel_modules_list.bzl", "kernel_modules_list")
load("//rules/private/rules:load_attempt.bzl", "load_attempt")
load("//rules/private/rules:module_image.bzl", "module_image")
load("//rules/private/rules:module_tree.bzl", "module_tree")
load("//rules/private/rules:module_verify_test.bzl", "module_verify_test")
load("//rules/private/rules:modules_install.bzl", "modules_install")
load("//rules/private/rules:vmlinux.bzl", "LINK", "vmlinux")

visibility("//...")

# How a kernel recognizes its modules: values of the argument `integrity`.
HASHES = "hashes"
IPE = "ipe"

_SEALED = "/sealed/"

_UNSEALED = "/unsealed/"

def attempts_of(loads):
    """The attempts of the boot test with modules that do not depend on others.

    Args:
      loads: list of strings, install paths.

    Returns:
      list of strings, for `attempts` of `kernel_boot_test`: the kernel loads the sealed module, and rejects the
      unsealed one.
    """
    return [
        load_attempt(
            name = "sealed " + path,
            module = _SEALED + path,
            # A module from outside the kernel's source taints the kernel.
            taint = "" if path.startswith("kernel/") else "O",
        )
        for path in loads
    ] + [
        load_attempt(
            name = "unsealed " + path,
            log = ["Loading of unsigned module is rejected"],
            module = _UNSEALED + path,
            result = "EKEYREJECTED",
        )
        for path in loads
    ]

def files_of(kernel, tree, out_of_tree):
    """The contents of the boot test's initramfs, for attempts_of.

    Args:
      kernel: string, label of the kernel_build.
      tree: string, label of the module_tree.
      out_of_tree: list of strings, labels of further modules.

    Returns:
      dict, for `files` of `kernel_boot_test`.
    """
    return {tree: _SEALED} | {target: _UNSEALED for target in [kernel] + out_of_tree}

def conflicts_with_config(attributes):
    """Attributes that are set and that have no effect together with the attribute `config`.

    Args:
      attributes: dict, the attributes of kernel_config.

    Returns:
      list of strings, the names, sorted.
    """
    defaults = {"compiler": "gcc", "machine": "auto"}
    return sorted([name for name, value in attributes.items() if value and value != defaults.get(name)])

def _configure(name, config, attributes, common):
    """Declares a kernel_config unless `config` is set. Returns the label of the configuration."""
    if not config:
        kernel_config(name = name + "_config", **(attributes | common))
        return name + "_config"
    conflicts = conflicts_with_config(attributes)
    if conflicts:
        fail_attribute(
            native.package_relative_label(name),
            "config",
            "%s together with %s" % (config, ", ".join(conflicts)),
            "config alone: a kernel_config sets all of these",
        )
    return config

def _add_hashes(name, out_of_tree, root, boot, compression, common):
    """Declares the tree, the kernel with its root, and what is made of both."""
    module_tree(name = name + "_tree", modules = [name + "_kernel"] + out_of_tree, **common)
    vmlinux(name = name, kernel = name + "_kernel", root = root, tree = name + "_tree", **common)
    modules_install(name = name + "_modules_install", boot = boot, compression = compression, vmlinux = name, **common)
    module_verify_test(name = name + "_verify_test", size = "small", vmlinux = name, **common)

def _add_image(name, out_of_tree, compression, common):
    """Declares the module image, and the kernel that takes modules from it."""
    module_image(name = name + "_image", compression = compression, modules = [name + "_kernel"] + out_of_tree, **common)
    vmlinux(name = name, kernel = name + "_kernel", module_image = name + "_image", **common)

def _check_integrity(name, integrity, arguments):
    """Fails for an unknown value, and for arguments that have no effect with it."""
    label = native.package_relative_label(name)
    if integrity not in [HASHES, IPE]:
        fail_attribute(label, "integrity", repr(integrity), "%s or %s" % (HASHES, IPE))
    unused = [argument for argument, value in arguments.items() if value] if integrity == IPE else []
    if unused:
        fail_attribute(
            label,
            "integrity",
            "%s together with %s" % (IPE, ", ".join(unused)),
            "no arguments about sealed modules. Next: declare the rules that you need",
        )

def _boot(name, out_of_tree, loads, attempts, files, cmdline, common):
    """Declares the boot test, if there are any attempts."""
    if not loads and not attempts:
        return
    kernel_boot_test(
        name = name + "_boot_test",
        size = "medium",
        attempts = attempts_of(loads) + attempts,
        cmdline = cmdline,
        files = (files_of(name + "_kernel", name + "_tree", out_of_tree) if loads else {}) | files,
        vmlinux = name,
        **common
    )

def hashed_kernel(
        name,
        modules,
        source = None,
        base = None,
        base_file = None,
        fragments = [],
        machine = "auto",
        compiler = "gcc",
        config = None,
        graph = "auto",
        strip = "debug",
        sign_file = False,
        trusted_keys = None,
        out_of_tree = [],
        integrity = HASHES,
        root = LINK,
        boot = False,
        compression = "none",
        loads = [],
        attempts = [],
        files = {},
        cmdline = "module.sig_enforce=1",
        tags = [],
        testonly = None,
        target_compatible_with = [],
        visibility = None):
    """All targets of a kernel that recognizes its modules, from the source to a boot test.

    ```starlark
    load("@rules_modhash//rules:defs.bzl", "hashed_kernel")

    hashed_kernel(
        name = "vmlinux",
        base = "defconfig",
        fragments = ["hashes.config"],
        loads = ["kernel/drivers/net/dummy.ko"],
        modules = ["drivers/net/dummy.ko"],
        source = "@linux//:source",
    )
    ```

    If a target needs an attribute that this macro does not have, or if you need two of a target, declare it with the
    rule in this table.

    | target | rule | |
    | --- | --- | --- |
    | `NAME` | `vmlinux` | the kernel with the root of its modules. It provides its build and tree to other rules |
    | `NAME_config` | `kernel_config` | not with `config` |
    | `NAME_modules_list` | `kernel_modules_list` | `bazel run :NAME_modules_list -- modules.bzl` writes the list for `modules` |
    | `NAME_kernel` | `kernel_build` | for `kernel` of a `kernel_module` |
    | `NAME_tree` | `module_tree` | over the kernel's modules and `out_of_tree`. With `hashes` |
    | `NAME_modules_install` | `modules_install` | `lib/modules/RELEASE`. With `hashes` |
    | `NAME_verify_test` | `module_verify_test` | each sealed module matches the root. With `hashes` |
    | `NAME_policy` | `ipe_policy` | modules from the image alone. With `ipe` |
    | `NAME_image` | `module_image` | the kernel's modules and `out_of_tree`. With `ipe` |
    | `NAME_boot_test` | `kernel_boot_test` | with `loads` or `attempts` |

    Args:
      name: string, the name of the `vmlinux`, and the prefix of the other names.
      modules: list of strings, all modules of the configuration, as in `kernel_build`.
      source: label of the `kernel_source`.
      base: string, as in `kernel_config`.
      base_file: label, as in `kernel_config`.
      fragments: list of labels, as in `kernel_config`.
      machine: string, as in `kernel_config`.
      compiler: string, as in `kernel_config`.
      config: label of a `kernel_config`, instead of the six arguments above.
      graph: string, as in `kernel_build`.
      strip: string, as in `kernel_build`.
      sign_file: bool, as in `kernel_build`.
      trusted_keys: label, as in `kernel_build`.
      out_of_tree: list of labels, modules from outside the kernel's source: `kernel_module(kernel = ":NAME_kernel")`,
        `kernel_module_import`.
      integrity: string, how the kernel recognizes its modules. `hashes`: by the root of a tree over their hashes
        (`CONFIG_MODULE_HASHES`, a kernel with our patches). `ipe`: by the root hash of a module image in a policy of
        Integrity Policy Enforcement (`CONFIG_SECURITY_IPE`, any kernel since Linux 6.12).
      root: string, as in `vmlinux`: `link`, or `overwrite` for an edit loop.
      boot: bool, whether to install the kernel too, as in `modules_install`.
      compression: string, as in `modules_install`.
      loads: list of strings, install paths of modules that do not depend on others, such as
        `kernel/drivers/net/dummy.ko`. The boot test loads each, and checks that the kernel rejects it without its
        proof. For modules that depend on others, use `attempts` or a `kernel_boot_test`.
      attempts: list of strings, further attempts of the boot test, each as `load_attempt` returns it.
      files: dict, the files that `attempts` need in the initramfs, as in `kernel_boot_test`.
      cmdline: string, the kernel's command line in the boot test.
      tags: list of strings, of all targets.
      testonly: bool, of all targets.
      target_compatible_with: list of labels, of all targets.
      visibility: list of labels, of all targets.
    """
    common = {
        "tags": tags,
        "target_compatible_with": target_compatible_with,
        "testonly": testonly,
        "visibility": visibility,
    }
    config = _configure(name, config, {
        "base": base,
        "base_file": base_file,
        "compiler": compiler,
        "fragments": fragments,
        "machine": machine,
        "source": source,
    }, common)
    kernel_modules_list(name = name + "_modules_list", config = config, **(common | {"tags": tags + ["manual"]}))
    _check_integrity(name, integrity, {"boot": boot, "loads": loads, "root": root != LINK})
    if integrity == IPE:
        ipe_policy(name = name + "_policy", **common)
    kernel_build(
        name = name + "_kernel",
        boot_policy = name + "_policy" if integrity == IPE else None,
        config = config,
        graph = graph,
        modules = modules,
        sign_file = sign_file,
        strip = strip,
        trusted_keys = trusted_keys,
        **common
    )
    if integrity == IPE:
        _add_image(name, out_of_tree, compression, common)
    else:
        _add_hashes(name, out_of_tree, root, boot, compression, common)
    _boot(name, out_of_tree, loads, attempts, files, cmdline, common)
