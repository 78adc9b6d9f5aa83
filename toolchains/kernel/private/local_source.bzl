# SPDX-License-Identifier: Apache-2.0
"""Kernel source in a directory of this machine, which is edited there."""

load("//toolchains/kernel:versions.bzl", "makefile_version")

visibility("//toolchains/kernel/...")

def _any_of(test, patterns):
    """Arguments of find for a file that one of the patterns matches."""
    words = []
    for pattern in patterns:
        words += ["-o", test, pattern]
    return ["("] + words[1:] + [")"]

# Not source: a Git directory, backups and locks of editors.
_LEFT_OUT = [".git", "*~", ".*.sw[a-p]", ".#*"]

# Names that a label, or the Bazel of some distribution, does not support. The locale is C.
_UNSUPPORTED = ["*[! -~]*", "*[:\\\\]*"]

# What find prints of each file: its type, its path, and the target of a symbolic link. x is an executable file, - a name
# that is not supported.
_FIND = ["-mindepth", "1"] + _any_of("-name", _LEFT_OUT) + ["-prune", "-o"] + [
    "(",
] + _any_of("-name", _UNSUPPORTED) + ["-o", "-lname", "*[! -~]*", ")", "-printf", "-/%P\\t\\0", "-o"] + [
    "-type",
    "f",
    "-perm",
    "/111",
    "-printf",
    "x/%P\\t\\0",
    "-o",
    "-printf",
    "%y/%P\\t%l\\0",
]

_BUILD = """\
load("@rules_modhash//rules:defs.bzl", "kernel_source")

package(default_visibility = ["//visibility:public"])

exports_files(["version.bzl"])

kernel_source(
    name = "source",
    srcs = [
{srcs}    ],
    listing = "listing.tsv",
    patches = {patches},
    strip_prefix = "linux",
    version = "{version}",
)
"""

def _find(rctx, fail_source, top):
    """Lists the tree. Returns a dictionary of type to list of (path, target)."""
    result = rctx.execute(["find", str(top)] + _FIND, environment = {"LC_ALL": "C"})
    if result.return_code:
        fail_source("listing %s: %s. Next: check that find is GNU find, and that all directories can be read" % (top, result.stderr.strip()))
    found = {type: [] for type in ["d", "f", "l", "x"]}
    for line in result.stdout.split("\0")[:-1]:
        type, _, words = line.partition("/")
        path, _, target = words.rpartition("\t")
        if type == "-":
            fail_source("got the file name or link %r, want ASCII without ':', '\\\\' and control characters: Bazel supports no others. Next: rename or remove the file" % path)
        if type not in found:
            fail_source("got the file %s of type %s, want files, directories and symbolic links" % (path, type))
        found[type].append((path, target))
    return found

def _watch(rctx, top, found):
    """Has Bazel fetch the repository again if a file is added, removed or renamed. Bazel finds changed contents itself."""
    rctx.path(top).readdir(watch = "yes")
    for path, _ in found["d"]:
        top.get_child(path).readdir(watch = "yes")

def _version(rctx, fail_source, top):
    makefile = top.get_child("Makefile")
    rctx.watch(makefile)
    rctx.watch(top.get_child("Kbuild"))
    version = makefile_version(rctx.read(makefile)) if makefile.exists else None
    if not version or not top.get_child("Kbuild").exists:
        fail_source("got the path %s, which has no Kbuild and no Makefile with a version, want the top of an unpacked Linux tree" % top)
    return rctx.attr.version or version

def local_source(rctx, fail_source):
    """Writes a repository whose `:source` is the tree in the directory of the attribute `path`.

    Args:
      rctx: repository_ctx, with the attributes `patches`, `path` and `version`.
      fail_source: function that fails with a message about the tag.

    Returns:
      string, the version.
    """
    path = rctx.attr.path
    top = rctx.path(path if path.startswith("/") else "%s/%s" % (rctx.workspace_root, path))
    version = _version(rctx, fail_source, top)
    top = top.realpath
    if top == rctx.workspace_root.realpath:
        fail_source("got the directory of the workspace as path, want one below it or outside it")
    found = _find(rctx, fail_source, top)
    _watch(rctx, top, found)
    rctx.symlink(top, "linux")

    # A BUILD file of the tree does not make a package.
    rctx.file(".bazelignore", "linux\n", executable = False)
    lines = ["executable\t%s\n" % path for path, _ in found["x"]] + ["link\t%s\t%s\n" % link for link in found["l"]]
    rctx.file("listing.tsv", "".join(sorted(lines)), executable = False, legacy_utf8 = False)
    rctx.file("BUILD.bazel", _BUILD.format(
        srcs = "".join(["        %r,\n" % ("linux/" + path) for path, _ in sorted(found["f"] + found["x"])]),
        patches = [str(label) for label in rctx.attr.patches],
        version = version,
    ), executable = False, legacy_utf8 = False)
    return version
