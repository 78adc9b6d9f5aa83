#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: checkpatch_test.sh LINUX-ARCHIVE PATCH...
#
# Runs the kernel's scripts/checkpatch.pl --strict over patches. Sign-offs are for people to add. A patch of
# Makefile that names scripts/Makefile.vmlinux does not name itself, which is what EMBEDDED_FILENAME is about.
# FILE_PATH_CHANGES asks for MAINTAINERS, which series_test.sh excludes.
set -eu
archive=$1
shift
tar --extract --file "$archive" --directory "$TEST_TMPDIR" --strip-components=1 --wildcards \
    '*/scripts/checkpatch.pl' '*/scripts/const_structs.checkpatch' '*/scripts/spelling.txt'
perl "$TEST_TMPDIR/scripts/checkpatch.pl" --strict --no-tree --no-signoff \
    --ignore EMBEDDED_FILENAME,FILE_PATH_CHANGES --quiet --show-types --root="$TEST_TMPDIR" "$@"
