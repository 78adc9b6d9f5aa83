# SPDX-License-Identifier: Apache-2.0
"""The `boot_tools` module extension: a boot toolchain of the programs on this machine."""

load("//toolchains/private:host.bzl", "digest_files", "find_program", "host_machine")
load("//tools/arch:arch.bzl", "EMULATORS")

visibility("//toolchains/boot/...")

# Where tests search for programs.
_DIRECTORIES = ["/usr/bin", "/bin", "/usr/local/bin"]

# Firmware that QEMU loads before the kernel, at its paths in Debian.
_FIRMWARE = [
    "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin",
    "/usr/share/qemu/slof.bin",
    "/usr/share/qemu/linuxboot_dma.bin",
    "/usr/share/seabios/bios-256k.bin",
]

_BUILD = """\
load("@rules_modhash//toolchains/boot:toolchain.bzl", "boot_toolchain")

package(default_visibility = ["//visibility:public"])

boot_toolchain(
    name = "host",
    busybox = {busybox},
    emulators = {emulators},
    manifest = "manifest.tsv",
)
"""

def _copy_busybox(rctx):
    """Copies busybox, so that its contents are an input. Returns the attribute, possibly empty."""
    path = find_program(rctx, _DIRECTORIES, "busybox")
    if not path:
        return {}
    rctx.watch(path.realpath)
    rctx.download(url = ["file://%s" % path.realpath], output = "busybox", executable = True)
    return {":busybox": host_machine(rctx)}

def _boot_tools_repository_impl(rctx):
    found = {machine: find_program(rctx, _DIRECTORIES, program) for machine, program in EMULATORS.items()}

    # `./bazelw --add-machines` adds those that are missing.
    for machine, path in found.items():
        if not path:
            rctx.watch(_DIRECTORIES[0] + "/" + EMULATORS[machine])
    emulators = {machine: str(path) for machine, path in found.items() if path}
    files = [str(path.realpath) for path in found.values() if path]
    files += [path for path in _FIRMWARE if rctx.path(path).exists]
    manifest = ["%s\t%s\n" % record for record in digest_files(rctx, files).items()]
    rctx.file("manifest.tsv", "".join(manifest), executable = False)
    rctx.file("BUILD.bazel", _BUILD.format(busybox = _copy_busybox(rctx), emulators = emulators), executable = False)

_boot_tools_repository = repository_rule(
    implementation = _boot_tools_repository_impl,
    doc = "Finds QEMU and busybox, and records their digests.",
    local = True,
)

def _boot_tools_impl(_module_ctx):
    _boot_tools_repository(name = "rules_modhash_boot_tools")

boot_tools = module_extension(
    doc = """\
QEMU and busybox of this machine, as a boot toolchain. A missing program is an error only in a target that
needs it.

`rules_modhash` itself uses and registers it. Other modules need no declaration.
""",
    implementation = _boot_tools_impl,
)
