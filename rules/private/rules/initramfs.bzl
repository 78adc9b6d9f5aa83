# SPDX-License-Identifier: Apache-2.0
"""initramfs: the first root file system of a booting kernel."""

load("//rules/private:errors.bzl", "fail_attribute")
load("//rules/private:machine.bzl", "machine_attributes", "machine_of", "machine_of_vmlinux")
load(
    "//rules/private/actions:write_initramfs.bzl",
    "BOOT_TOOLCHAIN",
    "COMPRESSION_ATTRIBUTE",
    "FILES_ATTRIBUTE",
    "MKINITRAMFS_ATTRIBUTE",
    "busybox_entries",
    "initramfs_entries",
    "write_initramfs",
)
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")
load("//tools/archive/codec:compressions.bzl", "INITRAMFS_SUFFIXES")

visibility("//...")

_DOC = """\
An initramfs: a cpio archive that the kernel unpacks into memory, and whose `/init` it starts.

```starlark
load("@rules_modhash//rules:defs.bzl", "initramfs")

initramfs(
    name = "rescue",
    files = {":modules_install": "/"},
    script = [
        "modprobe ext4",
        "sh",
    ],
    vmlinux = ":vmlinux",
)
```

With `script`, `/init` is a shell script that busybox runs. It installs busybox's commands, mounts `/proc`,
`/sys` and `/dev`, runs the lines of `script`, and restarts the machine. Without `script`, `files` provides
`/init`.

**Outputs.** `NAME.cpio`, or `NAME.cpio.gz` or `NAME.cpio.zst` if compressed. Its bytes depend on paths and
contents alone: entries are in order of their paths, without timestamps, and all files are executable and owned by
root. The archive also contains `/dev`, `/proc`, `/sys`, `/tmp` and the devices `/dev/console`, `/dev/kmsg`
and `/dev/null`.

**Failures.** These are errors that name the path and the file: no `/init`, or two; a path that is not clean; a
path for two files; a program whose dynamic loader is not in the archive. An error leaves no output.
"""

_INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
{script}
reboot -f
"""

def _script_entries(ctx, machine):
    """The entries for busybox and for the /init script that it runs."""
    busybox = busybox_entries(ctx, machine)
    if not busybox:
        fail_attribute(
            ctx.label,
            "script",
            "a script for the architecture %s, for which the boot toolchain has no busybox" % machine,
            "a program as /init in the attribute files, or a boot_toolchain with a busybox for %s" % machine,
        )
    init = ctx.actions.declare_file(ctx.label.name + ".init")
    ctx.actions.write(init, _INIT.format(script = "\n".join(ctx.attr.script)), is_executable = True)
    return busybox + [struct(file = init, path = "/init")]

def _initramfs_impl(ctx):
    entries = initramfs_entries(ctx)
    symlinks = ctx.attr.symlinks
    has_init = "/init" in [entry.path for entry in entries]
    if has_init == bool(ctx.attr.script):
        fail_attribute(
            ctx.label,
            "script",
            "both script and an /init in files" if has_init else "neither script nor an /init in files",
            "one of them",
        )
    if ctx.attr.script:
        entries = entries + _script_entries(ctx, machine_of_vmlinux(ctx) if ctx.attr.vmlinux else machine_of(ctx))
        symlinks = {"/bin/sh": "busybox"} | symlinks
    output = ctx.actions.declare_file(ctx.label.name + INITRAMFS_SUFFIXES[ctx.attr.compression])
    write_initramfs(ctx, output, entries, symlinks)
    return [DefaultInfo(files = depset([output]))]

initramfs = rule(
    implementation = _initramfs_impl,
    doc = _DOC,
    attrs = {
        "compression": COMPRESSION_ATTRIBUTE,
        "files": FILES_ATTRIBUTE,
        "script": attr.string_list(
            doc = "Lines of a shell script for `/init`. Either this, or `/init` in `files`.",
        ),
        "symlinks": attr.string_dict(doc = "Symbolic links: `{path: target}`, with absolute paths."),
        "vmlinux": attr.label(
            doc = "The kernel that the archive is for. It sets the architecture of busybox.",
            providers = [VmlinuxInfo],
        ),
        "_mkinitramfs": MKINITRAMFS_ATTRIBUTE,
    } | machine_attributes("busybox is for", "that of `vmlinux`, or else of the target platform"),
    toolchains = [BOOT_TOOLCHAIN],
)
