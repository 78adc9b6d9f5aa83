#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Tests add_machines.sh with a stub of apt: what it installs, and what it rejects.
set -uo pipefail
script=$(readlink -f "$1")
work=$TEST_TMPDIR/work
failures=0

fail() {
    echo "FAIL $*"
    failures=$((failures + 1))
}

# setup PLAN UPDATE: a world, with an apt-get whose plan is the text PLAN and whose update has the exit code UPDATE.
setup() {
    rm -rf "$work"
    mkdir -p "$work/bin" "$work/root/etc/rules_modhash"
    printf 'note\taccepted-after\tMon\n' >"$work/root/etc/rules_modhash/manifest.tsv"
    echo "$1" >"$work/plan"
    cat >"$work/bin/apt-get" <<EOF
#!/bin/sh
echo "\$@" >>"$work/calls"
case "\$*" in
    *--simulate*) cat "$work/plan" ;;
    *update) echo 'E: Could not connect'; exit $2 ;;
esac
EOF
    printf '#!/bin/sh\n' >"$work/bin/dpkg"
    printf '#!/bin/sh\nfor package; do echo "$package 1"; done\n' >"$work/bin/dpkg-query"
    chmod +x "$work"/bin/*
}

# run MACHINE...: sets status and output.
run() {
    output=$(PATH="$work/bin:$PATH" WORLD_ROOT="$work/root" bash "$script" "$@" 2>&1)
    status=$?
}

added() { [[ -e $work/root/etc/rules_modhash/machines/$1 ]]; }

setup 'Inst qemu-system-riscv (1:11.1 Debian:forky [amd64])' 0
run riscv64 s390x
[[ $status == 0 ]] || fail "new packages: got exit $status: $output"
added riscv64 && added s390x || fail 'new packages: got no record of the machines'
grep -q -- '--yes --no-install-recommends install opensbi qemu-system-riscv$' "$work/calls" || fail "new packages: got $(cat "$work/calls")"
grep -q -- 'Acquire::Check-Valid-Until=false update$' "$work/calls" || fail "past its date: got $(cat "$work/calls")"

setup $'Inst libglib2.0-0t64 [2.86.1-1] (2.87.0-1 Debian:forky [amd64])\nInst qemu-system-s390x (1:11.2 Debian:forky [amd64])' 0
run s390x
[[ $status == 1 && $output == *'the packages for s390x replace libglib2.0-0t64 2.86.1-1 by 2.87.0-1. Next: ./bazelw --clean-world'* ]] ||
    fail "an archive that has moved on: got exit $status: $output"
added s390x && fail 'an archive that has moved on: got a record of the machine'
grep -q -- '--yes' "$work/calls" && fail 'an archive that has moved on: got an installation'

setup '' 1
run ppc64le
[[ $status == 1 && $output == *'E: Could not connect'*'adding ppc64le to the world failed: see above. Next: check the network'* ]] ||
    fail "no network: got exit $status: $output"
added ppc64le && fail 'no network: got a record of the machine'

[[ $failures == 0 ]] && echo "all cases passed"
exit "$failures"
