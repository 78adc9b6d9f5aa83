#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: bench/hash.sh DIR [REPETITIONS]
#
# Compares modhash with openssl over the same modules in DIR (*.ko, not compressed):
#
#   modhash  tree, root object and one proof file a module
#   tree     the same without the proof files
#   openssl  find DIR | xargs -P$(nproc) openssl dgst -sha256
#
# The three take turns in each repetition, after one that warms the page cache; medians and
# ratios are printed, and the peak memory of modhash. Outputs go to a directory in $OUT
# (default /dev/shm: on ext4, making files soon after many were deleted is several times
# slower than ever else). MODHASH names the binary; by default it is built by go.
set -euo pipefail
export LC_ALL=C

usage() {
    sed -n '4,5s/^# //p' "$0" >&2
    exit 2
}

[[ $# -ge 1 && $# -le 2 ]] || usage
modules=$(realpath -- "$1")
repetitions=${2:-9}
[[ -d $modules && $repetitions =~ ^[1-9][0-9]*$ ]] || usage

work=$(mktemp -d "${OUT:-/dev/shm}/modhash-bench.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
modhash=${MODHASH:-}
if [[ -z $modhash ]]; then
    modhash=$work/modhash
    (cd "$(dirname -- "$0")/.." && go build -o "$modhash" ./tools/merkle/cmd/modhash)
fi

count=$(find "$modules" -name '*.ko' | wc -l)
[[ $count -gt 0 ]] || { echo "$0: no *.ko in $modules" >&2; exit 2; }
bytes=$(find "$modules" -name '*.ko' -printf '%s\n' | awk '{ s += $1 } END { print s }')

run_modhash() {
    "$modhash" tree --out "$1/tree.pb" --root-object "$1/root.o" --proofs "$1/proofs" "$modules"
}

run_tree() {
    "$modhash" tree --out "$1/tree.pb" --root-object "$1/root.o" "$modules"
}

run_openssl() {
    find "$modules" -name '*.ko' -print0 | xargs -0 "-P$(nproc)" openssl dgst -sha256
}

# measure NAME adds the microseconds of one run to $work/times/NAME.
measure() {
    local out begin end
    out=$(mktemp -d "$work/out.XXXXXX")
    begin=${EPOCHREALTIME/./}
    "run_$1" "$out" >"$out/stdout"
    end=${EPOCHREALTIME/./}
    echo $((end - begin)) >>"$work/times/$1"
}

median() {
    sort -n "$work/times/$1" | awk '{ a[NR] = $1 } END { print (NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2) / 1e6 }'
}

names=(modhash tree openssl)
mkdir "$work/times"
for name in "${names[@]}"; do measure "$name"; done
rm -f -- "$work"/times/*
for ((i = 0; i < repetitions; i++)); do
    for name in "${names[@]}"; do measure "$name"; done
done

echo "machine  $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) CPUs," \
    "$(grep -qw sha_ni /proc/cpuinfo && echo with || echo without) SHA extensions, $(uname -sr)"
echo "modules  $count, $((bytes / 1000000)) MB; median of $repetitions"
openssl=$(median openssl)
for name in "${names[@]}"; do
    awk -v name="$name" -v t="$(median "$name")" -v openssl="$openssl" -v bytes="$bytes" \
        'BEGIN { printf "%-8s %.3f s  %.2f × openssl  %.2f GB/s\n", name, t, t / openssl, bytes / t / 1e9 }'
done
if [[ -x /usr/bin/time ]]; then
    mkdir "$work/memory"
    /usr/bin/time -f 'memory   %M KB at the peak of modhash' -o "$work/rss" \
        "$modhash" tree --out "$work/memory/tree.pb" --root-object "$work/memory/root.o" --proofs "$work/memory/proofs" "$modules" >/dev/null
    cat "$work/rss"
fi
