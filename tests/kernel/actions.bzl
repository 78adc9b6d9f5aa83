# SPDX-License-Identifier: Apache-2.0
"""Tests of actions of kernel rules."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load(":toolchains.bzl", "MANIFEST", "PATH", "WITH_TOOLCHAIN")

visibility("//...")

# Flags whose values are not files. The value of any other flag is an input or an output.
_WORDS = [
    "--base",
    "--compiler",
    "--compression",
    "--copt",
    "--cross",
    "--declared",
    "--dir",
    "--include",
    "--jobs",
    "--label",
    "--machine",
    "--name",
    "--prefix",
    "--shards",
    "--strip",
    "--top",
    "--want-release",
]

def _strip_bin(env, path):
    return path.replace(analysistest.target_bin_dir_path(env) + "/", "")

def paths_of(env, files):
    """The paths of files, without the output directory.

    Args:
      env: the test's environment.
      files: depset of Files.

    Returns:
      list of strings.
    """
    return [_strip_bin(env, file.path) for file in files.to_list()]

def _named_files(arguments):
    """The files in the arguments after the subcommand, sorted."""
    return sorted({
        argument.rpartition("=")[2]: None
        for argument in arguments[1:]
        if argument.partition("=")[0] not in _WORDS
    })

def check_files(env, action, arguments):
    """Asserts that the inputs are the manifest and the files that the arguments name.

    Args:
      env: the test's environment.
      action: Action.
      arguments: list of strings, as arguments_of returns them.
    """
    inputs = paths_of(env, action.inputs)
    asserts.true(env, MANIFEST in inputs, "%s: the toolchain's manifest is not an input" % action.mnemonic)
    own = [
        path
        for path in inputs
        if path.startswith("tests/kernel/") and path != MANIFEST and not path.endswith(".params")
    ]
    outputs = paths_of(env, action.outputs)
    asserts.equals(env, _named_files(arguments), sorted(own + outputs), action.mnemonic)

def arguments_of(env, action):
    """The arguments of an action, without the output directory.

    Args:
      env: the test's environment.
      action: Action.

    Returns:
      list of strings.
    """
    return [_strip_bin(env, argument) for argument in action.argv[1:]]

def _actions_test_impl(ctx):
    env = analysistest.begin(ctx)
    got = {}
    for action in analysistest.target_actions(env):
        arguments = arguments_of(env, action)
        asserts.true(env, action.argv[0].endswith("/kbuild"), "program: %s" % action.argv[0])
        asserts.equals(env, {"PATH": PATH}, action.env, "environment of %s" % action.mnemonic)
        check_files(env, action, arguments)
        key = "%s %s" % (action.mnemonic, paths_of(env, action.outputs)[0])
        got[key] = arguments
    asserts.equals(env, sorted(ctx.attr.arguments), sorted(got))
    for key, arguments in got.items():
        asserts.equals(env, ctx.attr.arguments.get(key), arguments, key)
    return analysistest.end(env)

actions_test = analysistest.make(
    _actions_test_impl,
    doc = "Checks that the target has exactly these actions, with the inputs and outputs that their arguments name.",
    attrs = {
        "arguments": attr.string_list_dict(
            doc = "`MNEMONIC FIRST_OUTPUT` to arguments, without the output directory.",
            mandatory = True,
        ),
    },
    config_settings = WITH_TOOLCHAIN,
)
