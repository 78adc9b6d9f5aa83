#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: series_test.sh SERIES PATCH...
#
# Checks that the rules apply the patches that the file series names, in its order.
set -eu
series=$1
shift
got=$(for patch; do basename "$patch"; done)
if [ "$got" != "$(cat "$series")" ]; then
    echo "The target module_hashes has other patches than $series, or another order:"
    echo "$got"
    exit 1
fi
