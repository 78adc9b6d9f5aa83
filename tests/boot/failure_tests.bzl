# SPDX-License-Identifier: Apache-2.0
"""Tests of errors of archives, which run the program."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//rules:defs.bzl", "boot_volume", "initramfs", "kernel_boot_test", "load_attempt")
load("//tests/private:action_failure_test.bzl", "action_failure_test")

visibility("//...")

def _initramfs_failure_test(name, error, target):
    action_failure_test(name = name, size = "small", error = ["mkinitramfs: " + error], mnemonic = "ModhashInitramfs", target = target)

def _boot(name, attempt, volumes = []):
    kernel_boot_test(
        name = name,
        size = "small",
        attempts = [attempt],
        kernel = name.rpartition("_")[0] + "_file",
        machine = "arm64",
        tags = ["manual"],
        volumes = volumes,
    )

def failure_tests(name):
    """Tests that the program rejects archives with the expected error, and leaves no output.

    Args:
      name: string, the suite's name.
    """
    write_file(name = name + "_file", out = name + ".txt", content = ["text"])

    initramfs(
        name = name + "_twice",
        files = {"BUILD.bazel": "/init", name + "_file": "/init/"},
        tags = ["manual"],
    )
    _initramfs_failure_test(
        name = name + "_twice_test",
        error = "adding to the initramfs: got the path /init for both tests/boot/BUILD.bazel and directory of",
        target = name + "_twice",
    )

    _boot(name + "_missing", load_attempt(name = "not there", module = "/m.ko"))
    _initramfs_failure_test(
        name = name + "_missing_test",
        error = "attempt \"not there\" needs the file /m.ko, which is not in the initramfs",
        target = name + "_missing",
    )

    _boot(name + "_result", load_attempt(name = "wrong", module = "/m.ko", result = "EWRONG"))
    _initramfs_failure_test(
        name = name + "_result_test",
        error = "boot plan: attempt 1 (\"wrong\"): result: got \"EWRONG\", want ok or the name of an errno such as EKEYREJECTED",
        target = name + "_result",
    )

    in_volume = load_attempt(name = "in a volume", module = "/volumes/v/m.ko")
    _boot(name + "_image", in_volume, [boot_volume(name = "v", image = "/v.img")])
    _initramfs_failure_test(
        name = name + "_image_test",
        error = "volume \"v\" needs the file /v.img, which is not in the initramfs",
        target = name + "_image",
    )

    _boot(name + "_volume", in_volume)
    _initramfs_failure_test(
        name = name + "_volume_test",
        error = "boot plan: attempt 1 (\"in a volume\"): got the file /volumes/v/m.ko, want one of a volume of the plan: []",
        target = name + "_volume",
    )

    _boot(name + "_option", in_volume, [boot_volume(name = "v", image = "/v.img", options = ["ignore"])])
    _initramfs_failure_test(
        name = name + "_option_test",
        error = "boot plan: volume 1 (\"v\"): options: got \"ignore\", want names among check_at_most_once, ",
        target = name + "_option",
    )

    write = {"/sys/kernel/security/ipe/enforce": ("0", "refused")}
    _boot(name + "_write", load_attempt(name = "write", module = "/m.ko", write = write))
    _initramfs_failure_test(
        name = name + "_write_test",
        error = "boot plan: attempt 1 (\"write\"): write: got the result \"refused\" for /sys/kernel/security/ipe/enforce, want ok or the name of an errno such as EACCES",
        target = name + "_write",
    )
