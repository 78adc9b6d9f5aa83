#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: attest_test.sh MODHASH MODULES_INSTALL STATEMENT SPDX REPORT
#
# Checks that the statement about a kernel names its kernel images and matches the installed modules, and that the
# report shows the same root.
set -euo pipefail

modhash=$PWD/$1 installed=$2 statement=$3 spdx=$4 report=$5

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

cp -rL --no-preserve=mode "$installed" "$TEST_TMPDIR/installed"
modules=$(echo "$TEST_TMPDIR"/installed/lib/modules/*)
"$modhash" verify --attestation "$statement" --complete "$modules" || fail "the statement does not hold for the modules"

for name in vmlinux bzImage; do
    grep -q "\"name\": *\"$name\"" "$statement" || fail "$statement does not attest $name"
done
! grep -q '"rootRead": *false' "$statement" || fail "$statement: the root of a kernel was not read"
grep -q '"SPDX-2.3"' "$spdx" || fail "$spdx is not SPDX 2.3"

root=$(tr -d ' \n' <"$statement" | grep -o '"root":{[^}]*}' | grep -o '[0-9a-f]\{64\}') || fail "$statement has no root"
grep -q "$root" "$report" || fail "$report has another root than $statement, $root"

printf '!' | dd of="$modules/kernel/drivers/net/dummy.ko" bs=1 seek=4096 conv=notrunc status=none
! "$modhash" verify --attestation "$statement" --complete "$modules" || fail "the statement holds for an altered module"
