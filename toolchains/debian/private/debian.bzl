# SPDX-License-Identifier: Apache-2.0
"""The `debian` module extension."""

load(":modules_package.bzl", "debian_modules_package")

visibility("//toolchains/debian/...")

_modules = tag_class(
    doc = """A Debian package of kernel modules, unpacked into a repository.

```starlark
debian = use_extension("@rules_modhash//toolchains/debian:extensions.bzl", "debian")
debian.modules(
    name = "debian_modules",
    sha256 = "...",  # 64 hex digits
    urls = ["https://mirror.example.org/linux-modules-7.2.12+deb14-amd64_7.2.12-1_amd64.deb"],
)
use_repo(debian, "debian_modules")
```

The repository contains `:modules` (all module files), `:kernel_modules` (the same files as a
`kernel_modules_import`) and `release.bzl` (`RELEASE`, `PACKAGE`, `VERSION`, `SHA256`).
""",
    attrs = {
        "include": attr.string_list(
            default = ["**/*.ko*"],
            doc = """The modules to include: glob patterns of paths below `lib/modules/RELEASE`, such as
`kernel/fs/ext4/*.ko*`. Default: all.""",
        ),
        "name": attr.string(mandatory = True, doc = "Name of the repository."),
        "sha256": attr.string(doc = "SHA-256 digest of the package, 64 hex digits. Mandatory with `urls`. Without `urls`, it selects a package in the world."),
        "urls": attr.string_list(doc = """URLs of the `.deb`. Empty: the package that
`./bazelw` pinned when it created its world (the modules of `linux-image-amd64`)."""),
    },
)

def _debian_impl(module_ctx):
    for module in module_ctx.modules:
        for tag in module.tags.modules:
            debian_modules_package(name = tag.name, include = tag.include, sha256 = tag.sha256, urls = tag.urls)

debian = module_extension(
    doc = "Provides kernel modules from Debian packages.",
    implementation = _debian_impl,
    tag_classes = {"modules": _modules},
)
