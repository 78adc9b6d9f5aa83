# SPDX-License-Identifier: Apache-2.0
"""Minimal kernels for tests: they boot, and load modules by their hashes."""

load("@linux//:version.bzl", "VERSION")
load("//rules:defs.bzl", "hashed_kernel", "kernel_boot_test", "load_attempt", "vmlinux")
load("//tests/boot:matrix.bzl", "TAMPERED", "tampered_attempts")
load("//tests/boot:tampered_modules.bzl", "tampered_modules")

visibility("//tests/...")

# The modules that small.config builds.
MODULES = [
    "fs/nls/nls_ascii.ko",
    "fs/nls/nls_cp437.ko",
    "fs/nls/nls_iso8859-1.ko",
    "fs/nls/nls_utf8.ko",
]

_SUFFIXES = {"gzip": ".gz", "xz": ".xz"}

def _attempts(compression, types, version):
    """The core of the boot matrix.

    Args:
      compression: string, of the installed modules.
      types: bool, whether modules have type information.
      version: string, the kernel's release.

    Returns:
      list of strings, for `attempts`.
    """
    return [
        load_attempt(
            name = "sealed module",
            exists = ["/sys/kernel/btf/nls_ascii"] if types else [],
            module = "/sealed/kernel/fs/nls/nls_ascii.ko",
        ),
        load_attempt(
            name = "sealed module, passed to the kernel as a buffer",
            module = "/sealed/kernel/fs/nls/nls_cp437.ko",
            via = "init_module",
        ),
        load_attempt(
            name = "sealed module, compressed, decompressed by the kernel",
            exists = ["/sys/kernel/btf/nls_utf8"] if types else [],
            flags = ["compressed_file"],
            module = "/lib/modules/%s/kernel/fs/nls/nls_utf8.ko%s" % (version, _SUFFIXES[compression]),
        ),
    ] + tampered_attempts()

def small_kernel(
        name,
        machine,
        compiler,
        compression,
        types = False,
        fragments = [],
        source = "@linux//:source",
        version = VERSION,
        boots = True,
        tags = []):
    """A hashed_kernel with four modules, whose boot test runs the core of the boot matrix.

    Args:
      name: string, as in hashed_kernel.
      machine: string, as in hashed_kernel: one of those with a fragment in this directory.
      compiler: string, as in hashed_kernel.
      compression: string, `gzip` or `xz`: of the installed modules.
      types: bool, whether kernel and modules have type information (BTF) and versions of symbols.
      fragments: list of strings, names of further fragments in this directory.
      source: label of a kernel_source.
      version: string, its release.
      boots: bool, whether there is a boot test.
      tags: list of strings, of all targets.
    """
    names = ["small", "hashes", machine, compression] + (["btf", "modversions"] if types else []) + fragments
    tampered_modules(
        name = name + "_tampered",
        kinds = TAMPERED.keys(),
        module = "kernel/fs/nls/nls_iso8859-1.ko",
        tags = tags,
        tree = name + "_tree",
    )
    hashed_kernel(
        name = name,
        attempts = _attempts(compression, types, version) if boots else [],
        base = "tinyconfig",
        boot = True,
        compiler = compiler,
        compression = compression,
        files = {
            name + "_modules_install": "/",
            name + "_tampered": "/tampered/",
            name + "_tree": "/sealed/",
        },
        fragments = ["//tests/boot/small:%s.config" % fragment for fragment in names] +
                    ["//examples/kernel:proc_sys_config"],
        machine = machine,
        modules = MODULES,
        source = source,
        tags = tags,
        visibility = ["//tests:__subpackages__"],
    )

def overwritten_kernel(name, kernel, tags = [], visibility = ["//visibility:private"]):
    """A small_kernel whose root is written over the blank one, and its boot test, NAME_boot_test.

    Args:
      name: string.
      kernel: string, the name of a small_kernel in this package.
      tags: list of strings, of all targets.
      visibility: list of labels, of the vmlinux.
    """
    vmlinux(
        name = name,
        kernel = kernel + "_kernel",
        root = "overwrite",
        tags = tags,
        tree = kernel + "_tree",
        visibility = visibility,
    )
    kernel_boot_test(
        name = name + "_boot_test",
        size = "medium",
        attempts = [load_attempt(
            name = "sealed module",
            module = "/sealed/kernel/fs/nls/nls_ascii.ko",
        )] + tampered_attempts(),
        cmdline = "module.sig_enforce=1",
        files = {
            kernel + "_tampered": "/tampered/",
            kernel + "_tree": "/sealed/",
        },
        tags = tags,
        vmlinux = name,
    )
