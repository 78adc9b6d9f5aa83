#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Prints what Bazel records of the workspace in a release: the commit, and its time in seconds since 1970.
set -eu
commit=$(git rev-parse --verify HEAD)
[ -z "$(git status --porcelain)" ] || commit=$commit-changed
echo "STABLE_COMMIT $commit"
echo "STABLE_COMMIT_TIME $(git show --no-patch --format=%ct HEAD)"
