#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: audit_test.sh MODHASH X86_SYSTEM ARM64_SYSTEM
#
# Checks that `modhash audit` accepts systems from this build, whatever the format of their kernel, and that it reports
# a changed module.
set -euo pipefail

modhash=$PWD/$1
x86=$2 arm64=$3

fail() {
    echo "FAILED: $1" >&2
    cat "$TEST_TMPDIR/output" >&2
    exit 1
}

# audit NAME FROM copies a system, and audits the copy: runfiles are links to files outside of it.
audit() {
    [[ -d $TEST_TMPDIR/$1 ]] || cp -rL --no-preserve=mode "$2" "$TEST_TMPDIR/$1"
    "$modhash" audit --root-dir "$TEST_TMPDIR/$1" >"$TEST_TMPDIR/output" 2>&1
}

audit x86 "$x86" || fail "got problems in the x86 system, want none"
grep -q '^  bzImage, levels 6, root ' "$TEST_TMPDIR/output" || fail "got no bzImage with a root of 6 levels"

audit arm64 "$arm64" || fail "got problems in the arm64 system, want none"
grep -q '^  Image, levels 2, root ' "$TEST_TMPDIR/output" || fail "got no Image with a root of 2 levels"

# A module without its proof, and one with a changed byte.
directory=$(echo "$TEST_TMPDIR"/x86/usr/lib/modules/*/kernel)
"$modhash" unseal --out "$TEST_TMPDIR/bare" "$directory/fs"
cp "$TEST_TMPDIR/bare/ext4/ext4.ko" "$directory/fs/ext4/ext4.ko"
printf '!' | dd of="$directory/drivers/net/dummy.ko" bs=1 seek=4096 conv=notrunc status=none
! audit x86 || fail "got no problem with two modules that were changed"
grep -q '^  kernel/fs/ext4/ext4.ko: stripped: ' "$TEST_TMPDIR/output" || fail "got no word about the stripped ext4.ko"
grep -q '^  kernel/drivers/net/dummy.ko: altered: ' "$TEST_TMPDIR/output" || fail "got no word about the altered dummy.ko"

# Another kernel's System.map: the root is not at its address.
sed 's/^\([0-9a-f]*\)0 \(.*\) _text$/\18 \2 _text/' "$TEST_TMPDIR"/arm64/boot/System.map-* >"$TEST_TMPDIR/map"
cp "$TEST_TMPDIR/map" "$TEST_TMPDIR"/arm64/boot/System.map-*
! audit arm64 || fail "got no problem with another System.map"
grep -q 'boot/System.map-.* is of another build: ' "$TEST_TMPDIR/output" || fail "got no word about System.map"
