# SPDX-License-Identifier: Apache-2.0
"""The repository rule of `debian.modules`."""

load("//toolchains/world:manifest.bzl", "choose_archive", "world_archives")

visibility("//toolchains/debian/...")

_BUILD = """\
load("@rules_modhash//rules:defs.bzl", "kernel_modules_import")

package(default_visibility = ["//visibility:public"])

exports_files(["release.bzl"])

filegroup(
    name = "modules",
    srcs = glob({include}),
)

kernel_modules_import(
    name = "kernel_modules",
    srcs = [":modules"],
    strip_prefix = "{root}",
)
"""

def _apparent_name(rctx):
    return rctx.name.replace("+", "~").rpartition("~")[2]

def _package(rctx):
    """Downloads or finds the package. Returns struct(path, name, version, sha256)."""
    if rctx.attr.urls:
        if not rctx.attr.sha256:
            fail("debian.modules(name = %r): got urls without sha256. " % _apparent_name(rctx) +
                 "Next: add the package's SHA-256 digest, so that the build stays the same")
        rctx.download(url = rctx.attr.urls, output = "package.deb", sha256 = rctx.attr.sha256)
        name, version, _ = rctx.attr.urls[0].rpartition("/")[2].split("_", 2)
        return struct(path = "package.deb", name = name, version = version, sha256 = rctx.attr.sha256)
    archives = world_archives(rctx, "linux-modules-") + world_archives(rctx, "linux-image-")
    archive = choose_archive(archives, rctx.attr.sha256)
    if not archive:
        fail("debian.modules(name = %r): got no urls, and no ./bazelw world with a package. " % _apparent_name(rctx) +
             "Next: build with ./bazelw (BAZELW=world), or set urls and sha256")
    if rctx.attr.sha256 and rctx.attr.sha256 != archive.sha256:
        fail("debian.modules(name = %r): got %s with SHA-256 %s from the world, want %s" %
             (_apparent_name(rctx), archive.name, archive.sha256, rctx.attr.sha256))

    # Copies the file, and checks it against the manifest.
    rctx.download(url = ["file://" + archive.path], output = "package.deb", sha256 = archive.sha256)
    return struct(path = "package.deb", name = archive.name, version = archive.version, sha256 = archive.sha256)

def _release_dir(rctx, package):
    """Returns the directory lib/modules/RELEASE of the unpacked package."""
    for parent in ["usr/lib/modules", "lib/modules"]:
        path = rctx.path(parent)
        if path.exists:
            found = path.readdir()
            if len(found) == 1:
                return parent + "/" + found[0].basename
    fail("%s %s: got none or several directories usr/lib/modules/RELEASE in the package, want one" %
         (package.name, package.version))

def _debian_modules_package_impl(rctx):
    package = _package(rctx)
    rctx.report_progress("Unpacking " + package.name)
    rctx.extract(package.path)
    for data in ["data.tar.xz", "data.tar.zst"]:
        if rctx.path(data).exists:
            rctx.extract(data)
    for member in ["control.tar.xz", "control.tar.zst", "data.tar.xz", "data.tar.zst", "debian-binary"]:
        rctx.delete(member)
    rctx.delete(package.path)
    root = _release_dir(rctx, package)
    rctx.file("release.bzl", "".join([
        '"""What the modules of this repository are."""\n\n',
        "RELEASE = %r\n" % root.rpartition("/")[2],
        "PACKAGE = %r\n" % package.name,
        "VERSION = %r\n" % package.version,
        "SHA256 = %r\n" % package.sha256,
    ]))
    rctx.file("BUILD.bazel", _BUILD.format(
        include = [root + "/" + pattern for pattern in rctx.attr.include],
        root = root,
    ))

debian_modules_package = repository_rule(
    implementation = _debian_modules_package_impl,
    doc = "Unpacks a Debian package of kernel modules. See `debian.modules`.",
    attrs = {
        "include": attr.string_list(doc = "Glob patterns of the modules to include, below lib/modules/RELEASE."),
        "sha256": attr.string(doc = "SHA-256 digest of the package. Without urls, it selects a package in the world."),
        "urls": attr.string_list(doc = "URLs of the package. Empty: the package in the ./bazelw world."),
    },
    environ = ["RULES_MODHASH_WORLD"],
)
