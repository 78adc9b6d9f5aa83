#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: docs_test.sh DOCUMENTED.AWK TEXTPROTO...
#
# Checks that all public names of the rules are documented.
status=0
program=$1
shift
for file; do
    awk -f "$program" "$file" || status=1
done
exit $status
