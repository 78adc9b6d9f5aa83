# SPDX-License-Identifier: Apache-2.0
"""kernel_deb: a kernel and its modules as a package for Debian and its relatives."""

load("@rules_pkg//pkg:deb.bzl", "pkg_deb")
load("//rules/private:modules_install.bzl", "modules_install")
load("//tools/arch:arch.bzl", "DEBIAN_ARCHITECTURES")

visibility("//...")

_SCRIPT = Label("//rules/private/deb:maintainer_script.sh")

def kernel_deb(
        name,
        kernel,
        tree,
        vmlinux,
        release,
        version,
        maintainer,
        machine = "x86_64",
        compression = "none",
        description = "Linux kernel that knows its modules by their hashes",
        depends = ["kmod"],
        recommends = ["linux-initramfs-tool"],
        **kwargs):
    """A kernel and its sealed modules as a package `linux-image-RELEASE`, for Debian and its relatives.

    ```starlark
    load("@rules_modhash//rules:deb.bzl", "kernel_deb")

    kernel_deb(
        name = "linux-image",
        kernel = ":kernel",
        maintainer = "Kernel Team <kernel@example.org>",
        release = "7.2.12-hashed",
        tree = ":tree",
        version = "7.2.12-1",
        vmlinux = ":vmlinux",
    )
    ```

    **Outputs.** `linux-image-RELEASE_VERSION_ARCHITECTURE.deb`, and the `.changes` of it. In it are the kernel's image,
    `System.map` and `config` in `/boot`, and `/usr/lib/modules/RELEASE`. Its maintainer scripts run those in
    `/etc/kernel/{preinst,postinst,prerm,postrm}.d`, as Debian's own do: the target system makes its initramfs then.

    **Failures.** Another release than the kernel's is an error of the build, and so are those of `modules_install`.

    Args:
      name: string.
      kernel: label of the `kernel_build`.
      tree: label of the `module_tree`.
      vmlinux: label of the `vmlinux`, linked with the root of that tree.
      release: string, the kernel's release, as `uname -r` prints it. Part of the package's name.
      version: string, the package's version.
      maintainer: string, `NAME <ADDRESS>`.
      machine: string, the machine that the kernel is for, as in `module_tree`.
      compression: string, as in `modules_install`.
      description: string.
      depends: list of strings, packages.
      recommends: list of strings, packages.
      **kwargs: further attributes of `pkg_deb` of rules_pkg, such as `visibility`.
    """
    common = {key: kwargs[key] for key in ["tags", "testonly"] if key in kwargs}
    modules_install(
        name = name + ".root",
        compression = compression,
        kernel = kernel,
        prefix = "usr",
        release = release,
        tree = tree,
        vmlinux = vmlinux,
        **common
    )
    native.filegroup(
        name = name + ".data",
        srcs = [name + ".root"],
        output_group = "tar",
        **common
    )
    pkg_deb(
        name = name,
        architecture = DEBIAN_ARCHITECTURES[machine],
        data = name + ".data",
        depends = depends,
        description = description,
        maintainer = maintainer,
        package = "linux-image-" + release,
        postinst = _SCRIPT,
        postrm = _SCRIPT,
        preinst = _SCRIPT,
        prerm = _SCRIPT,
        priority = "optional",
        recommends = recommends,
        section = "kernel",
        version = version,
        **kwargs
    )
