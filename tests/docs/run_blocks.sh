#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: run_blocks.sh MODHASH MODULES PAGE.md   (paths below the runfiles)
#
# Runs the commands in blocks of a page that are marked sh, in order, in a directory that contains only modules/.
# Each block runs in a new shell, because a reader may start with any block.
set -euo pipefail
bin=$TEST_TMPDIR/bin page=$PWD/$3
mkdir -p "$bin" "$TEST_TMPDIR/work"
ln -s "$PWD/$1" "$bin/modhash"
ln -s "$PWD/$2" "$TEST_TMPDIR/work/modules"
export PATH=$bin:/usr/bin:/bin
cd "$TEST_TMPDIR/work"

blocks=$(grep -c '^```sh$' "$page")
for ((i = 1; i <= blocks; i++)); do
    awk -v wanted="$i" '
        /^```sh$/ { n++; inside = 1; next }
        /^```$/ { inside = 0 }
        inside && n == wanted' "$page" >block
    echo "---- block $i of $3"
    cat block
    bash -euo pipefail block || {
        echo "block $i of $3 fails. Next: fix the page, or the command"
        exit 1
    }
done
((blocks > 0)) || {
    echo "$3 has no block marked sh"
    exit 1
}
