# SPDX-License-Identifier: Apache-2.0
"""Unit tests of install paths."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load(
    "//rules/private:paths.bzl",
    "drop_compression",
    "is_clean",
    "is_install_path",
    "is_module_path",
    "join_paths",
    "path_below_package",
)  # buildifier: disable=bzl-visibility

visibility("//...")

def _names_test_impl(ctx):
    env = unittest.begin(ctx)
    for path, bare in {
        "a.ko": "a.ko",
        "a.ko.gz": "a.ko",
        "kernel/a.ko.xz": "kernel/a.ko",
        "kernel/a.ko.zst": "kernel/a.ko",
        "old.ko.d/a.ko.ko.gz": "old.ko.d/a.ko.ko",
    }.items():
        asserts.true(env, is_module_path(path), path)
        asserts.equals(env, bare, drop_compression(path))
    for path in ["", "a", "a.o", "a.ko.bz2", "a.ko/b", "a.gz", "modules.order"]:
        asserts.false(env, is_module_path(path), path)
    return unittest.end(env)

def _clean_test_impl(ctx):
    env = unittest.begin(ctx)
    for path in ["a", "a/b", "...", "a b", "a/..b", ".a"]:
        asserts.true(env, is_clean(path), path)
    for path in ["", "/", "/a", "a/", "a//b", ".", "./a", "a/.", "..", "a/../b", "a\nb", "a\rb"]:
        asserts.false(env, is_clean(path), repr(path))
    for path in ["a.ko", "kernel/a-b_c.ko"]:
        asserts.true(env, is_install_path(path), path)
    for path in ["", ".ko", "a/.ko", "a.ko.xz", "a.o", "/a.ko", "a.ko/"]:
        asserts.false(env, is_install_path(path), path)
    return unittest.end(env)

def _file(short_path, package):
    return struct(short_path = short_path, owner = struct(package = package))

def _below_package_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, "kernel/a.ko", path_below_package(_file("kernel/a.ko", "")))
    asserts.equals(env, "kernel/a.ko", path_below_package(_file("some/where/kernel/a.ko", "some/where")))
    asserts.equals(env, "some/a.ko", path_below_package(_file("some/some/a.ko", "some")))
    asserts.equals(env, "kernel/a.ko", path_below_package(_file("../debian/kernel/a.ko", "")))
    asserts.equals(env, "kernel/a.ko", path_below_package(_file("../debian/some/kernel/a.ko", "some")))
    asserts.equals(env, "a.ko", join_paths("", "a.ko"))
    asserts.equals(env, "updates/a.ko", join_paths("updates", "a.ko"))
    return unittest.end(env)

_names_test = unittest.make(_names_test_impl)
_clean_test = unittest.make(_clean_test_impl)
_below_package_test = unittest.make(_below_package_test_impl)

def paths_tests(name):
    """All tests of install paths.

    Args:
      name: string, the suite's name.
    """
    unittest.suite(name, _names_test, _clean_test, _below_package_test)
