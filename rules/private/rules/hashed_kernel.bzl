# SPDX-License-Identifier: Apache-2.0
"""hashed_kernel: all targets of a kernel with module hashes, by one macro."""

load("//rules/private:errors.bzl", "fail_attribute")
load("//rules/private/rules:kernel_boot_test.bzl", "kernel_boot_test")
load("//rules/private/rules:kernel_build.bzl", "kernel_build")
load("//rules/private/rules:kernel_config.bzl", "kernel_config")
load("//rules/private/rules:kernel_modules_list.bzl", "kernel_modules_list")
load("//rules/private/rules:load_attempt.bzl", "load_attempt")
load("//rules/private/rules:module_tree.bzl", "module_tree")
load("//rules/private/rules:module_verify_test.bzl", "module_verify_test")
load("//rules/private/rules:modules_install.bzl", "modules_install")
load("//rules/private/rules:vmlinux.bzl", "vmlinux")

visibility("//...")

_SEALED = "/sealed/"

_UNSEALED = "/unsealed/"

def attempts_of(loads):
    """What a boot tries with modules, each of which needs no other one.

    Args:
      loads: list of strings, install paths.

    Returns:
      list of strings, for `attempts` of `kernel_boot_test`: the sealed module is loaded, the unsealed one refused.
    """
    return [
        load_attempt(
            name = "sealed " + path,
            module = _SEALED + path,
            # What is not part of the kernel's source taints it.
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
    """What is in the initramfs of the boot test, for attempts_of.

    Args:
      kernel: string, label of the kernel_build.
      tree: string, label of the module_tree.
      out_of_tree: list of strings, labels of further modules.

    Returns:
      dict, for `files` of `kernel_boot_test`.
    """
    return {tree: _SEALED} | {target: _UNSEALED for target in [kernel] + out_of_tree}

def beside_config(attributes):
    """What a configuration of its own leaves without effect.

    Args:
      attributes: dict, those of kernel_config.

    Returns:
      list of strings, names of attributes that are set, sorted.
    """
    defaults = {"compiler": "gcc", "machine": "auto"}
    return sorted([name for name, value in attributes.items() if value and value != defaults.get(name)])

def _configure(name, config, attributes, common):
    """Declares the configuration if there is none; returns its label."""
    if not config:
        kernel_config(name = name + "_config", **(attributes | common))
        return name + "_config"
    if beside_config(attributes):
        fail_attribute(
            native.package_relative_label(name),
            "config",
            "%s beside %s" % (config, ", ".join(beside_config(attributes))),
            "one of the two: a kernel_config says all of that",
        )
    return config

def _link(name, out_of_tree, common):
    module_tree(name = name + "_tree", modules = [name + "_kernel"] + out_of_tree, **common)
    vmlinux(name = name, kernel = name + "_kernel", tree = name + "_tree", **common)

def _boot(name, out_of_tree, loads, attempts, files, cmdline, common):
    """Declares the boot test, if there is anything to try."""
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
        strip = "debug",
        sign_file = False,
        trusted_keys = None,
        out_of_tree = [],
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
    """A kernel with module hashes, from source to a boot test: all targets that it takes.

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

    Each target can be written by itself, with the rule of this table: where one needs an attribute that is not here, or
    where there are two of them.

    | target | rule | |
    | --- | --- | --- |
    | `NAME` | `vmlinux` | the kernel with the root of its modules. It carries what is below |
    | `NAME_config` | `kernel_config` | not with `config` |
    | `NAME_modules_list` | `kernel_modules_list` | `bazel run :NAME_modules_list -- modules.bzl` writes the list for `modules` |
    | `NAME_kernel` | `kernel_build` | for `kernel` of a `kernel_module` |
    | `NAME_tree` | `module_tree` | over the kernel's modules and `out_of_tree` |
    | `NAME_modules_install` | `modules_install` | `lib/modules/RELEASE` |
    | `NAME_verify_test` | `module_verify_test` | each sealed module has the root |
    | `NAME_boot_test` | `kernel_boot_test` | with `loads` or `attempts` |

    Args:
      name: string, the name of the `vmlinux`, and what other names begin with.
      modules: list of strings, all modules of the configuration, as in `kernel_build`.
      source: label of the `kernel_source`.
      base: string, as in `kernel_config`.
      base_file: label, as in `kernel_config`.
      fragments: list of labels, as in `kernel_config`.
      machine: string, as in `kernel_config`.
      compiler: string, as in `kernel_config`.
      config: label of a `kernel_config`, in place of the six arguments above.
      strip: string, as in `kernel_build`.
      sign_file: bool, as in `kernel_build`.
      trusted_keys: label, as in `kernel_build`.
      out_of_tree: list of labels, modules from outside the kernel's source: `kernel_module(kernel = ":NAME_kernel")`,
        `kernel_module_import`.
      boot: bool, whether the kernel is installed beside its modules, as in `modules_install`.
      compression: string, as in `modules_install`.
      loads: list of strings, install paths of modules that need no other one, such as `kernel/drivers/net/dummy.ko`. The
        boot test loads each, and checks that the kernel refuses it without its proof. Where modules need others, write
        `attempts`, or a `kernel_boot_test`.
      attempts: list of strings, further attempts of the boot test, each as `load_attempt` returns it.
      files: dict, what they need in the initramfs, as in `kernel_boot_test`.
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
    kernel_build(
        name = name + "_kernel",
        config = config,
        modules = modules,
        sign_file = sign_file,
        strip = strip,
        trusted_keys = trusted_keys,
        **common
    )
    _link(name, out_of_tree, common)
    modules_install(name = name + "_modules_install", boot = boot, compression = compression, vmlinux = name, **common)
    module_verify_test(name = name + "_verify_test", size = "small", vmlinux = name, **common)
    _boot(name, out_of_tree, loads, attempts, files, cmdline, common)
