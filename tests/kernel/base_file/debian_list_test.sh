#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: debian_list_test.sh LIST.BZL RELEASE.BZL
#
# Checks that the list of modules for Debian's configuration is the list of the modules in Debian's package of the same
# version. RELEASE.BZL is in the directory of the unpacked package.
set -eu
sed -n 's/^    "\(.*\.ko\)",$/\1/p' "$1" >"$TEST_TMPDIR/listed"
find -L "$(dirname "$2")" -name '*.ko*' | sed -n 's:^.*/lib/modules/[^/]*/kernel/\(.*\.ko\)\(\.[a-z]*\)\{0,1\}$:\1:p' | LC_ALL=C sort >"$TEST_TMPDIR/packaged"
[ -s "$TEST_TMPDIR/packaged" ] || { echo "got no modules in the package"; exit 1; }
diff -u "$TEST_TMPDIR/packaged" "$TEST_TMPDIR/listed"
