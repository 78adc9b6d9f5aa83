#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: list_test.sh PROGRAM. Checks that PROGRAM prints the list, and writes it to a file.
set -euo pipefail
unset BUILD_WORKING_DIRECTORY
list=$PWD/$1

want='"""Modules of a kernel, as //tests/kernel/list:kernel.modules lists them."""

MODULES = [
    "arch/x86/only.ko",
    "drivers/a.ko",
    "drivers/b.ko",
]'

fail() {
    echo "$*" >&2
    exit 1
}

got=$("$list")
[[ $got == "$want" ]] || fail "printed $got, want $want"

cd "$TEST_TMPDIR"
export RUNFILES_DIR=${RUNFILES_DIR:-$TEST_SRCDIR}
echo old >modules.bzl
"$list" modules.bzl
[[ $(<modules.bzl) == "$want" ]] || fail "wrote $(<modules.bzl), want $want"
[[ $(ls) == modules.bzl ]] || fail "left $(ls), want modules.bzl alone"

mkdir other
BUILD_WORKING_DIRECTORY=$PWD/other "$list" there.bzl
[[ $(<other/there.bzl) == "$want" ]] || fail "wrote another list where bazel run was called"

! "$list" none/modules.bzl 2>/dev/null || fail "wrote into a directory that is not there"
! "$list" a b 2>stderr || fail "took two arguments"
grep -q 'got 2 arguments, want none or the file to write' stderr || fail "got $(<stderr)"
