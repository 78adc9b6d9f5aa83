#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: idempotent_test.sh GAZELLE FILE...
#
# Runs Gazelle twice in each case that the FILEs of testdata belong to, first with update, then with fix:
# the second run must change nothing.
set -eu
gazelle=$PWD/$1
shift
failed=0
for module in "$@"; do
    case $module in
        */MODULE.bazel) ;;
        *) continue ;;
    esac
    name=$(basename "$(dirname "$module")")
    work=$TEST_TMPDIR/$name
    cp -RL "$(dirname "$module")" "$work"
    find "$work" -name BUILD.out -exec rm {} +
    find "$work" -name BUILD.in | while read -r file; do
        mv "$file" "${file%.in}.bazel"
    done
    arguments=$work/arguments.txt
    [ -f "$arguments" ] || : >"$arguments"
    (cd "$work" && xargs "$gazelle" update <"$arguments" 2>"$TEST_TMPDIR/$name.log")
    cp -R "$work" "$work.first"
    (cd "$work" && xargs "$gazelle" fix <"$arguments" 2>"$TEST_TMPDIR/$name.log")
    if ! diff -r "$work.first" "$work"; then
        echo "$name: got the changes above by a second run, want none" >&2
        failed=1
    fi
done
exit $failed
