#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compares the files of two builds of a kernel: those of the first must be those of the second. objects.tar.zst has what
# the link reads, which differs.
set -u
one=$1 shards=$2
count=0 failed=0
for file in $(cd "$one" && find . ! -type d | sort); do
    [ "$file" != ./objects.tar.zst ] || continue
    count=$((count + 1))
    cmp "$one/$file" "$shards/$file" || failed=1
done
if [ "$count" -lt 12 ]; then
    echo "got $count files to compare, want at least 12"
    exit 1
fi
echo "compared $count files"
exit "$failed"
