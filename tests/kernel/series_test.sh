#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: series_test.sh SERIES PATCH...
#
# Checks that the rules apply the patches that the file series names, in its order, and that none needs a line that only
# Debian's kernel has: they are for kernel.org's, too.
set -eu
series=$1
shift
got=$(for patch; do basename "$patch"; done)
if [ "$got" != "$(cat "$series")" ]; then
    echo "The target module_hashes has other patches than $series, or another order:"
    echo "$got"
    exit 1
fi
for patch; do
    if grep -n ARCH_MODULE_LDS "$patch"; then
        echo "$patch: does not apply to kernel.org's Linux, where these lines differ"
        exit 1
    fi
done
