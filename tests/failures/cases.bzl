# SPDX-License-Identifier: Apache-2.0
"""Trees whose build fails, and verification tests that fail."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load("//rules:defs.bzl", "kernel_module_import", "kernel_modules_import", "module_tree", "module_verify_test")
load("//tests/private:action_failure_test.bzl", "action_failure_test")
load("//tests/private:modules.bzl", "test_module", "test_module_directory")

visibility("//...")

def imported(name, existing_signature = "strip", path = "kernel/a.ko", **kwargs):
    """A test module, in a file in the directory NAME, and its import.

    Args:
      name: string.
      existing_signature: string, as in kernel_module_import.
      path: string, where it is installed.
      **kwargs: more attributes of test_module.
    """
    test_module(name = name + "_file", directory = name, path = path, **kwargs)
    kernel_module_import(
        name = name,
        existing_signature = existing_signature,
        install_path = path,
        module = name + "_file",
    )

def imported_directory(name, paths, existing_signature = "strip", strip_prefix = "", **kwargs):
    """A directory NAME_output_directory of test modules, and its import.

    Args:
      name: string.
      paths: list of strings, the files in it.
      existing_signature: string, as in kernel_modules_import.
      strip_prefix: string, as in kernel_modules_import.
      **kwargs: more attributes of test_module_directory.
    """
    test_module_directory(name = name + "_output_directory", paths = paths, **kwargs)
    kernel_modules_import(
        name = name,
        srcs = [name + "_output_directory"],
        existing_signature = existing_signature,
        strip_prefix = strip_prefix,
    )

def tree_failure_test(name, mnemonic, error, modules, order = None, machine = "x86_64"):
    """A tree, and the test that its action with this mnemonic fails.

    Args:
      name: string, the test's name.
      mnemonic: string.
      error: list of strings, parts of the message.
      modules: list of labels, as in module_tree.
      order: list of strings, the lines of a modules.order, or None.
      machine: string, as in module_tree.
    """
    tree = name.removesuffix("_test") + "_tree"
    if order != None:
        write_file(name = tree + "_order", out = tree + ".order", content = order + [""])
    module_tree(
        name = tree,
        granularity = 64,
        machine = machine,
        modules = modules,
        order = tree + ".order" if order != None else None,
        tags = ["manual"],
    )
    action_failure_test(name = name, size = "small", error = error, mnemonic = mnemonic, target = tree)

def bad_module_tests(name, error, existing_signature = "strip", **kwargs):
    """An invalid module, alone and in a directory: tests that the message names its file and its target.

    Args:
      name: string, prefix of all targets.
      error: string, the part of the message about the module.
      existing_signature: string, as in the import rules.
      **kwargs: more attributes of test_module.
    """
    module = name + "_module"
    imported(name = module, existing_signature = existing_signature, **kwargs)
    tree_failure_test(
        name = name + "_test",
        error = ["modhash leaf: //tests/failures:{0} (tests/failures/{0}/kernel/a.ko): {1}".format(module, error)],
        mnemonic = "ModhashLeaf",
        modules = [module],
    )
    directory = name + "_directory"
    path = "kernel/fs/b.ko.xz"
    imported_directory(name = directory, existing_signature = existing_signature, paths = [path], **kwargs)
    tree_failure_test(
        name = name + "_in_directory_test",
        error = ["modhash tree: //tests/failures:{0} (tests/failures/{0}_output_directory/{1}): {2}".format(directory, path, error)],
        mnemonic = "ModhashTree",
        modules = [directory],
    )

def failing_verify_test(name, error, **kwargs):
    """A module_verify_test that fails, and the test that checks its failure.

    Args:
      name: string, the name of the test that checks the failure.
      error: list of strings, parts of the output.
      **kwargs: attributes of module_verify_test.
    """
    failing = name.removesuffix("_test") + "_failing"
    module_verify_test(name = failing, tags = ["manual"], **kwargs)
    sh_test(
        name = name,
        size = "small",
        srcs = ["expect_failure.sh"],
        args = ["$(rootpath %s)" % failing] + ["'%s'" % part for part in error],
        data = [failing],
    )
