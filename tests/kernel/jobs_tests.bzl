# SPDX-License-Identifier: Apache-2.0
"""Tests of //rules:kernel_jobs: an action declares as many processors as it runs programs at the same time."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts", "unittest")
load("//rules/private/actions:jobs.bzl", "JOBS", "resources_of")  # buildifier: disable=bzl-visibility
load(":toolchains.bzl", "WITH_TOOLCHAIN")

visibility("//...")

_FLAG = str(Label("//rules:kernel_jobs"))

def _resources_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.true(env, 1 in JOBS and 2 in JOBS)
    for jobs in JOBS:
        asserts.equals(env, jobs, resources_of(jobs)("linux", 0)["cpu"])
        asserts.equals(env, jobs * 1000, resources_of(jobs)("linux", 0)["memory"])
    return unittest.end(env)

_resources_test = unittest.make(_resources_test_impl)

def _jobs_test_impl(ctx):
    env = analysistest.begin(ctx)
    actions = analysistest.target_actions(env)
    asserts.true(env, actions)
    for action in actions:
        jobs = [argument for argument in action.argv if argument.startswith("--jobs")]
        asserts.equals(env, ["--jobs=6"], jobs, action.mnemonic)
        asserts.false(env, [value for value in action.env.values() if "6" in value], "environment")
    return analysistest.end(env)

_jobs_test = analysistest.make(
    _jobs_test_impl,
    doc = "Checks that all actions of the target get the number of the flag as an argument only.",
    config_settings = WITH_TOOLCHAIN | {_FLAG: 6},
)

def _failure_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, "--@rules_modhash//rules:kernel_jobs: got 5, want one of 1, 2, 3, 4, 6, 8, ")
    return analysistest.end(env)

_failure_test = analysistest.make(
    _failure_test_impl,
    config_settings = WITH_TOOLCHAIN | {_FLAG: 5},
    expect_failure = True,
)

def jobs_tests(name):
    """All tests of the number of jobs.

    Args:
      name: string, what the tests' names begin with.
    """
    _resources_test(name = name + "_resources_test")
    for target in ["config", "module", "vmlinux"]:
        _jobs_test(
            name = "%s_%s_test" % (name, target),
            target_under_test = "fixtures_x86_64_" + target,
        )
    _jobs_test(
        name = name + "_build_test",
        target_under_test = "fixtures_x86_64",
    )
    _jobs_test(
        name = name + "_install_test",
        target_under_test = "actions_tests_install",
    )
    _failure_test(
        name = name + "_failure_test",
        target_under_test = "fixtures_x86_64",
    )
