# SPDX-License-Identifier: Apache-2.0
"""load_attempt: one attempt to load a module, for kernel_boot_test."""

visibility("//...")

def load_attempt(
        name,
        module,
        result = "ok",
        taint = "",
        via = "finit_module",
        cmdline = "",
        fresh = False,
        parameters = "",
        flags = [],
        loaded = None,
        exists = [],
        log = [],
        no_log = []):
    """One attempt to load a module, and its expected result: for `attempts` of `kernel_boot_test`.

    Args:
      name: string, a description of the attempt. Unique in a test.
      module: string, the module's path in the initramfs, or with `via = "modprobe"` its name.
      result: string, `ok`, or the name of the errno of the kernel's error, such as `EKEYREJECTED`.
      taint: string, the letters, in alphabetical order, of taints that the loaded modules have or that the
        kernel gets during the attempt, such as `E` for a module that is not authenticated.
      via: string, how to load it: `finit_module` (the kernel reads the file, as with kmod), `init_module`
        (the caller passes its contents), or `modprobe` (busybox's, with all modules that it depends on).
      cmdline: string, added to the kernel's command line. Consecutive attempts with the same command line share
        a boot.
      fresh: bool, whether the attempt always starts a new boot: for actions that the kernel does only once, such as a
        warning.
      parameters: string, parameters of the module.
      flags: list of strings, flags of finit_module(2): `ignore_modversions`, `ignore_vermagic`,
        `compressed_file`.
      loaded: list of strings, names of all modules that must be loaded, in any order, or None: not checked.
      exists: list of strings, paths that must exist while the module is loaded.
      log: list of strings, parts of lines that the kernel must log during the attempt.
      no_log: list of strings, parts of lines that it must not log.

    Returns:
      string: the attempt in JSON.
    """
    expect = {"exists": exists, "log": log, "no_log": no_log, "result": result, "taint": taint}
    if loaded != None:
        expect["loaded"] = loaded
    return json.encode({
        "cmdline": cmdline,
        "expect": expect,
        "flags": flags,
        "fresh": fresh,
        "module": module,
        "name": name,
        "parameters": parameters,
        "via": via,
    })
