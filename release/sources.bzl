# SPDX-License-Identifier: Apache-2.0
"""The `release_sources` module extension: what the source archive of a release is made of."""

visibility("//release/...")

# In the top directory.
_FILES = [
    ".bazelversion",
    "BUILD.bazel",
    "CHANGELOG.md",
    "LICENSE",
    "MODULE.bazel",
    "README.md",
    "SECURITY.md",
    "bazelw",
    "go.mod",
    "go.sum",
]

# With all below them, but for what _is_for_developers names.
_DIRECTORIES = [
    "docs",
    "examples/smoke",
    "proto",
    "rules",
    "toolchains",
    "tools",
]

def _is_for_developers(path):
    """Whether users do not need a file or directory, by its path in the source tree."""
    name = path.rpartition("/")[2]
    return name == "testdata" or name.endswith(("_test.go", "_test.sh")) or path == "docs/BUILD.bazel"

def _walk(root, directories):
    """Lists the files below some directories of the source tree, by their paths in it.

    Whoever adds or removes a file there has the repository fetched again.
    """
    files = []
    pending = directories
    for _ in range(64):
        found = ["%s/%s" % (parent, entry.basename) for parent in pending for entry in root.get_child(parent).readdir(watch = "yes")]
        found = [path for path in found if not _is_for_developers(path)]
        pending = [path for path in found if root.get_child(path).is_dir]
        files += [path for path in found if path not in pending]
        if not pending:
            return files
    fail("directories are nested too deep: %s" % pending)

def _release_sources_repository_impl(rctx):
    root = rctx.path(Label("//:MODULE.bazel")).dirname
    for path in _FILES + _walk(root, _DIRECTORIES):
        # By another name, or a BUILD.bazel would be the BUILD file of a package here, out of reach of the glob.
        rctx.symlink(root.get_child(path), "files/%s.file" % path)
    rctx.file("BUILD.bazel", """\
filegroup(
    name = "files",
    srcs = glob(["files/**"]),
    visibility = ["@rules_modhash//release:__pkg__"],
)
""")

_release_sources_repository = repository_rule(
    implementation = _release_sources_repository_impl,
    doc = "The source tree's files that users need, each as a link with `.file` after its name.",
    local = True,
)

def _release_sources_impl(_module_ctx):
    _release_sources_repository(name = "rules_modhash_release_sources")

release_sources = module_extension(
    doc = "The files of the source tree that a release contains, for `//release`: developers alone use it.",
    implementation = _release_sources_impl,
)
