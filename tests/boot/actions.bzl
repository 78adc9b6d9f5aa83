# SPDX-License-Identifier: Apache-2.0
"""Helpers for the actions of the target under test."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")

visibility("//...")

def single_action(env, mnemonic):
    """The target's only action of a kind.

    Args:
      env: environment of an analysis test.
      mnemonic: string.

    Returns:
      Action.
    """
    actions = [action for action in analysistest.target_actions(env) if action.mnemonic == mnemonic]
    asserts.equals(env, 1, len(actions), "actions " + mnemonic)
    return actions[0]

def check_inputs(env, action, paths):
    """Asserts that an action declares inputs.

    Args:
      env: environment of an analysis test.
      action: Action.
      paths: list of strings, paths of files that must be among its inputs.
    """
    inputs = [file.path for file in action.inputs.to_list()]
    for path in paths:
        asserts.true(env, path in inputs, "%s is not among the inputs %s" % (path, inputs))
