# SPDX-License-Identifier: Apache-2.0
"""The `modhash` module extension: a modhash that was built before, in place of one built from source."""

visibility("//toolchains/modhash/...")

# Architectures of releases, as Go names them, with the CPU of @platforms.
_CPUS = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}

_HEX = "0123456789abcdef"

_PROGRAM = """\
load("@rules_modhash//toolchains/modhash:toolchain.bzl", "modhash_toolchain")

modhash_toolchain(
    name = "toolchain",
    modhash = "modhash",
    visibility = ["//visibility:public"],
)
"""

_TOOLCHAIN = """\
toolchain(
    name = "{architecture}",
    exec_compatible_with = [
        "@platforms//cpu:{cpu}",
        "@platforms//os:linux",
    ],
    toolchain = "@{repository}//:toolchain",
    toolchain_type = "@rules_modhash//toolchains/modhash:toolchain_type",
)
"""

def _program_repository_impl(rctx):
    rctx.download(url = rctx.attr.urls, output = "modhash", executable = True, sha256 = rctx.attr.sha256)
    rctx.file("BUILD.bazel", _PROGRAM, executable = False)

_program_repository = repository_rule(
    implementation = _program_repository_impl,
    doc = "The program for one architecture. Fetched when its toolchain is chosen.",
    attrs = {
        "sha256": attr.string(doc = "SHA-256 digest of the program.", mandatory = True),
        "urls": attr.string_list(doc = "Where to download the program.", mandatory = True),
    },
)

def _toolchains_repository_impl(rctx):
    rctx.file("BUILD.bazel", "\n".join([
        _TOOLCHAIN.format(architecture = architecture, cpu = _CPUS[architecture], repository = repository)
        for architecture, repository in rctx.attr.programs.items()
    ]), executable = False)

_toolchains_repository = repository_rule(
    implementation = _toolchains_repository_impl,
    doc = "Toolchains to register: which program is for which execution platform.",
    attrs = {
        "programs": attr.string_dict(doc = "`{architecture: repository}` of the programs.", mandatory = True),
    },
)

def _check(tag):
    for architecture, digest in tag.sha256.items():
        if architecture not in _CPUS:
            fail("modhash.prebuilt(name = %r): attribute sha256: got the architecture %r, want one of %s" %
                 (tag.name, architecture, ", ".join(sorted(_CPUS))))
        if len(digest) != 64 or [c for c in digest.elems() if c not in _HEX]:
            fail("modhash.prebuilt(name = %r): attribute sha256: got the digest %r of %s, want 64 hex digits. " %
                 (tag.name, digest, architecture) + "Next: copy it from SHA256SUMS of the release")

def _declare(tag):
    """Declares the repositories of one tag: toolchains, and a program for each architecture."""
    _check(tag)
    programs = {architecture: "%s_%s" % (tag.name, architecture) for architecture in tag.sha256}
    for architecture, repository in programs.items():
        _program_repository(
            name = repository,
            sha256 = tag.sha256[architecture],
            urls = [url.replace("{architecture}", architecture) for url in tag.urls],
        )
    _toolchains_repository(name = tag.name, programs = programs)

def _modhash_impl(module_ctx):
    for module in module_ctx.modules:
        for tag in module.tags.prebuilt:
            _declare(tag)

_prebuilt = tag_class(
    doc = """The `modhash` programs of a release, by their digests, as toolchains.

```starlark
modhash = use_extension("@rules_modhash//toolchains/modhash:extensions.bzl", "modhash")
modhash.prebuilt(
    name = "modhash_prebuilt",
    # From SHA256SUMS of the release.
    sha256 = {"amd64": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
    urls = ["https://mirror.example.org/modhash-0.1.0-linux-{architecture}"],
)
use_repo(modhash, "modhash_prebuilt")

register_toolchains("@modhash_prebuilt//:all")
```

The rules give the same bytes by this program as by one that they build from source, which they do where no toolchain
here fits the execution platform. With it, a workspace that only hashes modules compiles nothing and fetches no Go.

**Failures.** An unknown architecture and a malformed digest are errors of the extension. A program with another digest
is an error of each build that needs it; Bazel's message has both digests.
""",
    attrs = {
        "name": attr.string(doc = "Name of the repository with the toolchains.", mandatory = True),
        "sha256": attr.string_dict(
            doc = """SHA-256 digest of the program for each architecture: `{architecture: digest}`, 64 hex digits. Architectures
are `amd64`, `arm64`, `ppc64le`, `riscv64` and `s390x`.""",
            mandatory = True,
        ),
        "urls": attr.string_list(
            doc = "Where to download the programs, the first one that answers counts. `{architecture}` stands for the architecture.",
            mandatory = True,
        ),
    },
)

modhash = module_extension(
    doc = "Brings in `modhash` programs that were built before.",
    implementation = _modhash_impl,
    tag_classes = {"prebuilt": _prebuilt},
)
