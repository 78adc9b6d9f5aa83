#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: reference.sh test GENERATED...
#        reference.sh update GENERATED...
#
# Compares the generated pages with those in docs/reference, or copies them there.
set -u
mode=$1 status=0
shift

for generated; do
    checked_in=docs/reference/$(basename "$generated")
    if [ "$mode" = update ]; then
        target=$BUILD_WORKSPACE_DIRECTORY/$checked_in
        cp "$generated" "$target.tmp" && chmod 0644 "$target.tmp" && mv "$target.tmp" "$target" || exit 1
    elif ! diff -u "$checked_in" "$generated"; then
        echo "$checked_in is out of date. To update it, run: ./bazelw run //docs:update"
        status=1
    fi
done
exit $status
