# SPDX-License-Identifier: Apache-2.0
"""The `boot_tools` module extension: a boot toolchain of what this machine has."""

visibility("//toolchains/boot/...")

# Where tests look for programs. The caller's PATH does not count.
_FOLDERS = ["/usr/bin", "/bin", "/usr/local/bin"]

# By the machine's name in module_tree.
_EMULATORS = {
    "arm64": "qemu-system-aarch64",
    "x86_64": "qemu-system-x86_64",
}

# What QEMU puts into the machine before the kernel, where it lies in Debian.
_FIRMWARE = [
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

toolchain(
    name = "host_toolchain",
    toolchain = ":host",
    toolchain_type = "@rules_modhash//toolchains/boot:toolchain_type",
)
"""

def _find(rctx, name):
    """Path of a program, or None."""
    for folder in _FOLDERS:
        path = rctx.path("%s/%s" % (folder, name))
        if path.exists:
            return path
    return None

def _machine(rctx):
    """The machine that programs of this one run on, as module_tree names it."""
    return {"aarch64": "arm64", "amd64": "x86_64"}.get(rctx.os.arch, rctx.os.arch)

def _record(rctx, path):
    """A line of the manifest: path and SHA-256 digest."""
    rctx.watch(path)
    result = rctx.execute(["sha256sum", path])
    if result.return_code != 0:
        fail("reading %s: %s" % (path, result.stderr))
    return "%s\t%s\n" % (path, result.stdout.split(" ")[0])

def _copy_busybox(rctx):
    """Copies busybox, so that its contents are an input; returns the attribute, maybe empty."""
    path = _find(rctx, "busybox")
    if not path:
        return {}
    rctx.watch(path.realpath)
    rctx.download(url = ["file://%s" % path.realpath], output = "busybox", executable = True)
    return {":busybox": _machine(rctx)}

def _boot_tools_repository_impl(rctx):
    found = {machine: _find(rctx, program) for machine, program in _EMULATORS.items()}
    emulators = {machine: str(path) for machine, path in found.items() if path}
    files = [path.realpath for path in found.values() if path]
    files += [rctx.path(path) for path in _FIRMWARE if rctx.path(path).exists]
    rctx.file("manifest.tsv", "".join([_record(rctx, path) for path in files]), executable = False)
    rctx.file("BUILD.bazel", _BUILD.format(busybox = _copy_busybox(rctx), emulators = emulators), executable = False)

_boot_tools_repository = repository_rule(
    implementation = _boot_tools_repository_impl,
    doc = "Finds QEMU and busybox, and writes down what they are.",
    local = True,
)

def _boot_tools_impl(_module_ctx):
    _boot_tools_repository(name = "rules_modhash_boot_tools")

boot_tools = module_extension(
    doc = """\
QEMU and busybox of this machine, as a boot toolchain. What is not there is an error of the target that
needs it only.

`rules_modhash` itself uses and registers it: other modules need to do nothing.
""",
    implementation = _boot_tools_impl,
)
