#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: add_machines.sh MACHINE...
#
# Runs in a world, as its root: installs the packages that machines.txt has for machines. The manifest of the world stays as
# it is: these programs decide no byte of an output. Of the packages in the world, none is replaced.
set -Eeuo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
readonly recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly etc=${WORLD_ROOT:-}/etc/rules_modhash # WORLD_ROOT: for tests

say() { echo "bazelw: $*" >&2; }
die() {
    say "error: $*"
    exit 1
}

# apt ARGUMENTS... runs apt-get. A world may be of an archive that is past its date; the signatures are checked all the same.
apt() {
    local options=(-o APT::Sandbox::User=root)
    if grep -q $'^note\taccepted-after\t' "$etc/manifest.tsv"; then options+=(-o Acquire::Check-Valid-Until=false); fi
    apt-get "${options[@]}" "$@" >>"$log" 2>&1
}

# packages MACHINE prints its packages.
packages() { awk -v machine="$1" '$1 == machine { print $2 }' "$recipe/machines.txt"; }

# check_plan PACKAGE... fails if the installation would replace a package of the world. A plan has a line
# "Inst NAME [OLD] (NEW ...)" for each package, in which OLD is missing if the package is new.
check_plan() {
    local replaced
    apt --simulate --no-install-recommends install "$@" || return 1
    replaced=$(sed -n -E 's/^Inst ([^ ]+) \[([^]]+)\] \(([^ ]+) .*/\1 \2 by \3/p' "$log" | head -n 1)
    [[ ! $replaced ]] || die "the Debian archive is newer than the world: the packages for $machine replace $replaced." \
        "Next: ./bazelw --clean-world, and run again: the new world is of today's archive"
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
machine=$* # until the loop: the lists are for all of them
trap 'tail -n 15 "$log" >&2; die "adding $machine to the world failed: see above. Next: check the network and the mirror, and run again"' ERR
mkdir -p "$etc/machines"
# An interrupted installation leaves packages that are not configured.
dpkg --configure --pending >>"$log" 2>&1
apt update
for machine; do
    mapfile -t wanted < <(packages "$machine")
    say "adding $machine to the world: ${wanted[*]}"
    : >"$log"
    check_plan "${wanted[@]}"
    apt --yes --no-install-recommends install "${wanted[@]}"
    dpkg-query --show "${wanted[@]}" >"$etc/machines/$machine.tmp"
    mv "$etc/machines/$machine.tmp" "$etc/machines/$machine"
done

# A world has no package lists, and no packages.
apt clean
rm -rf "${WORLD_ROOT:-}"/var/lib/apt/lists/*
