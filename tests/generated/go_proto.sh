#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: go_proto.sh test CHECKED_IN GENERATED
#        go_proto.sh update CHECKED_IN GENERATED
#
# Compares the generated Go code of a .proto file with the one that is checked in, or copies it there.
set -eu
mode=$1 checked_in=$2 generated=$3

if [ "$mode" = update ]; then
    target=$BUILD_WORKSPACE_DIRECTORY/$checked_in
    cp "$generated" "$target.tmp"
    chmod 0644 "$target.tmp"
    mv "$target.tmp" "$target"
    exit
fi
# Comments contain the versions of the generators, which may differ with another Bazel.
if ! diff -u -I '^//[[:space:]]*protoc' "$checked_in" "$generated"; then
    echo "$checked_in is out of date. To update it, run: bazel run //$(dirname "$checked_in"):update"
    exit 1
fi
