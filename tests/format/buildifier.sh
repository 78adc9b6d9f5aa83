#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: buildifier.sh BUILDIFIER MODULE.bazel fix|check
#
# Formats, or checks the format of, all Starlark files of the workspace that MODULE.bazel belongs to.
set -eu
buildifier=$1 module=$2 mode=$3
workspace=$(dirname "$(readlink -f "$module")")

if [ "$mode" = fix ]; then
    exec "$buildifier" -r -mode=fix -lint=fix "$workspace"
fi
if ! "$buildifier" -r -mode=check -lint=warn "$workspace"; then
    echo >&2 "The files named above are not formatted, or have the warnings named above." \
        "To format them, run: bazel run //:buildifier"
    exit 1
fi
