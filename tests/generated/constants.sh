#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: constants.sh test|update CHECKED_IN GENERATED
#
# Compares a generated .bzl file with the one that is checked in, or copies it there.
set -eu
mode=$1 checked_in=$2 generated=$3

if [ "$mode" = update ]; then
    target=$BUILD_WORKSPACE_DIRECTORY/$checked_in
    cp "$generated" "$target.tmp"
    chmod 0644 "$target.tmp"
    mv "$target.tmp" "$target"
elif ! diff -u "$checked_in" "$generated"; then
    echo "$checked_in is out of date. To update it, run: bazel run //$(dirname "$checked_in"):update"
    exit 1
fi
