#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: lint.sh MODULE.bazel
#
# Runs staticcheck (unused code among its checks) and errcheck over all our Go packages, in the checkout that MODULE.bazel
# is a link into. lint.mod names their versions. Generated files are left out.
set -euo pipefail
cd "$(dirname "$(readlink -f "$1")")"
export PATH=$PATH:/usr/lib/go-1.26/bin GOTOOLCHAIN=local
command -v go >/dev/null || { echo "no Go in PATH: linting is left out" && exit; }

# run TOOL ARGUMENTS...: not in the module that it checks, whose go.mod does not contain the tools.
run() {
    local tool
    tool=$(go tool -modfile=tests/lint/lint.mod -n "$1")
    shift
    "$tool" "$@"
}

status=0
run staticcheck -checks=inherit ./... || status=1
run errcheck -exclude=tests/lint/errcheck.txt -ignoregenerated ./... || status=1
[[ $status == 0 ]] || echo "Next: fix these, or state in tests/lint/errcheck.txt why the error of a function needs no check"
exit $status
