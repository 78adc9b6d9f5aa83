# SPDX-License-Identifier: Apache-2.0
"""Kernel source in a directory of this machine, which is edited there."""

visibility("//toolchains/kernel/...")

# What `find` prints of each file: its type (x: an executable file), its path, and the target of a symbolic link.
_FIND = [
    "-mindepth",
    "1",
    "(",
    # Not source: a Git directory, backups and locks of editors.
    "(",
    "-name",
    ".git",
    "-o",
    "-name",
    "*~",
    "-o",
    "-name",
    ".*.sw[a-p]",
    "-o",
    "-name",
    ".#*",
    ")",
    "-prune",
    ")",
    "-o",
    "(",
    "-type",
    "f",
    "-perm",
    "/111",
    "-printf",
    "x/%P\\t\\0",
    ")",
    "-o",
    "-printf",
    "%y/%P\\t%l\\0",
]

# What file names cannot contain, because labels cannot.
_NOT_IN_LABELS = [":", "\\", "\t", "\n"]

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
        if type not in found:
            fail_source("got the file %s of type %s, want files, directories and symbolic links" % (path, type))
        for character in _NOT_IN_LABELS:
            if character in path or (character in "\t\n" and character in target):
                fail_source("got the file name %r, want one without ':', '\\\\', tabs and line ends, which Bazel does not support. Next: rename or remove the file" % path)
        found[type].append((path, target))
    return found

def _watch(rctx, top, found):
    """Has Bazel fetch the repository again if a file is added, removed or renamed. Bazel finds changed contents itself."""
    rctx.path(top).readdir(watch = "yes")
    for path, _ in found["d"]:
        top.get_child(path).readdir(watch = "yes")

def makefile_version(text):
    """The version in the Makefile of a kernel.

    Args:
      text: string, the Makefile.

    Returns:
      string such as `7.2.12` or `7.3.0-rc7`, or None if the Makefile has none.
    """
    numbers = {}
    for line in text.split("\n")[:20]:
        name, equals, value = line.partition("=")
        if equals:
            numbers.setdefault(name.strip(), value.strip())
    if not numbers.get("VERSION") or not numbers.get("PATCHLEVEL"):
        return None
    return ".".join([
        numbers["VERSION"],
        numbers["PATCHLEVEL"],
        numbers.get("SUBLEVEL") or "0",
    ]) + numbers.get("EXTRAVERSION", "")

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
