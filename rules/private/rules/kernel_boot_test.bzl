# SPDX-License-Identifier: Apache-2.0
"""kernel_boot_test, kernel_boot: boot a kernel, and check which modules it loads and rejects."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//rules/private:errors.bzl", "fail_attribute", "label_text")
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
load("//tools/arch:arch.bzl", "BOOT_MACHINES")

visibility("//...")

_DOC = """\
A test that boots a kernel in QEMU, tries to load modules, and compares the result of each attempt with the
expected result.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_boot_test", "load_attempt")

kernel_boot_test(
    name = "boot_test",
    attempts = [
        load_attempt(
            name = "sealed module",
            module = "/lib/sealed/kernel/drivers/net/dummy.ko",
        ),
        load_attempt(
            name = "module without a proof",
            cmdline = "module.sig_enforce=1",
            module = "/unsealed.ko",
            result = "EKEYREJECTED",
        ),
    ],
    files = {
        ":tree": "/lib/sealed/",
        ":unsealed.ko": "/unsealed.ko",
    },
    vmlinux = ":vmlinux",
)
```

Consecutive attempts with the same command line share a boot. The test unloads a loaded module before the next
attempt. QEMU emulates the processor (TCG), so the test needs no privileges; a boot of a small kernel takes about two
seconds.

**The kernel** needs a serial console (8250 on x86-64, PL011 on arm64) and `CONFIG_BLK_DEV_INITRD`,
`BINFMT_ELF`, `FUTEX`, `PRINTK`, `PROC_FS`, `PROC_SYSCTL` (since Linux 7.3 `SYSCTL`), and `MODULE_UNLOAD` to
unload modules. Volumes also need `BLK_DEV_LOOP`, `DM_VERITY`, `CRYPTO_SHA256` and `EROFS_FS`, built in.

**Outputs.** A test, and its initramfs `NAME.cpio` (output group `initramfs`). The test's outputs include the serial
log of each boot: `boot-01.serial.log` and so on.

**Failures.** A module that an attempt names, or an image of a volume, that is not in the initramfs is a build error. The
test fails with a table of all attempts, and for each that differs the expected result, the actual result and the
kernel's log. If the kernel panics, hangs or restarts, the test fails with the end of its serial log. It also fails if the
kernel logs another root of its modules than the one in its boot image.
"""

_RUN_DOC = """\
The same as `kernel_boot_test`, as a program: `bazel run` boots the kernel and prints the table. The exit code is 0
only if all results are as expected.

```starlark
load("@rules_modhash//rules:defs.bzl", "kernel_boot", "load_attempt")

kernel_boot(
    name = "demo",
    attempts = [load_attempt(
        name = "sealed module",
        module = "/lib/sealed/kernel/drivers/net/dummy.ko",
    )],
    files = {":tree": "/lib/sealed/"},
    vmlinux = ":vmlinux",
)
```

**Outputs.** A program, and its initramfs `NAME.cpio` (output group `initramfs`). If a result differs, the program keeps
serial logs in a temporary directory and prints its path; `--logs=DIRECTORY` always keeps them.

**Failures.** The same as for `kernel_boot_test`.
"""

_LAUNCHER = """\
#!/bin/sh
cd "${{RUNFILES_DIR:-$0.runfiles}}/{workspace}" || exit 2
exec {arguments} "$@"
"""

def _kernel_and_machine(ctx):
    """The boot image, and its architecture."""
    if bool(ctx.attr.kernel) == bool(ctx.attr.vmlinux):
        fail_attribute(
            ctx.label,
            "vmlinux",
            "both vmlinux and kernel" if ctx.attr.vmlinux else "neither vmlinux nor kernel",
            "one of them: vmlinux for a target of the rule vmlinux, kernel for another boot image",
        )
    if ctx.attr.kernel:
        return _image_and_machine(ctx)
    return ctx.attr.vmlinux[VmlinuxInfo].image, machine_of_vmlinux(ctx)

def _image_and_machine(ctx):
    """The boot image in the attribute kernel, and the architecture in the attribute machine."""
    if VmlinuxInfo in ctx.attr.kernel:
        fail_attribute(
            ctx.label,
            "kernel",
            "%s, a vmlinux" % label_text(ctx.attr.kernel.label),
            "another boot image. Next: set vmlinux instead of kernel",
        )
    if len(ctx.files.kernel) != 1:
        fail_attribute(ctx.label, "kernel", "%d files" % len(ctx.files.kernel), "one boot image")
    return ctx.files.kernel[0], machine_of(ctx)

def _check_machine(ctx, machine):
    if machine not in BOOT_MACHINES:
        fail_attribute(
            ctx.label,
            "vmlinux" if ctx.attr.vmlinux else "kernel",
            "a kernel for the architecture %s" % machine,
            "one for an architecture that boot tests support: %s" % ", ".join(BOOT_MACHINES),
        )

def _write_plan(ctx):
    if not ctx.attr.attempts:
        fail_attribute(ctx.label, "attempts", "none", "at least one load_attempt")
    plan = ctx.actions.declare_file(ctx.label.name + ".plan.json")
    ctx.actions.write(plan, '{"attempts": [\n%s\n], "volumes": [\n%s\n]}\n' % (
        ",\n".join(ctx.attr.attempts),
        ",\n".join(ctx.attr.volumes),
    ))
    return plan

def _init_entry(ctx, machine):
    return struct(file = getattr(ctx.file, "_init_" + machine), path = "/init")

def _write_launcher(ctx, machine, kernel, symbols, initramfs, plan):
    emulator = ctx.toolchains[BOOT_TOOLCHAIN].boot_info.emulators.get(machine, "")
    arguments = [
        ctx.executable._boottest.short_path,
        "--title=" + label_text(ctx.label),
        "--emulator=" + emulator,
        "--machine=" + machine,
        "--memory=%d" % ctx.attr.memory,
        "--kernel=" + kernel.short_path,
        "--initramfs=" + initramfs.short_path,
        "--plan=" + plan.short_path,
        "--cmdline=" + ctx.attr.cmdline,
        "--timeout=%ds" % ctx.attr.boot_timeout,
    ] + ["--system-map=" + file.short_path for file in symbols]
    launcher = ctx.actions.declare_file(ctx.label.name + ".sh")
    content = _LAUNCHER.format(
        arguments = " \\\n    ".join([shell.quote(argument) for argument in arguments]),
        workspace = ctx.workspace_name,
    )
    ctx.actions.write(launcher, content, is_executable = True)
    return launcher

def _with_root(ctx):
    """The vmlinux whose root the kernel must log, in a list. Empty if there is none."""
    info = ctx.attr.vmlinux[VmlinuxInfo] if ctx.attr.vmlinux else None
    return [info.vmlinux] if info and info.tree else []

def _kernel_boot_impl(ctx):
    kernel, machine = _kernel_and_machine(ctx)
    _check_machine(ctx, machine)
    plan = _write_plan(ctx)
    initramfs = ctx.actions.declare_file(ctx.label.name + ".cpio")
    entries = initramfs_entries(ctx) + busybox_entries(ctx, machine) + [_init_entry(ctx, machine)]
    write_initramfs(ctx, initramfs, entries, plan = plan)
    manifest = ctx.toolchains[BOOT_TOOLCHAIN].boot_info.manifest

    # Some boot images do not state where their root is.
    symbols = _with_root(ctx)
    runfiles = ctx.runfiles(files = [kernel, initramfs, plan, manifest] + symbols)
    return [
        DefaultInfo(
            executable = _write_launcher(ctx, machine, kernel, symbols, initramfs, plan),
            runfiles = runfiles.merge(ctx.attr._boottest[DefaultInfo].default_runfiles),
        ),
        OutputGroupInfo(initramfs = depset([initramfs])),
    ]

_ATTRIBUTES = {
    "attempts": attr.string_list(
        doc = "Attempts to load modules, in order, each as `load_attempt` returns it.",
        mandatory = True,
    ),
    "boot_timeout": attr.int(
        doc = "Seconds that a boot may take. The timeout of the test covers all its boots.",
        default = 120,
    ),
    "cmdline": attr.string(doc = "Added to the kernel's command line in all boots."),
    "compression": COMPRESSION_ATTRIBUTE,
    "files": FILES_ATTRIBUTE,
    "kernel": attr.label(
        doc = "A boot image (`bzImage`, `Image`) that is not a `vmlinux` target, for the architecture `machine`.",
        allow_files = True,
    ),
    "memory": attr.int(
        doc = "MiB of memory of the virtual machine.",
        default = 512,
    ),
    "vmlinux": attr.label(
        doc = "The `vmlinux` to boot. It sets the architecture.",
        providers = [VmlinuxInfo],
    ),
    "volumes": attr.string_list(
        doc = "Volumes to mount at `/volumes/NAME` before the attempts of each boot, each as `boot_volume` returns it.",
    ),
    "_boottest": attr.label(
        cfg = "exec",
        default = "//tools/boot/cmd/boottest",
        executable = True,
    ),
    "_mkinitramfs": MKINITRAMFS_ATTRIBUTE,
} | {
    "_init_" + machine: attr.label(
        allow_single_file = True,
        default = "//tools/boot:bootinit_" + machine,
    )
    for machine in BOOT_MACHINES
} | machine_attributes("the boot image `kernel` is for")

kernel_boot_test = rule(
    implementation = _kernel_boot_impl,
    doc = _DOC,
    attrs = _ATTRIBUTES,
    test = True,
    toolchains = [BOOT_TOOLCHAIN],
)

kernel_boot = rule(
    implementation = _kernel_boot_impl,
    doc = _RUN_DOC,
    attrs = _ATTRIBUTES,
    executable = True,
    toolchains = [BOOT_TOOLCHAIN],
)
