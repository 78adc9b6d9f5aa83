# SPDX-License-Identifier: Apache-2.0
"""Minimal kernels without patches that take modules from a module image alone, and their boot tests."""

load("@rules_go//go:def.bzl", "go_test")
load("//rules:defs.bzl", "boot_volume", "hashed_kernel", "kernel_boot_test", "load_attempt")
load("//tests/boot/small:small_kernel.bzl", "MODULES")

visibility("//tests/...")

_IMAGE = "/images/modules.img"
_FLIPPED = "/images/flipped.img"
_OTHER = "/images/other.img"

# The module that the attempts load. It is the first one in each image, so flip.sh changes a bit of it.
_MODULE = "kernel/fs/nls/nls_ascii.ko"

_DENIED = "ipe_op=KMODULE"

def _volume(name):
    return "/volumes/%s/%s" % (name, _MODULE)

def _attempts():
    """From where the kernel takes modules, and what an attacker with all privileges can do about it."""
    refused = {"log": [_DENIED], "result": "EACCES"}
    return [
        load_attempt(name = "module on the volume", module = _volume("modules")),
        load_attempt(name = "the same, passed to the kernel as a buffer", module = _volume("modules"), via = "init_module", **refused),
        load_attempt(name = "a copy in the initramfs", copy = {_volume("modules"): "/tmp/copy.ko"}, module = "/tmp/copy.ko", **refused),
        load_attempt(name = "the same volume without dm-verity", module = _volume("plain"), **refused),
        load_attempt(name = "a volume with another root hash", module = _volume("other"), **refused),
        load_attempt(name = "a volume with a flipped bit", module = _volume("flipped"), result = "EIO"),
        load_attempt(
            name = "an unsigned policy",
            module = _volume("plain"),
            write = {"/sys/kernel/security/ipe/new_policy": ("policy_name=open policy_version=2.0.0\nDEFAULT action=ALLOW\n", "EBADMSG")},
            **refused
        ),
        # What IPE does not prevent: docs/explanation/threat-model.md. Each starts anew, with the policy as it was.
        load_attempt(
            name = "dm-verity set up to ignore corruption",
            fresh = True,
            module = _volume("ignored"),
        ),
        load_attempt(
            name = "enforcement switched off by root",
            copy = {_volume("modules"): "/tmp/copy.ko"},
            fresh = True,
            module = "/tmp/copy.ko",
            write = {"/sys/kernel/security/ipe/enforce": "0"},
        ),
        load_attempt(
            name = "enforcement switched off on the command line",
            cmdline = "ipe.enforce=0",
            module = _volume("plain"),
        ),
    ]

def ipe_kernel(name, source, machine = "x86_64", compiler = "gcc", tags = []):
    """A kernel without patches, with a boot test of the core of the matrix.

    Args:
      name: string, as in hashed_kernel.
      source: label of a kernel_source without patches.
      machine: string, as in hashed_kernel.
      compiler: string, as in hashed_kernel.
      tags: list of strings, of all targets.
    """
    hashed_kernel(
        name = name,
        base = "tinyconfig",
        compiler = compiler,
        fragments = ["//tests/boot/small:%s.config" % fragment for fragment in ["small", machine, "gzip", "ipe"]] +
                    ["//examples/kernel:proc_sys_config"],
        integrity = "ipe",
        machine = machine,
        modules = MODULES,
        source = source,
        tags = tags,
        visibility = ["//tests:__subpackages__"],
    )

    for files, (target, group) in {
        "image": (name + "_image", "image"),
        "installed": (name + "_image", "installed"),
        "kernel": (name + "_kernel", "vmlinux"),
        "unstripped": (name, "unstripped"),
    }.items():
        native.filegroup(
            name = "%s_%s_files" % (name, files),
            srcs = [target],
            output_group = group,
            tags = tags,
        )

    # The same modules, and one byte more in another file: another root hash.
    native.genrule(
        name = name + "_other",
        srcs = [name + "_installed_files"],
        outs = [name + "_other.img"],
        cmd = """
            cp -RL $(execpath {name}_installed_files) $(@D)/other
            chmod -R u+w $(@D)/other
            echo >>$(@D)/other/lib/modules/*/modules.order
            $(execpath //tools/merkle/cmd/modhash) image write --quiet --install-root $(@D)/other --out $@
            rm -r $(@D)/other
        """.format(name = name),
        tags = tags,
        tools = ["//tools/merkle/cmd/modhash"],
    )
    native.genrule(
        name = name + "_flipped",
        srcs = [name + "_image_files"],
        outs = [name + "_flipped.img"],
        cmd = "$(execpath :flip) $< $@",
        tags = tags,
        tools = [":flip"],
    )
    go_test(
        name = name + "_bytes_test",
        size = "small",
        srcs = ["bytes_test.go"],
        data = [
            name + "_image_files",
            name + "_kernel_files",
            name + "_unstripped_files",
        ],
        env = {
            "BLANK": "%s/%s_kernel" % (native.package_name(), name),
            "IMAGE": "$(rootpath %s_image_files)" % name,
            "KERNEL": "%s/%s" % (native.package_name(), name),
        },
        tags = tags,
        deps = [
            "//tests/private/runfile",
            "//tools/moduleimage",
        ],
    )
    kernel_boot_test(
        name = name + "_boot_test",
        size = "medium",
        attempts = _attempts(),
        files = {
            name + "_flipped": _FLIPPED,
            name + "_image_files": _IMAGE,
            name + "_other": _OTHER,
        },
        tags = tags,
        vmlinux = name,
        volumes = [
            boot_volume(name = "modules", image = _IMAGE),
            boot_volume(name = "plain", image = _IMAGE, plain = True),
            boot_volume(name = "other", image = _OTHER),
            boot_volume(name = "flipped", image = _FLIPPED, table = _IMAGE),
            boot_volume(name = "ignored", image = _FLIPPED, options = ["ignore_corruption"], table = _IMAGE),
        ],
    )
