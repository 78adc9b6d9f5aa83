# SPDX-License-Identifier: Apache-2.0
"""kernel_deb: a kernel and its modules as a package for Debian and its derivatives."""

load("@rules_pkg//pkg:deb.bzl", "pkg_deb")
load("//rules/private/rules:deb_fields.bzl", "deb_fields")
load("//rules/private/rules:modules_install.bzl", "modules_install")

visibility("//...")

_SCRIPT = Label("//rules/private/deb:maintainer_script.sh")

def kernel_deb(
        name,
        vmlinux,
        maintainer,
        release = None,
        version = None,
        compression = "none",
        description = "Linux kernel that knows its modules by their hashes",
        depends = ["kmod"],
        recommends = ["linux-initramfs-tool"],
        **kwargs):
    """A kernel and its sealed modules as a package `linux-image-RELEASE`, for Debian and its derivatives.

    ```starlark
    load("@rules_modhash//rules:deb.bzl", "kernel_deb")

    kernel_deb(
        name = "linux-image",
        maintainer = "Kernel Team <kernel@example.org>",
        release = "7.2.12-hashed",
        vmlinux = ":vmlinux",
    )
    ```

    **Outputs.** `PACKAGE_VERSION.deb`, or `PACKAGE_release.deb` if the version is the kernel's release, and its
    `.changes` file. The package contains the kernel's image, `System.map` and `config` in `/boot`, and
    `/usr/lib/modules/RELEASE`. Its maintainer scripts run the scripts in
    `/etc/kernel/{preinst,postinst,prerm,postrm}.d`, as those of Debian's kernels do, so that the target system writes
    its initramfs.

    **Failures.** A `release` other than the kernel's is a build error. The failures of `modules_install` apply too.

    Args:
      name: string.
      vmlinux: label of the `vmlinux`. It provides the kernel's release, architecture and modules.
      maintainer: string, `NAME <ADDRESS>`.
      release: string, the kernel's release, as `uname -r` prints it: the package's name is `linux-image-RELEASE`, so
        that several kernels can be installed. Default: the package's name is the target's name.
      version: string, the package's version. Default: the kernel's release.
      compression: string, as in `modules_install`.
      description: string.
      depends: list of strings, packages.
      recommends: list of strings, packages.
      **kwargs: further attributes of `pkg_deb` of rules_pkg, such as `visibility`.
    """
    common = {
        key: kwargs[key]
        for key in ["tags", "target_compatible_with", "testonly"]
        if key in kwargs
    }
    modules_install(
        name = name + ".root",
        boot = True,
        compression = compression,
        # Arguments of an earlier version: modules_install reports what replaced them.
        kernel = kwargs.pop("kernel", None),
        prefix = "usr",
        release = release,
        tree = kwargs.pop("tree", None),
        vmlinux = vmlinux,
        **common
    )
    native.filegroup(
        name = name + ".data",
        srcs = [name + ".root"],
        output_group = "tar",
        **common
    )
    deb_fields(
        name = name + ".fields",
        architecture = name + ".architecture",
        script = name + ".script",
        version = name + ".version",
        vmlinux = vmlinux,
        **common
    )
    package = "linux-image-" + release if release else name
    script = _SCRIPT if release else name + ".script"
    pkg_deb(
        name = name,
        architecture_file = name + ".architecture",
        data = name + ".data",
        depends = depends,
        description = description,
        maintainer = maintainer,
        package = package,
        package_file_name = kwargs.pop("package_file_name", "%s_%s.deb" % (package, version or "release")),
        postinst = script,
        postrm = script,
        preinst = script,
        prerm = script,
        priority = "optional",
        recommends = recommends,
        section = "kernel",
        version = version,
        version_file = None if version else name + ".version",
        **kwargs
    )
