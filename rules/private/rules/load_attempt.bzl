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
        no_log = [],
        copy = {},
        write = {}):
    """One attempt to load a module, and its expected result: for `attempts` of `kernel_boot_test`.

    Args:
      name: string, a description of the attempt. Unique in a test.
      module: string, the module's path: in the initramfs, in a volume (`/volumes/NAME/...`), or of a copy. With
        `via = "modprobe"` its name.
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
      copy: dict of path to path, files to copy before the load. If one cannot be copied, its error is the result of the
        attempt.
      write: dict of path to string, what to write to files after the copies and before the load, such as
        `{"/sys/kernel/security/ipe/enforce": "0"}`. If the kernel must refuse it, the value is a pair of text and errno:
        `("0", "EACCES")`. The files must exist. What a write changes stays until the end of the boot.

    Returns:
      string: the attempt in JSON.
    """
    expect = {"exists": exists, "log": log, "no_log": no_log, "result": result, "taint": taint}
    if loaded != None:
        expect["loaded"] = loaded
    return json.encode({
        "cmdline": cmdline,
        "copy": [{"from": source, "to": target} for source, target in copy.items()],
        "expect": expect,
        "flags": flags,
        "fresh": fresh,
        "module": module,
        "name": name,
        "parameters": parameters,
        "via": via,
        "write": [_write(path, value) for path, value in write.items()],
    })

def _write(path, value):
    """One write in a plan. The value is a text, or a pair of text and result."""
    text, result = (value, "ok") if type(value) == "string" else value
    return {"path": path, "result": result, "text": text}
