# SPDX-License-Identifier: Apache-2.0
"""load_attempt: one try to load a module, for kernel_boot_test."""

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
    """One try to load a module, and what must come of it: for `attempts` of `kernel_boot_test`.

    Args:
      name: string, what is tried, in words for the reader. Differs from those of other attempts.
      module: string, the module's path in the initramfs, or with `via = "modprobe"` its name.
      result: string, `ok`, or the name of the errno with which the kernel refuses, such as `EKEYREJECTED`.
      taint: string, the letters, in alphabetical order, of taints that the loaded modules carry or that the
        kernel takes on during the attempt, such as `E` for a module that is not authenticated.
      via: string, how it is loaded: `finit_module` (the kernel reads the file, as with kmod), `init_module`
        (the kernel is handed its contents), or `modprobe` (busybox's, with all modules that it needs).
      cmdline: string, added to the kernel's command line. A boot has one command line: attempts with the
        same one that follow each other share a boot.
      fresh: bool, whether a new boot starts in any case: for what the kernel does only once, such as a
        warning.
      parameters: string, parameters of the module.
      flags: list of strings, flags of finit_module(2): `ignore_modversions`, `ignore_vermagic`,
        `compressed_file`.
      loaded: list of strings, names of all modules that must have been loaded, in any order, or None: not
        looked at.
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
