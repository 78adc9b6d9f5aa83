#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: gazelle_test.sh GAZELLE MODULE.bazel
#
# Checks that the BUILD files of Go packages and of the example's modules match the output of Gazelle.
set -eu
BUILD_WORKSPACE_DIRECTORY=$(dirname "$(readlink -f "$2")")
export BUILD_WORKSPACE_DIRECTORY
if ! "$1"; then
    echo "BUILD files are out of date. To update them, run: bazel run //:gazelle"
    exit 1
fi
