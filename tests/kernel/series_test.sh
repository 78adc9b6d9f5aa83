#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: series_test.sh SERIES... -- PATCH...
#
# Checks that the rules apply the patches in each file series, in its order, and that no patch needs lines that only
# Debian's source has: the patches must apply to the source of kernel.org too.
set -eu
failed=false
fail() {
    echo "$*"
    failed=true
}

series=
while [ "$1" != -- ]; do
    series="$series $1"
    shift
done
shift

for file in $series; do
    got=$(for patch; do [ "$(dirname "$patch")" != "$(dirname "$file")" ] || basename "$patch"; done)
    [ "$got" = "$(cat "$file")" ] || fail "The target module_hashes has other patches than $file, or another order: $got"
done
for patch; do
    ! grep -n ARCH_MODULE_LDS "$patch" || fail "$patch: does not apply to kernel.org's Linux, where these lines differ"
    ! grep -n '^diff .*/MAINTAINERS' "$patch" || fail "$patch: lines around changes to MAINTAINERS differ from release to release"
done
[ -n "$series" ] && [ $# != 0 ] || fail "got no series or no patches"
[ $failed = false ]
