#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: kunit_test.sh BOOT
#
# BOOT is a kernel_boot of a kernel with CONFIG_MODULE_HASHES_KUNIT_TEST. Checks that all cases of the
# suite run and pass.
set -uo pipefail
logs=$TEST_TMPDIR/logs
mkdir -p "$logs"
"$1" --logs="$logs" || exit 1
log=$(cat "$logs"/*.serial.log)
verdict=$(grep -aoE '(not )?ok [0-9]+ module_hashes' <<<"$log" | tail -n 1)
totals=$(grep -aoE '# module_hashes: pass:[0-9]+ fail:[0-9]+ skip:[0-9]+ total:[0-9]+' <<<"$log")
echo "got: ${verdict:-no verdict}, ${totals:-no totals}"
if [[ $verdict != "ok "* || $totals != *"pass:11 fail:0 skip:0 total:11" ]]; then
    echo "want: ok, pass:11 fail:0 skip:0 total:11. The log:"
    grep -a -A 60 'KTAP' <<<"$log"
    exit 1
fi
