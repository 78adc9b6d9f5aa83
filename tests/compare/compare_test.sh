#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: compare_test.sh MODHASH BASE/note.ko VARIANT/note.ko...
#
# Checks that `modhash diff` reports the cause that is the name of a variant.
set -euo pipefail

modhash=$1 base=$(dirname "$2")
shift 2

failed=0
for module in "$@"; do
    variant=$(dirname "$module")
    cause=$(basename "$variant" | tr _ -)
    code=0
    "$modhash" diff --json "$base" "$variant" >"$TEST_TMPDIR/diff.json" || code=$?
    if [[ $code != 1 ]] || ! grep -q "\"id\": \"$cause\"" "$TEST_TMPDIR/diff.json"; then
        echo "FAILED: got exit code $code and these causes, want 1 and $cause:" >&2
        "$modhash" diff "$base" "$variant" >&2 || true
        failed=1
    fi
done
exit $failed
