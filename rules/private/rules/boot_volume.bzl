# SPDX-License-Identifier: Apache-2.0
"""boot_volume: one volume with modules, for kernel_boot_test."""

visibility("//...")

def boot_volume(name, image, table = "", options = [], plain = False):
    """One volume with modules: for `volumes` of `kernel_boot_test`.

    The virtual machine mounts the image of an EROFS file system, read-only, at `/volumes/NAME`. By default it does so
    through dm-verity, by which the kernel checks each block that it reads. Then the image must be a module image: one
    with a dm-verity hash tree after the file system. IPE (Integrity Policy Enforcement) allows modules by the root
    hash of such a volume.

    ```starlark
    load("@rules_modhash//rules:defs.bzl", "boot_volume", "kernel_boot_test", "load_attempt")

    kernel_boot_test(
        name = "volume_test",
        attempts = [
            load_attempt(
                name = "module in the volume",
                module = "/volumes/modules/kernel/drivers/net/dummy.ko",
            ),
            load_attempt(
                name = "copy of it",
                copy = {"/volumes/modules/kernel/drivers/net/dummy.ko": "/tmp/dummy.ko"},
                module = "/tmp/dummy.ko",
                result = "EACCES",
            ),
        ],
        files = {":modules.img": "/modules.img"},
        vmlinux = ":vmlinux",
        volumes = [boot_volume(
            name = "modules",
            image = "/modules.img",
        )],
    )
    ```

    If the data of an image does not match the root hash, that is no error of the volume. An attempt that reads such data
    has the result `EIO`.

    Args:
      name: string, the name of the volume, of letters, digits, `_`, `.` and `-`. Unique in a test.
      image: string, the path of the image in the initramfs.
      table: string, the path in the initramfs of the module image whose root hash and sizes the volume gets, or empty:
        those of `image`. With another one, the volume is what an attacker gets who changes the data of that image.
      options: list of strings, optional parameters of dm-verity: `ignore_corruption`, `restart_on_corruption`,
        `panic_on_corruption`, `ignore_zero_blocks`, `check_at_most_once`.
      plain: bool, whether to mount the image without dm-verity.

    Returns:
      string: the volume in JSON.
    """
    return json.encode({
        "image": image,
        "name": name,
        "options": options,
        "plain": plain,
        "table": table,
    })
