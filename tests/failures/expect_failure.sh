#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: expect_failure.sh PROGRAM LINE...
#
# Passes if PROGRAM exits with status 1 and prints each LINE, as a line or a part of one.
program=$1
shift
output=$("$program" 2>&1)
status=$?
failed=0
[ $status = 1 ] || { echo "exit status $status, want 1"; failed=1; }
for line; do
    printf '%s\n' "$output" | grep -qF -e "$line" || { echo "not written: $line"; failed=1; }
done
[ $failed = 0 ] || printf -- '--- what was written ---\n%s\n' "$output"
exit $failed
